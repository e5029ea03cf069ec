"""Probabilities that mean what they say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.calibration import METHODS, SMALLEST_PROBABILITY, Calibration, FloatArray, fit_calibration, log_loss

GRID = np.linspace(-60, 60, 501)


def sample(rows: int, slope: float, shift: float, seed: int = 1) -> tuple[FloatArray, FloatArray]:
    """Raw log odds, and labels drawn with the odds that `slope` and `shift` make of them."""
    random = np.random.default_rng(seed)
    raw = random.normal(0, 2, rows)
    return raw, (random.random(rows) < 1 / (1 + np.exp(-(slope * raw + shift)))).astype(np.float64)


def test_a_booster_that_was_too_sure_and_leaned_one_way_is_put_right() -> None:
    fitted = fit_calibration(*sample(4000, 0.5, -0.7))
    raw, target = sample(4000, 0.5, -0.7, seed=2)
    truth = 1 / (1 + np.exp(-(0.5 * raw - 0.7)))
    assert np.abs(fitted.apply(raw) - truth).mean() < 0.02
    assert log_loss(fitted.apply(raw), target) < log_loss(Calibration().apply(raw), target)


def test_right_probabilities_are_left_as_they_are() -> None:
    raw, target = sample(2000, 1.0, 0.0)
    assert np.abs(fit_calibration(raw, target).apply(raw) - Calibration().apply(raw)).max() < 0.05


@pytest.mark.parametrize("rows", [0, 1, 49])
def test_too_few_claims_leave_the_raw_score(rows: int) -> None:
    assert fit_calibration(*sample(rows, 0.3, 1.0)) == Calibration()


def test_one_label_only_leaves_the_raw_score() -> None:
    assert fit_calibration(np.linspace(-3, 3, 200), np.ones(200)) == Calibration()


def test_weights_count_as_copies_of_a_claim_do() -> None:
    raw, target = sample(300, 0.6, 0.4)
    copies = np.where(target == 1, 3, 1)
    weighted = METHODS["sigmoid"](raw, target, copies.astype(np.float64)).apply(GRID)
    copied = METHODS["sigmoid"](np.repeat(raw, copies), np.repeat(target, copies), np.ones(copies.sum())).apply(GRID)
    assert np.abs(weighted - copied).max() < 0.02


@pytest.mark.parametrize("name", list(METHODS))
@settings(max_examples=20)
@given(st.integers(60, 200), st.floats(-2, 2), st.floats(-3, 3), st.integers(0, 99))
def test_no_method_turns_the_order_around_or_is_certain_and_each_survives_json(name: str, rows: int, slope: float, shift: float, seed: int) -> None:
    raw, target = sample(rows, slope, shift, seed)
    fitted = METHODS[name](raw, target, np.ones(rows))
    answers = fitted.apply(GRID)
    assert (np.diff(answers) >= -1e-12).all()
    assert answers.min() >= SMALLEST_PROBABILITY and answers.max() <= 1 - SMALLEST_PROBABILITY
    np.testing.assert_array_equal(Calibration.from_dict(json.loads(json.dumps(fitted.to_dict()))).apply(GRID), answers)


def test_steps_are_only_tried_where_there_are_enough_claims() -> None:
    random = np.random.default_rng(3)
    raw = random.uniform(-3, 3, 6000)
    steep = np.where(raw < -1, 0.05, np.where(raw < 1, 0.4, 0.95))
    target = (random.random(6000) < steep).astype(np.float64)
    assert fit_calibration(raw, target).method == "isotonic"
    assert fit_calibration(raw[:900], target[:900]).method != "isotonic"
