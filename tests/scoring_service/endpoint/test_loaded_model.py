"""A model is taken after it was verified; one that fails changes nothing, and is not fetched again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimvet.data.contract.errors import ModelError
from claimvet.models.registry.model_store import Fetched
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.models.scoring.scoring import RowScorer
from claimvet.pipeline.cli import serving
from claimvet.scoring_service.model_loading.fetching import Fetching
from claimvet.scoring_service.model_loading.loaded_model import (
    CHAMPION_URI,
    LOOKS_BEFORE_AGAIN,
    ModelReloader,
    load_verified,
    smoke_row,
    verified,
)
from tests.scoring_service.endpoint.small_model import saved, small_model


def test_a_slot_takes_a_model_once_and_the_next_one_when_the_address_names_it(tmp_path: Path, model: Path) -> None:
    reloader = ModelReloader(str(model))
    assert reloader.problem == "it is being loaded"
    assert reloader.refresh()
    assert not reloader.refresh()
    assert reloader.loaded is not None
    assert reloader.loaded.version == ClaimModel.load(model).version
    reloader.uri = str(saved(small_model(2), tmp_path / "two"))
    assert reloader.refresh()
    assert reloader.loaded.version == small_model(2).version


def test_the_first_look_may_have_begun_before(model: Path) -> None:
    reloader = ModelReloader("models:/claimvet@champion", Fetching(str(model)))
    assert reloader.refresh()
    assert reloader.loaded is not None
    assert reloader.loaded.uri == str(model)


def test_a_version_that_was_not_taken_is_left_alone_for_some_looks(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    reloader = ModelReloader(str(model))
    reloader.refresh()
    broken = saved(small_model(2), tmp_path / "broken")
    reloader.uri = str(broken)
    (broken / "frivolous.txt").write_text("no booster")
    loaded = ClaimModel.load

    def watched(path: Path) -> ClaimModel:
        looks.append(path)
        return loaded(path)

    monkeypatch.setattr(ClaimModel, "load", watched)
    for _ in range(LOOKS_BEFORE_AGAIN + 1):
        assert not reloader.refresh()
        assert reloader.problem
    assert len(looks) == 1
    assert reloader.loaded is not None
    assert reloader.loaded.uri == str(model)
    saved(small_model(2), tmp_path / "broken")
    assert reloader.refresh()
    assert reloader.problem is None


def test_a_model_of_another_hash_is_refused(model: Path) -> None:
    with pytest.raises(ModelError, match=r"has the hash [0-9a-f]+, expected another as the registry says"):
        load_verified(Fetched("models:/claimvet/7", model, "another"))


def test_a_model_whose_rows_and_frames_disagree_is_refused(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities = RowScorer.probabilities
    monkeypatch.setattr(RowScorer, "probabilities", lambda self, raw: probabilities(self, raw)[:, ::-1])
    with pytest.raises(ModelError, match="to a usual claim, expected shares of sum 1"):
        verified(str(model))


def test_the_smoke_row_has_every_input_of_the_model() -> None:
    grown = small_model(extra=("x_site",))
    row = smoke_row(grown)
    assert set(row) == set(grown.schema.names)
    assert row["claim_type"] in ("property_damage", "personal_injury")
    assert CHAMPION_URI == serving.CHAMPION_URI
