"""Do experts agree? Cohen's kappa over pairs of blind verdicts on the same cases, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from claimvet.data.contract.tables import LABELS


@dataclass(frozen=True)
class Agreement:
    """Kappa with its interval; `pairs` is how many cases two people decided. NaN where chance alone explains all, or there is no pair."""

    pairs: int
    kappa: float
    low: float
    high: float


def cohens_kappa(pairs: Sequence[tuple[str, str]], level: float = 0.95) -> Agreement:
    """Return Cohen's kappa of pairs of labels, with the large-sample interval.

    Cohen, Educational and Psychological Measurement 20 (1960); its variance after Fleiss, Cohen and Everitt, Psychological Bulletin 72
    (1969), equation 13.

    >>> round(cohens_kappa([("valid", "valid")] * 8 + [("valid", "abusive")] + [("abusive", "abusive")] * 3).kappa, 3)
    0.8
    """
    table = np.zeros((len(LABELS), len(LABELS)))
    for one, other in pairs:
        table[LABELS.index(one), LABELS.index(other)] += 1
    if not pairs:
        return Agreement(0, float("nan"), float("nan"), float("nan"))
    shares = table / len(pairs)
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed, expected = float(np.trace(shares)), float(rows @ columns)
    if expected == 1.0:
        return Agreement(len(pairs), float("nan"), float("nan"), float("nan"))
    kappa = (observed - expected) / (1 - expected)
    margin = float(norm.ppf((1 + level) / 2)) * np.sqrt(_variance(shares, kappa, expected) / len(pairs))
    return Agreement(len(pairs), kappa, max(kappa - margin, -1.0), min(kappa + margin, 1.0))


def _variance(shares: np.ndarray[tuple[int, ...], np.dtype[np.float64]], kappa: float, expected: float) -> float:
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    crossed = rows[None, :] + columns[:, None]
    on_diagonal = np.diag(shares) * (1 - np.diag(crossed) * (1 - kappa)) ** 2
    off = (shares * crossed**2).sum() - (np.diag(shares) * np.diag(crossed) ** 2).sum()
    total = on_diagonal.sum() + (1 - kappa) ** 2 * off - (kappa - expected * (1 - kappa)) ** 2
    return float(max(total, 0.0) / (1 - expected) ** 2)
