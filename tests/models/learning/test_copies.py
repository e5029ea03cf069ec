"""A load that was repeated under other ids makes nothing surer: not the bound, not an interval, not the gate's count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.models.learning.training import Training, train_model
from claimvet.models.learning.training_data import counted_once
from claimvet.models.metrics.copies import first_of_each
from claimvet.models.metrics.evaluation import intervals
from claimvet.models.parameters import TrainParams
from claimvet.models.policy.policy import Policy
from claimvet.models.scoring.schema import Input, InputSchema
from claimvet.pipeline.stages.train import training_notes
from tests.examples import examples
from tests.models.small_world import SPLIT, loaded_again, small_world

FAST = TrainParams(num_boost_round=10, learning_rate=0.3, num_leaves=4, max_depth=2, averaged=1)
LAX = Policy(deny_alpha=0.2, finding_error_share=0.0)


@pytest.mark.slow
@settings(max_examples=examples(3))
@given(st.integers(1, 3), st.floats(0.2, 1.0), st.integers(0, 50))
def test_a_load_that_is_repeated_changes_neither_bound_nor_interval(times: int, share: float, seed: int) -> None:
    data = small_world(700, seed=seed)
    once = train_model(data, SPLIT, FAST, LAX)
    again = train_model(loaded_again(data, times, share), SPLIT, FAST, LAX)
    assert again.model.policy == once.model.policy
    assert again.evaluated_policy == once.evaluated_policy
    assert len(again.evaluated) == len(once.evaluated)
    pd.testing.assert_frame_equal(intervals(again.evaluated, 1), intervals(once.evaluated, 1))
    assert again.model.frivolous.model_to_string() == once.model.frivolous.model_to_string()


def test_some_bound_was_asked_for_so_that_the_law_above_says_something() -> None:
    assert train_model(small_world(700, seed=1), SPLIT, FAST, LAX).model.policy.deny_threshold is not None


def test_how_many_copies_were_left_out_stands_in_the_facts() -> None:
    data = small_world(300)
    assert "copies" not in counted_once(data).facts
    assert counted_once(data) is data
    assert counted_once(loaded_again(data, 2)).facts["copies"] == 600


def test_claims_that_differ_in_one_thing_are_no_copies() -> None:
    data = small_world(300)
    again = loaded_again(data, 1)
    copies = again.claims.index.str.startswith("copy")
    for table, column, value in (("claims", "amount_claimed", 7.77), ("features", "x_noise", 9.9)):
        changed = getattr(again, table).copy()
        changed.loc[copies, column] = value
        assert "copies" not in counted_once(replace(again, **{table: changed})).facts
    later = again.outcomes.assign(decided_at=again.outcomes["decided_at"] + pd.to_timedelta(np.arange(600), unit="s"))
    assert "copies" not in counted_once(replace(again, outcomes=later)).facts


@given(st.lists(st.tuples(st.sampled_from([1.0, 2.0, None]), st.sampled_from(["a", "b"])), max_size=12))
def test_the_first_of_each_is_kept_by_plain_loops(rows: list[tuple[float | None, str]]) -> None:
    seen: list[tuple[float | None, str]] = []
    expected = []
    for row in rows:
        expected.append(row not in seen)
        seen.append(row)
    frame = pd.DataFrame(rows, columns=["n", "c"]).astype({"n": "float64"})
    assert first_of_each(frame).tolist() == expected


def test_training_says_once_which_protected_inputs_and_copies_there_are(training: Training) -> None:
    model = training.model
    assert training_notes(model) == []
    inputs = (*model.schema.inputs, Input("x_lastNames", "category"), Input("x_dob", "number"))
    record = model.record | {"data": {"copies": 1200}}
    copied, protected = training_notes(replace(model, schema=InputSchema(inputs), record=record))
    assert copied.startswith("1,200 claims are alike in all but their ids")
    assert protected.startswith("the model reads x_lastNames, x_dob: protected, or a proxy of it")
