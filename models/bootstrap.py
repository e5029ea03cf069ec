"""How far would a figure be off on other claims of the same kind? The one bootstrap: claims are drawn anew, with replacement.

After Efron, Bootstrap Methods (Annals of Statistics 1979); intervals are percentiles. Claims are drawn whole, so that what is compared on
the same claims stays paired.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from claimvet.data.contract.arrays import Floats

RESAMPLES = 500
"""Resamples of a mean, which are one product of matrices; what costs more per resample takes fewer."""


def resamples(claims: int, seed: int, number: int = RESAMPLES) -> npt.NDArray[np.int64]:
    """Return how often each claim is drawn in each resample: int64 (number, claims), every row sums to `claims`.

    >>> resamples(4, seed=1, number=3).sum(axis=1).tolist()
    [4, 4, 4]
    """
    if not claims:
        return np.zeros((number, 0), dtype=np.int64)
    return np.random.default_rng(seed).multinomial(claims, np.full(claims, 1 / claims), number)


def mean_bounds(values: Floats, drawn: npt.NDArray[np.int64], confidence: float) -> tuple[float, float]:
    """Return a lower and an upper bound of the mean of `values` (n, one a claim), each of which holds with `confidence`.

    `drawn` (m, n) is what `resamples` returns; NaN twice where there are no values.
    """
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(drawn @ values / len(values), [1 - confidence, confidence])
    return float(low), float(high)
