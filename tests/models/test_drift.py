"""Drift is told where the world has moved, and not where chance moved a few rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from models.drift import drift, drifts, psi
from models.parameters import MonitorParams

PARAMS = MonitorParams()


def test_the_index_by_hand() -> None:
    assert psi(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0.0
    assert psi(np.array([0.5, 0.5]), np.array([0.8, 0.2])) == pytest.approx(0.3 * np.log(1.6) - 0.3 * np.log(0.4))


def test_the_same_world_is_steady_and_a_moved_one_alarms() -> None:
    rng = np.random.default_rng(1)
    reference, same, moved = (pd.Series(rng.normal(shift, 1, 2000)) for shift in (0.0, 0.0, 0.8))
    assert drift("x", reference, same, PARAMS).level == "steady"
    found = drift("x", reference, moved, PARAMS)
    assert found.level == "alarm"
    assert found.statistic == pytest.approx(ks_2samp(reference, moved).statistic)


def test_few_rows_move_by_chance_and_are_not_told() -> None:
    rng = np.random.default_rng(2)
    pairs = [(pd.Series(rng.normal(size=60)), pd.Series(rng.normal(size=25))) for _ in range(60)]
    found = [drift("x", *pair, PARAMS) for pair in pairs]
    assert np.mean([one.psi for one in found]) > PARAMS.psi_watch
    assert [one.level for one in found].count("steady") == len(found)
    assert np.mean([one.psi - one.by_chance for one in found]) == pytest.approx(0.0, abs=0.15)


def test_nulls_categories_and_booleans_move_too() -> None:
    rng = np.random.default_rng(3)
    numbers = pd.Series(rng.normal(size=1000))
    assert drift("nulls", numbers, numbers.where(rng.random(1000) < 0.5), PARAMS).level == "alarm"
    old = pd.Series(rng.choice(["a", "b"], 1000, p=[0.9, 0.1]))
    new = pd.Series(rng.choice(["a", "b", "unseen"], 1000, p=[0.5, 0.1, 0.4]))
    assert drift("category", old, new, PARAMS).level == "alarm"
    assert drift("category", old, old.sample(frac=1.0, random_state=1), PARAMS).psi == 0.0
    flags = pd.Series(rng.random(1000) < 0.2)
    assert drift("flag", flags, ~flags, PARAMS).level == "alarm"


def test_columns_come_with_what_moved_most_first_and_empty_ones_are_steady() -> None:
    rng = np.random.default_rng(4)
    old = pd.DataFrame({"still": rng.normal(size=900), "moved": rng.normal(size=900), "empty": np.nan})
    new = old.assign(moved=old["moved"] + 2)
    assert drifts(old, new, PARAMS)[0].name == "moved"
    assert {one.name: one.level for one in drifts(old, new, PARAMS)}["empty"] == "steady"
    assert {one.level for one in drifts(old, new.head(0), PARAMS)} == {"steady"}
