"""Infinite numbers are missing, wherever they are read: in training, scoring, model card and drift alike."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd


def finite_numbers(values: pd.Series) -> npt.NDArray[np.float64]:
    """Return a column of numbers or booleans as float64 (n,), NaN where a value is null, NaN or infinite.

    >>> finite_numbers(pd.Series([1.5, float("inf"), None])).tolist()
    [1.5, nan, nan]
    """
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def is_missing(value: object) -> bool:
    """Return whether one value is null, NaN or an infinite number.

    >>> [is_missing(value) for value in (None, float("-inf"), 0.0, "inf")]
    [True, True, False, False]
    """
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value))
