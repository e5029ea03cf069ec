"""Has the world moved? Population stability index and Kolmogorov and Smirnov's test, column by column.

The index is credit scoring's: the sum over bins of (q - p) log(q / p), with the shares p of the reference and q of the recent rows;
below 0.1 is usual, above 0.25 a major shift (Siddiqi, *Credit Risk Scorecards*, 2006). Numbers are binned by deciles of the reference,
categories are their own bins, and null is a bin. Where rows are few the index is large by chance alone, by (bins - 1)(1/n + 1/m) on
average (Yurdakul, 2018), so a drift counts only where a test says that chance does not do it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import chi2, ks_2samp

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.finite import finite_numbers
from claimvet.models.parameters import MonitorParams

BINS = 10
EMPTY_ROWS = 0.5
"""Rows that each bin in use starts with on either side, so that an empty one is not infinitely far."""
MAX_CATEGORIES = 50
"""Categories that are bins of their own; rarer ones share one."""
LEVELS = ("steady", "watch", "alarm")


@dataclass(frozen=True)
class Drift:
    """How far a column moved: its index, the statistic and p-value of the test, what was expected by chance, and the verdict."""

    name: str
    kind: str
    psi: float
    by_chance: float
    statistic: float
    p_value: float
    level: str


def drift(name: str, reference: pd.Series, recent: pd.Series, params: MonitorParams) -> Drift:
    """Return the drift of one column; steady where either side has no rows.

    Numbers (and booleans) are tested by Kolmogorov and Smirnov, categories by chi-squared over the bins, nulls included.
    """
    numeric = _is_number(reference) and _is_number(recent)
    old, new = _bins(reference, recent, numeric)
    if not len(reference) or not len(recent):
        return Drift(name, "number" if numeric else "category", 0.0, 0.0, 0.0, 1.0, LEVELS[0])
    used = (old + new) > 0
    index = psi(_shares(old[used]), _shares(new[used]))
    by_chance = (np.count_nonzero(old + new) - 1) * (1 / len(reference) + 1 / len(recent))
    statistic, p_value = _chi_squared(old, new)
    if numeric:
        values = [numbers[~np.isnan(numbers)] for numbers in map(finite_numbers, (reference, recent))]
        if _enough(len(values[0]), len(values[1])):
            test = ks_2samp(*values, method="asymp")
            statistic, p_value = float(test.statistic), min(float(test.pvalue), p_value)
    return Drift(
        name,
        "number" if numeric else "category",
        index,
        by_chance,
        statistic,
        p_value,
        _level(index - by_chance, p_value, params),
    )


def _enough(old: int, new: int) -> bool:
    """Return whether so many values on both sides are one at least on both together, as the asymptotic test reckons them."""
    return old > 0 and new > 0 and old * new / (old + new) >= 1.0


def drifts(reference: pd.DataFrame, recent: pd.DataFrame, params: MonitorParams) -> list[Drift]:
    """Return the drift of every column that both have, the largest index first."""
    names = [name for name in reference.columns if name in recent.columns]
    found = [drift(str(name), reference[name], recent[name], params) for name in names]
    return sorted(found, key=lambda one: (-LEVELS.index(one.level), -one.psi, one.name))


def psi(reference: Floats, recent: Floats) -> float:
    """Return the population stability index of two vectors of shares, none of them 0.

    >>> round(psi(np.array([0.5, 0.5]), np.array([0.8, 0.2])), 4)
    0.4159
    """
    return float(((recent - reference) * np.log(recent / reference)).sum())


def _shares(counts: Floats) -> Floats:
    shares: Floats = (counts + EMPTY_ROWS) / (counts + EMPTY_ROWS).sum()
    return shares


def _level(index: float, p_value: float, params: MonitorParams) -> str:
    if p_value > params.ks_p_value or index < params.psi_watch:
        return LEVELS[0]
    return LEVELS[2] if index >= params.psi_alarm else LEVELS[1]


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) or bool(values.isna().all())


def _bins(reference: pd.Series, recent: pd.Series, numeric: bool) -> tuple[Floats, Floats]:
    """Return rows in each bin of the reference, and of the recent rows."""
    if numeric:
        edges = (
            np.unique(np.nanquantile(numbers, np.linspace(0, 1, BINS + 1)[1:-1]))
            if not np.isnan(numbers := finite_numbers(reference)).all()
            else np.empty(0)
        )
        coded = [_coded(finite_numbers(side), edges) for side in (reference, recent)]
        return tuple(np.bincount(side, minlength=len(edges) + 2).astype(np.float64) for side in coded)  # type: ignore[return-value]
    common = reference.astype("object").value_counts().index[:MAX_CATEGORIES]
    counts = []
    for side in (reference, recent):
        texts = side.astype("object").where(side.notna(), None)
        known = texts.isin(list(common))
        row = [float((texts == name).sum()) for name in common]
        counts.append(np.array([*row, float((~known & side.notna()).sum()), float(side.isna().sum())]))
    return counts[0], counts[1]


def _coded(values: Floats, edges: Floats) -> npt.NDArray[np.int64]:
    """Bin of each value; the last bin is null."""
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right")).astype(np.int64)


def _chi_squared(old: Floats, new: Floats) -> tuple[float, float]:
    """Pearson's test that both sides have the same shares over the bins that any row is in."""
    kept = (old + new) > 0
    if kept.sum() < 2:
        return 0.0, 1.0
    table = np.vstack([old[kept], new[kept]])
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return statistic, float(chi2.sf(statistic, kept.sum() - 1))
