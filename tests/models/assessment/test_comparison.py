"""Bounds of differences hold as often as they say, and are those of an independent count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.models.assessment.comparison import found_by
from claimvet.models.learning.training import Training
from claimvet.models.metrics.baselines import loss_difference
from claimvet.models.metrics.evaluation import FOUND
from claimvet.models.metrics.intervals import mean_interval
from claimvet.models.metrics.label_noise import PRIOR_ERROR_RATE
from claimvet.models.parameters import GateParams
from tests.examples import examples

PARAMS = GateParams()


@settings(max_examples=examples(25))
@given(st.integers(0, 1000), st.floats(-100, 100), st.floats(0.1, 50))
def test_the_interval_of_a_mean_holds_it_and_moves_with_it(seed: int, middle: float, spread: float) -> None:
    values = np.random.default_rng(seed).normal(middle, spread, 120)
    low, mean, high = mean_interval(values, 0.95, 3)
    assert low < mean < high
    assert mean == pytest.approx(values.mean())
    moved = mean_interval(2.0 * values + 7.0, 0.95, 3)
    np.testing.assert_allclose(moved, [2.0 * end + 7.0 for end in (low, mean, high)], atol=1e-9)
    flipped = mean_interval(-values, 0.95, 3)
    np.testing.assert_allclose(flipped, [-high, -mean, -low], atol=1e-9)


@pytest.mark.slow
def test_each_bound_of_a_mean_holds_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(5)
    ends = [mean_interval(rng.exponential(1.0, 150), 0.95, seed) for seed in range(400)]
    below, above = (np.mean([end[place] <= 1.0 for end in ends]) for place in (0, 2))
    assert 0.91 < below < 0.99
    assert 0.01 < above < 0.10  # exponential: the upper bound errs somewhat more often


def test_equal_differences_leave_no_doubt() -> None:
    assert mean_interval(np.full(50, -0.25), 0.95, 1) == pytest.approx((-0.25, -0.25, -0.25))


def test_what_a_loss_is_above_another_at_most_is_near_the_normal_bound(training: Training) -> None:
    evaluated, other = training.evaluated, training.baselines["base_rates"]
    losses = [
        np.array([-np.log(row[f"found_{row['label']}"]) for row in rows.to_dict("records")])
        for rows in (evaluated, other)
    ]
    difference = losses[0] - losses[1]
    bound = difference.mean() + 1.645 * difference.std(ddof=1) / np.sqrt(len(difference))
    assert loss_difference(evaluated, other, PARAMS) == pytest.approx(bound, abs=0.02)
    shuffled = other.sample(frac=1.0, random_state=1)
    assert loss_difference(evaluated, shuffled, PARAMS) == loss_difference(evaluated, other, PARAMS)
    assert loss_difference(evaluated, evaluated, PARAMS) == 0.0


def test_what_a_decider_finds_is_blurred_by_its_own_errors(training: Training) -> None:
    record = training.model.record | {"error_rates": {"careful": 0.0, "careless": 0.4}}
    model = replace(training.model, record=record)
    asked = pd.DataFrame({"p_valid": [0.9] * 3, "p_frivolous": [0.06] * 3, "p_abusive": [0.04] * 3})
    found = found_by(model, asked, pd.Series(["careful", "careless", "never seen"]))
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    np.testing.assert_allclose(found[0], [0.9, 0.06, 0.04])
    careful, careless, usual = found[:, 0]
    assert careless < usual < careful
    assert len(FOUND) == found.shape[1]
    assert 0.0 < PRIOR_ERROR_RATE < 0.4
