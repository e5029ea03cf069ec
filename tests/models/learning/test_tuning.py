"""The search for parameters is seeded, bounded, in time order, and goes on where it stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from claimvet.data.contract.errors import ModelError, UsageError
from claimvet.models.learning.splits import SplitParams
from claimvet.models.learning.tuning import Tuned, time_folds, tune
from claimvet.pipeline.params import Params, load_params
from claimvet.pipeline.stages.tune import tune_parameters, write_params
from tests.models.small_world import QUICK, SPLIT, small_world

WORLD = small_world(500)
FAST = replace(QUICK, num_boost_round=8, learning_rate=0.1)


def search(folder: Path, trials: int, seconds: float = 60.0) -> Tuned:
    storage = f"sqlite:///{folder / 'trials.db'}"
    return tune(WORLD, SPLIT, FAST, trials=trials, seconds=seconds, storage=storage, study="s")


def test_every_block_is_later_than_all_that_it_is_evaluated_by() -> None:
    folds = time_folds(WORLD, SPLIT)
    assert len(folds) == 3
    for fold in folds:
        begins = fold.later["filed_at"].min()
        assert fold.known["filed_at"].max() < begins
        assert fold.known["decided_at"].max() <= begins


@pytest.mark.slow
def test_it_begins_with_the_parameters_at_hand_and_never_answers_worse(tmp_path: Path) -> None:
    found = search(tmp_path, 3)
    assert found.trials == 3
    assert found.loss <= found.first_loss
    assert found.params.num_boost_round == FAST.num_boost_round
    assert search(tmp_path, 1) == found, "the trials asked for are there already"


@pytest.mark.slow
def test_the_same_seed_finds_the_same_and_a_stopped_search_goes_on(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert search(tmp_path / "one", 3) == search(tmp_path / "two", 3)
    further = search(tmp_path / "one", 4)
    assert further.trials == 4
    assert further.loss <= search(tmp_path / "two", 3).loss


def test_no_trial_begins_when_the_time_is_up(tmp_path: Path) -> None:
    assert search(tmp_path, 50, seconds=0.01).trials == 1


def test_too_few_findings_are_refused() -> None:
    with pytest.raises(ModelError, match="too few to tune on, expected at least 6000"):
        time_folds(WORLD, SplitParams(min_findings=1000))


def test_what_is_written_is_read_back_whole(tmp_path: Path) -> None:
    params = Params(train=replace(QUICK, learning_rate=0.0123))
    write_params(params, tmp_path / "tuned.yaml", "3 trials")
    assert load_params(tmp_path / "tuned.yaml") == params


def test_an_output_among_what_is_read_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"tuned\.yaml belongs to "):
        tune_parameters(tmp_path, Params(), trials=1, seconds=1.0, out=tmp_path / "deeper" / "tuned.yaml")
    assert list(tmp_path.iterdir()) == []
