"""How low P(valid) must be before a machine may deny, so that honest people are wronged at most as often as promised.

Split conformal risk control on held-out findings. The loss of a valid claim is 1 if it would be denied. Its mean never
falls as the threshold rises, so an upper confidence bound for each threshold alone holds for the greatest one that
passes (Bates et al., *Distribution-free, risk-controlling prediction sets*, J. ACM 2021, theorem 1; Angelopoulos et al.
*Conformal risk control*, ICLR 2024, bound the mean instead). The loss is 0 or 1, so the bound is exact: Clopper and
Pearson, Biometrika 1934.

Two shifts are left. Findings are not all claims: somebody looked because something looked wrong, so valid claims among
them have lower scores than valid claims at large, and the share denied at large is smaller than the one bounded here.
And later claims are not these claims: the confidence is the margin for that, and each training sets the bound anew.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from data.contract.errors import ModelError

Floats = npt.NDArray[np.float64]


def wrong_denial_bound(denied: float, valid: float, confidence: float) -> float:
    """Upper confidence bound (Clopper-Pearson, one-sided) of the share denied, where `denied` of `valid` claims were.

    Counts may be weighted, so they need not be whole. 1.0 where there are none.

    >>> round(wrong_denial_bound(0, 230, 0.9), 5)
    0.00996
    """
    if valid <= 0 or denied >= valid:
        return 1.0
    return float(beta.ppf(confidence, denied + 1.0, valid - denied))


def findings_needed(alpha: float, confidence: float) -> int:
    """Fewest valid findings that can promise `alpha`: those of which none would be denied.

    >>> findings_needed(0.01, 0.9)
    230
    """
    return int(np.ceil(np.log1p(-confidence) / np.log1p(-alpha)))


def deny_threshold(
    p_valid: npt.ArrayLike,
    is_valid: npt.ArrayLike,
    *,
    alpha: float = 0.01,
    confidence: float = 0.9,
    weights: npt.ArrayLike | None = None,
) -> float | None:
    """Greatest P(valid) at which a machine may deny: at most `alpha` of valid claims are denied, with `confidence`.

    `p_valid` (n, float64, 0 to 1) are calibrated probabilities of findings that no booster was fitted to, `is_valid`
    (n, bool) what they were found to be, `weights` (n, 0 or more) how many claims each stands for, where findings were
    not drawn evenly; with weights the bound takes the effective number of findings (Kish) and is an approximation.
    None where there are too few findings to promise anything (`findings_needed`).
    Raises `ModelError` for arguments of other shapes or ranges.
    """
    scores, valid, weight = _checked(p_valid, is_valid, weights)
    _require_share("alpha", alpha)
    _require_share("confidence", confidence)
    order = np.argsort(scores[valid], kind="stable")
    sorted_scores, sorted_weight = scores[valid][order], weight[valid][order]
    effective = _effective_number(sorted_weight)
    if wrong_denial_bound(0.0, effective, confidence) > alpha:
        return None
    share = np.cumsum(sorted_weight) / sorted_weight.sum()
    first_too_many = bisect_right(share, alpha, key=lambda s: wrong_denial_bound(s * effective, effective, confidence))
    return _just_below(sorted_scores[first_too_many])


def _just_below(score: float) -> float | None:
    return float(np.nextafter(score, -np.inf)) if score > 0.0 else None


def _effective_number(weight: Floats) -> float:
    return float(weight.sum() ** 2 / (weight**2).sum()) if weight.sum() > 0 else 0.0


def _checked(
    p_valid: npt.ArrayLike, is_valid: npt.ArrayLike, weights: npt.ArrayLike | None
) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    scores = np.asarray(p_valid, dtype=np.float64)
    valid = np.asarray(is_valid, dtype=np.bool_)
    weight = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not scores.shape == valid.shape == weight.shape or scores.ndim != 1:
        shapes = f"{scores.shape}, {valid.shape} and {weight.shape}"
        raise ModelError(f"p_valid, is_valid and weights have shapes {shapes}; expected one length")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ModelError("p_valid holds values outside 0 to 1; expected probabilities")
    if not ((weight >= 0) & np.isfinite(weight)).all():
        raise ModelError("weights hold values that are negative or not finite; expected 0 or more")
    return scores, valid, weight


def _require_share(name: str, value: float) -> None:
    if not 0.0 < value < 1.0:
        raise ModelError(f"{name} is {value}; expected a share between 0 and 1")
