"""How low P(valid) must be before a machine may deny, so that honest people are wronged at most as often as guaranteed.

Split conformal risk control on held-out findings. The loss of a valid claim is 1 if it would be denied. Its mean never
falls as the threshold rises, so an upper confidence bound for each threshold alone holds for the greatest one that
passes (Bates et al., *Distribution-free, risk-controlling prediction sets*, J. ACM 2021, theorem 1; Angelopoulos et al.
*Conformal risk control*, ICLR 2024, bound the mean instead). The loss is 0 or 1, so the bound is exact: Clopper and
Pearson, Biometrika 1934.

Findings are wrong at times. Claims without merit that somebody found valid have low scores, and would use up the whole guarantee
although nobody honest is behind them. Where a share `errors` of claims without merit is found valid by mistake, as many findings
below a threshold as that makes on average are counted off, from the bound and from the total: of n findings of which V are truly
valid, (1 - e) V + errors (n - V) are found valid on average. The findings alone cannot tell an error from an honest customer who
looks dishonest, so what may be counted off is an assumption that a person makes (`finding_error_share`), and without it every
finding is taken at its word.

Two shifts are left. Findings are not all claims: somebody looked because something looked wrong, so valid claims among
them have lower scores than valid claims at large, and the share denied at large is smaller than the one bounded here.
And later claims are not these claims: the confidence is the margin for that, and each training sets the bound anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.errors import ModelError


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
    """Fewest valid findings that can guarantee `alpha`: those of which none would be denied.

    >>> findings_needed(0.01, 0.9)
    230
    """
    return int(np.ceil(np.log1p(-confidence) / np.log1p(-alpha)))


def counted_off(deciders: Iterable[str], error_rates: Mapping[str, float], usual: float, at_most: float) -> Floats:
    """Return how often each finding's decider finds a claim without merit valid, as far as that may be counted off: float64, one a finding.

    `error_rates` are those that training estimated, `usual` stands in for a decider who is not among them, `at_most` is the policy's.
    """
    return np.minimum([error_rates.get(str(decider), usual) for decider in deciders], at_most, dtype=np.float64)


def deny_threshold(
    p_valid: npt.ArrayLike,
    is_valid: npt.ArrayLike,
    *,
    alpha: float = 0.01,
    confidence: float = 0.9,
    weights: npt.ArrayLike | None = None,
    errors: npt.ArrayLike | None = None,
) -> float | None:
    """Greatest P(valid) at which a machine may deny: at most `alpha` of valid claims are denied, with `confidence`.

    `p_valid` (n, float64, 0 to 1) are calibrated probabilities of findings that no booster was fitted to, `is_valid`
    (n, bool) what they were found to be, `weights` (n, 0 or more) how many claims each stands for, where findings were
    not drawn evenly; with weights the bound takes the effective number of findings (Kish) and is an approximation.
    `errors` (n, 0 to 1) is how often each finding's decider finds a claim without merit valid, as far as that may be counted off.
    None where there are too few findings to guarantee anything (`findings_needed`).
    Raises `ModelError` for arguments of other shapes or ranges.

    >>> p_valid = np.linspace(0.0, 1.0, 1001)
    >>> round(deny_threshold(p_valid, p_valid > 0.1, alpha=0.01, confidence=0.95), 4)  # 3 of 900 valid ones lie below
    0.104
    >>> deny_threshold(p_valid[:100], [True] * 100) is None  # 230 are needed
    True
    """
    scores, valid, weight = _checked(p_valid, is_valid, weights)
    _require_share("alpha", alpha)
    _require_share("confidence", confidence)
    wrong = np.zeros(len(scores)) if errors is None else np.asarray(errors, dtype=np.float64)
    order = np.argsort(scores, kind="stable")
    ordered, found = scores[order], valid[order]
    effective = _effective_number(weight[valid])
    if wrong_denial_bound(0.0, effective, confidence) > alpha:
        return None
    total = weight[valid].sum()
    share = np.cumsum(np.where(found, weight[order], 0.0)) / total
    mistaken = np.cumsum((wrong * weight)[order]) / total
    bound = _upper_bounds(share, effective, confidence)
    if mistaken[-1] < 1.0:  # both hold wherever the first does, so the lesser one does
        bound = np.minimum(bound, (bound - mistaken) / (1.0 - mistaken[-1]))
    too_many = np.flatnonzero(found & (bound > alpha))
    return _just_below(float(ordered[too_many[0]]))


def _upper_bounds(share: Floats, effective: float, confidence: float) -> Floats:
    """`wrong_denial_bound` of every share of `effective` findings."""
    denied = np.minimum(share * effective, effective)
    inside = denied < effective - 1e-9
    bounds = beta.ppf(confidence, denied + 1.0, np.where(inside, effective - denied, 1.0))
    return np.where(inside, bounds, 1.0)


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
