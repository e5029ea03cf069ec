"""Tree SHAP of a booster for one row or a hundred thousand: LightGBM's own for few, tables for many.

LightGBM's `pred_contrib` walks every tree for every row. `models.explain.tree_shap` computes the same values from tables: to make them
takes as long as some hundred rows by LightGBM, to look a row up a small part of a walk. Every row is checked against the booster's own
score, which its contributions must sum to, and a sample against `pred_contrib`; rows that fail are computed by `pred_contrib`, all rows
where the sample fails.
"""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from claimvet.models.explain.tree_shap import read_trees, tree_contributions

Floats = npt.NDArray[np.float64]

MANY_ROWS = 4_000
"""From here on tables are the faster way, on one core or two: `make bench-reasons` says by how much."""
SAMPLE_ROWS = 64
"""Rows of a batch that are checked value by value, evenly spaced."""
TOLERANCE = 1e-6
"""Log-odds; sums of 300 trees in another order were seen to differ by 4e-15."""


def contributions(
    booster: lgb.Booster, matrix: pd.DataFrame, scores: Floats | None = None, many_rows: int = MANY_ROWS
) -> Floats:
    """Contribution of each column to each row's raw score, log-odds, float64 (n, columns + 1); the last is the base.

    Each row sums to the booster's raw score. `matrix` holds float64 columns in the booster's order, `scores` (n,) the booster's raw
    scores where they are at hand, as they are when a batch is scored: to predict them takes longer than the contributions.
    """
    if len(matrix) == 0:
        return np.empty((0, matrix.shape[1] + 1), dtype=np.float64)
    fast = _by_tables(booster, matrix) if len(matrix) >= many_rows else None
    return exact(booster, matrix) if fast is None else _checked(booster, matrix, fast, scores)


def exact(booster: lgb.Booster, matrix: pd.DataFrame) -> Floats:
    """LightGBM's own values; shape and unit as `contributions`."""
    return np.asarray(booster.predict(matrix.to_numpy(), pred_contrib=True), dtype=np.float64)


def _by_tables(booster: lgb.Booster, matrix: pd.DataFrame) -> Floats | None:
    trees = read_trees(booster)
    return None if trees is None else tree_contributions(trees, matrix.to_numpy(dtype=np.float64))


def _checked(booster: lgb.Booster, matrix: pd.DataFrame, values: Floats, scores: Floats | None) -> Floats:
    sample = np.linspace(0, len(matrix) - 1, SAMPLE_ROWS).astype(np.intp)
    if np.abs(values[sample] - exact(booster, matrix.iloc[sample])).max() > TOLERANCE:
        return exact(booster, matrix)
    known = np.asarray(booster.predict(matrix.to_numpy(), raw_score=True)) if scores is None else scores
    astray = np.flatnonzero(np.abs(values.sum(axis=1) - known) > TOLERANCE)
    if len(astray):
        values[astray] = exact(booster, matrix.iloc[astray])
    return values
