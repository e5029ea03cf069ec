"""Does a model keep its guarantee about wrong denials? One count and one bound, for the gate and for the backtest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from claimvet.models.metrics.label_noise import PRIOR_ERROR_RATE
from claimvet.models.policy.guarantee import counted_off, wrong_denial_bound
from claimvet.models.policy.policy import Disposition, Policy

DENY = Disposition.DENY.value


@dataclass(frozen=True)
class Denials:
    """Evaluated claims that a machine denied, or would.

    `denied` of `valid` valid findings, of which `mistaken` (a number of findings, not whole) are expected to be valid by mistake;
    `without_merit_denied` of `without_merit` others; `injuries_denied` of `injuries`. Where the policy may not deny injuries, only
    the last two count them.
    """

    valid: int
    denied: int
    mistaken: float
    without_merit: int
    without_merit_denied: int
    injuries: int
    injuries_denied: int

    @property
    def counted(self) -> float:
        """Valid findings that were denied, less those expected to be valid by mistake, down to none."""
        return max(self.denied - self.mistaken, 0.0)

    @property
    def share(self) -> float:
        """Share of valid findings that `counted` is, 0 where there are none."""
        return self.counted / self.valid if self.valid else 0.0

    def violates(self, alpha: float, confidence: float) -> bool:
        """Return whether the share is significantly above `alpha`: its lower confidence bound (Clopper-Pearson, one-sided) is.

        >>> Denials(100, 5, 0.0, 0, 0, 0, 0).violates(0.01, 0.95), Denials(100, 2, 0.0, 0, 0, 0, 0).violates(0.01, 0.95)
        (True, False)
        """
        if not self.counted:
            return False
        return 1.0 - wrong_denial_bound(self.valid - self.counted, self.valid, confidence) > alpha


def count_denials(
    evaluated: pd.DataFrame, dispositions: pd.Series[str], policy: Policy, error_rates: Mapping[str, float]
) -> Denials:
    """Count what `dispositions` (in the order of `evaluated`) deny; `error_rates` by decider are those that training estimated."""
    denied, injured = dispositions == DENY, evaluated["claim_type"] == "personal_injury"
    asked = pd.Series(True, index=evaluated.index) if policy.deny_personal_injury else ~injured
    valid = evaluated["label"] == "valid"
    deciders = evaluated.loc[asked & denied, "decided_by"]
    return Denials(
        valid=int((asked & valid).sum()),
        denied=int((asked & valid & denied).sum()),
        mistaken=float(counted_off(deciders, error_rates, PRIOR_ERROR_RATE, policy.finding_error_share).sum()),
        without_merit=int((asked & ~valid).sum()),
        without_merit_denied=int((asked & ~valid & denied).sum()),
        injuries=int(injured.sum()),
        injuries_denied=int((injured & denied).sum()),
    )
