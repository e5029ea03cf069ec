"""Calibrations are monotone maps that are never certain, and plain JSON."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from claimvet.models.scoring.calibration import MIN_PROBABILITY, Calibration

GRID = np.linspace(-60, 60, 501)
slopes, shifts = st.floats(0, 5), st.floats(-5, 5)


@given(slopes, slopes, shifts)
def test_no_map_turns_the_order_around_or_is_certain(rise: float, fall: float, shift: float) -> None:
    answers = Calibration("beta", rise, fall, shift).apply(GRID)
    assert (np.diff(answers) >= -1e-12).all()
    assert answers.min() >= MIN_PROBABILITY
    assert answers.max() <= 1 - MIN_PROBABILITY


@given(slopes, slopes, shifts)
def test_a_map_survives_json_to_the_last_bit(rise: float, fall: float, shift: float) -> None:
    made = Calibration("beta", rise, fall, shift)
    assert Calibration.from_dict(json.loads(json.dumps(made.to_dict()))) == made


def test_without_calibration_the_boosters_own_probability_stands() -> None:
    np.testing.assert_allclose(Calibration().apply(np.array([0.0, np.log(3.0)])), [0.5, 0.75])


@given(slopes, shifts)
def test_equal_slopes_are_a_sigmoid(slope: float, shift: float) -> None:
    raw = np.linspace(-5, 5, 21)
    np.testing.assert_allclose(
        Calibration("sigmoid", slope, slope, shift).log_odds(raw), slope * raw + shift, atol=1e-9
    )


@given(st.lists(st.tuples(st.floats(-8, 8), st.floats(-6, 6)), min_size=2, max_size=9, unique_by=lambda knot: knot[0]))
def test_a_map_of_knots_keeps_the_order_and_survives_json(knots: list[tuple[float, float]]) -> None:
    rising = tuple(zip(sorted(x for x, _ in knots), sorted(y for _, y in knots), strict=True))
    made = Calibration("isotonic", 1.2, 0.8, 0.1, rising)
    assert (np.diff(made.apply(GRID)) >= -1e-12).all()
    assert Calibration.from_dict(json.loads(json.dumps(made.to_dict()))) == made
