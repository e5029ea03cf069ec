"""Tree SHAP of a booster for one row or a hundred thousand: LightGBM's own for few, WOODELF's for many.

LightGBM's `pred_contrib` walks every tree for every row. WOODELF (package woodelf-explainer) computes the same values for
all rows of a tree at once: slower below some thousand rows, many times faster at a hundred thousand. It knows no categorical
splits; our boosters have none. Every row is checked against the booster's own score, which its contributions must sum to,
and a sample against `pred_contrib`; rows that fail are computed by `pred_contrib`, all rows where the sample fails.
"""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

MANY_ROWS = 8_000
"""From here on WOODELF is the faster one: it broke even at 3,500 rows of 80 features, 300 trees of depth 6, two cores."""
SAMPLE_ROWS = 64
"""Rows of a batch that are checked value by value, evenly spaced."""
TOLERANCE = 1e-4
"""Log-odds; WOODELF keeps leaf values as float32, which was seen to move a contribution by 2e-5."""


def contributions(booster: lgb.Booster, matrix: pd.DataFrame, many_rows: int = MANY_ROWS) -> Floats:
    """Contribution of each column to each row's raw score, log-odds, float64 (n, columns + 1); the last is the base.

    Each row sums to the booster's raw score. `matrix` holds float64 columns in the booster's order.
    """
    if len(matrix) == 0:
        return np.empty((0, matrix.shape[1] + 1), dtype=np.float64)
    if len(matrix) < many_rows or not booster.feature_importance().any():
        return exact(booster, matrix)
    return _checked(booster, matrix, _woodelf(booster, matrix))


def exact(booster: lgb.Booster, matrix: pd.DataFrame) -> Floats:
    """LightGBM's own values; shape and unit as `contributions`."""
    return np.asarray(booster.predict(matrix.to_numpy(), pred_contrib=True), dtype=np.float64)


def _woodelf(booster: lgb.Booster, matrix: pd.DataFrame) -> Floats:
    from woodelf import WoodelfExplainer  # takes a second to import, and only great batches need it

    frame = pd.DataFrame(matrix.to_numpy(), columns=booster.feature_name())
    values = WoodelfExplainer(booster).shap_values(frame, verbose=False)
    base = exact(booster, matrix.iloc[:1])[0, -1]
    return np.column_stack([np.asarray(values, dtype=np.float64), np.full(len(matrix), base)])


def _checked(booster: lgb.Booster, matrix: pd.DataFrame, values: Floats) -> Floats:
    sample = np.linspace(0, len(matrix) - 1, SAMPLE_ROWS).astype(np.intp)
    if np.abs(values[sample] - exact(booster, matrix.iloc[sample])).max() > TOLERANCE:
        return exact(booster, matrix)
    score = np.asarray(booster.predict(matrix.to_numpy(), raw_score=True), dtype=np.float64)
    astray = np.flatnonzero(np.abs(values.sum(axis=1) - score) > TOLERANCE)
    if len(astray):
        values[astray] = exact(booster, matrix.iloc[astray])
    return values
