"""How far can a mean be off? Paired bootstrap intervals of what each claim loses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from claimvet.models.metrics.evaluation import arrays

FloatArray = npt.NDArray[np.float64]
RESAMPLES = 500


def losses_of(evaluated: pd.DataFrame) -> FloatArray:
    """Return the log loss of each claim of an evaluated frame, in nats."""
    _, found, y = arrays(evaluated)
    losses: FloatArray = -np.log(found[np.arange(len(y)), y])
    return losses


def mean_interval(values: FloatArray, confidence: float, seed: int) -> tuple[float, float, float]:
    """Return the mean of paired differences with bootstrap bounds, each of them held with `confidence`: low, mean, high."""
    random = np.random.default_rng(seed)
    drawn = random.multinomial(len(values), np.full(len(values), 1 / len(values)), RESAMPLES)
    means = drawn @ values / len(values)
    low, high = np.quantile(means, [1 - confidence, confidence])
    return float(low), float(values.mean()), float(high)
