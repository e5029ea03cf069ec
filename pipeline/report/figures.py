"""What evaluated claims cost, by way of deciding."""

from __future__ import annotations

import pandas as pd

from claimvet.models.policy.alternatives import chosen_costs, realised_of, settled
from claimvet.models.policy.policy import Disposition, Policy, most_likely


def money(evaluated: pd.DataFrame, policy: Policy) -> dict[str, float]:
    """Return the US dollars per 1,000 claims that each way of deciding cost, now that the truth is known; the policy's own first."""
    realised = realised_of(evaluated, policy)
    ways = {
        "this policy": evaluated["disposition"],
        "settle what is labelled valid, ask the rest": _by_label(evaluated, policy),
        "pay or present everything": settled(evaluated, policy),
        "an expert for every claim": _always(evaluated, Disposition.REFER_TO_EXPERT),
        "knowing the truth": settled(evaluated, policy).where(evaluated["label"] == "valid", Disposition.DENY.value),
    }
    return {name: dollars(realised, chosen) / len(evaluated) * 1000 for name, chosen in ways.items()}


def dollars(realised: pd.DataFrame, chosen: pd.Series[str]) -> float:
    """Return the sum of what the chosen dispositions cost, US dollars."""
    return float(chosen_costs(realised, chosen).sum())


def _by_label(evaluated: pd.DataFrame, policy: Policy) -> pd.Series[str]:
    return settled(evaluated, policy).where(most_likely(evaluated) == "valid", Disposition.REQUEST_EVIDENCE.value)


def _always(evaluated: pd.DataFrame, disposition: Disposition) -> pd.Series[str]:
    return pd.Series(disposition.value, index=evaluated.index, dtype="str")
