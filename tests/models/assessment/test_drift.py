"""Drift is told where the world has moved, and not where chance moved a few rows."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, ks_2samp

from claimvet.models.assessment.drift import BINS, EMPTY_ROWS, drift, drifts, psi
from claimvet.models.parameters import MonitorParams
from tests.examples import examples

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


def index_by_loops(old: list[float | None], new: list[float | None]) -> float:
    """The population stability index over tenths of the old values, nulls in a bin of their own, in plain loops."""
    known = sorted(value for value in old if value is not None)
    shares = np.linspace(0, 1, BINS + 1)[1:-1]
    edges = sorted({float(np.quantile(known, share)) for share in shares}) if known else []
    counts = {}
    for side, values in (("old", old), ("new", new)):
        row = [0] * (len(edges) + 2)
        for value in values:
            row[-1 if value is None else sum(value >= edge for edge in edges)] += 1
        counts[side] = row
    used = [place for place in range(len(edges) + 2) if counts["old"][place] + counts["new"][place]]
    total = {side: sum(row[place] + EMPTY_ROWS for place in used) for side, row in counts.items()}
    answer = 0.0
    for place in used:
        p, q = ((counts[side][place] + EMPTY_ROWS) / total[side] for side in ("old", "new"))
        answer += (q - p) * math.log(q / p)
    return answer


VALUES = st.lists(st.one_of(st.none(), st.integers(-5, 5).map(float)), min_size=2, max_size=60)


@settings(max_examples=examples(60))
@given(VALUES, VALUES)
def test_the_index_of_a_column_is_that_of_plain_loops(old: list[float | None], new: list[float | None]) -> None:
    found = drift("a", pd.Series(old, dtype="Float64"), pd.Series(new, dtype="Float64"), PARAMS)
    assert found.psi == pytest.approx(index_by_loops(old, new), abs=1e-9)
    assert 0.0 <= found.p_value <= 1.0


@settings(max_examples=examples(40))
@given(VALUES, VALUES, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_moves_no_drift(old: list[float | None], new: list[float | None], random: object) -> None:
    sides = [pd.Series(side, dtype="Float64") for side in (old, new)]
    mixed = [side.sample(frac=1.0, random_state=random.randint(0, 99)) for side in sides]  # type: ignore[attr-defined]
    assert drift("a", *sides, PARAMS) == drift("a", *mixed, PARAMS)


def test_a_value_on_either_side_is_too_little_for_a_test_and_no_warning() -> None:
    one, other = (pd.Series([value, None, None]) for value in (1.0, 9.0))
    assert drift("a", one, other, PARAMS).level == "steady"


def test_tests_of_drift_are_those_of_scipy() -> None:
    rng = np.random.default_rng(4)
    old, new = rng.normal(size=400), rng.normal(0.3, 1.0, 300)
    found = drift("a", pd.Series(old), pd.Series(new), PARAMS)
    exact = ks_2samp(old, new, method="asymp")
    assert found.statistic == pytest.approx(exact.statistic)
    assert found.p_value <= exact.pvalue
    sites = [
        pd.Series(rng.choice(["hall", "gate", "belt"], count, p=p))
        for count, p in ((500, (0.5, 0.3, 0.2)), (300, (0.4, 0.3, 0.3)))
    ]
    counts = [[int((side == name).sum()) for name in ("hall", "gate", "belt")] for side in sites]
    exact = chi2_contingency(counts, correction=False)
    found = drift("site", *sites, PARAMS)
    assert found.statistic == pytest.approx(exact.statistic)
    assert found.p_value == pytest.approx(exact.pvalue)
