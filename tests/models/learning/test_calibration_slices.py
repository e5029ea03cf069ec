"""Calibration is checked where somebody may ask about it, with intervals that hold what they say."""

from __future__ import annotations

import pytest

from claimvet.models.assessment.plots import CALIBRATION_SLICES, calibration_slices
from claimvet.models.learning.training import Training
from claimvet.models.metrics.intervals import proportion_interval


def test_an_interval_of_a_share_is_exact_at_its_ends() -> None:
    low, high = zip(*(proportion_interval(cases, 10) for cases in (0, 5, 10)), strict=True)
    assert low[0] == 0.0
    assert high[2] == 1.0
    assert high[0] == pytest.approx(1 - 0.025 ** (1 / 10))
    assert (low[1], high[1]) == (pytest.approx(0.187, abs=1e-3), pytest.approx(0.813, abs=1e-3))


def test_every_slice_says_what_was_answered_and_what_was_found(training: Training) -> None:
    slices = calibration_slices(training.evaluated)
    assert set(slices["slice"]) <= set(CALIBRATION_SLICES)
    assert {"claim_type", "decided_by", "lane"} <= set(slices["slice"])
    assert (slices["low"] <= slices["share"]).all()
    assert (slices["share"] <= slices["high"]).all()
    lane = slices[slices["slice"] == "decided_by"].iloc[0]
    part = training.evaluated[training.evaluated["decided_by"] == lane["value"]]
    assert lane["findings"] == len(part)
    assert lane["share"] == pytest.approx((part["label"] == "valid").mean())
    assert lane["p_mean"] == pytest.approx(part["found_valid"].mean())
