"""How far can a figure be off? Paired bootstrap intervals of means, and intervals of shares."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from claimvet.data.contract.arrays import Floats
from claimvet.models.bootstrap import mean_bounds, resamples
from claimvet.models.metrics.evaluation import arrays


def losses_of(evaluated: pd.DataFrame) -> Floats:
    """Return the log loss of each claim of an evaluated frame, in nats."""
    _, found, y = arrays(evaluated)
    losses: Floats = -np.log(found[np.arange(len(y)), y])
    return losses


def mean_interval(values: Floats, confidence: float, seed: int) -> tuple[float, float, float]:
    """Return the mean of paired differences with bootstrap bounds, each of them held with `confidence`: low, mean, high."""
    low, high = mean_bounds(values, resamples(len(values), seed), confidence)
    return low, float(values.mean()), high


def proportion_interval(
    count: int, total: int, level: float = 0.95, method: Literal["exact", "wilson"] = "exact"
) -> tuple[float, float]:
    """Return the two-sided interval of a share: `exact` (Clopper and Pearson, Biometrika 1934) or `wilson` (JASA 1927).

    >>> tuple(round(end, 4) for end in proportion_interval(5, 100, method="wilson"))
    (0.0215, 0.1118)
    """
    interval = binomtest(count, total).proportion_ci(level, method=method)
    return float(interval.low), float(interval.high)
