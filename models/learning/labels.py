"""What a claim was found or assumed to be, as far as was known by a given time.

A claim may be decided several times; the latest decision known counts, and of two at the same instant the one with the greater
`outcome_id`. A finding is a decision after somebody looked; a concession is an assumption, whatever its label says.
"""

from __future__ import annotations

import pandas as pd

from claimvet.data.contract.tables import FINDINGS


def latest_outcomes(outcomes: pd.DataFrame, known_by: pd.Timestamp) -> pd.DataFrame:
    """Return the outcome that counts for each claim at `known_by` (inclusive), one row a claim, in the order of `claim_id`.

    `outcomes` has the contract's columns `claim_id`, `outcome_id`, `label`, `decided_by` and `decided_at` (UTC). The answer has
    `claim_id` as its index, and `label`, `decided_by` (strings), `decided_at` and `is_finding` (bool).
    """
    known = outcomes[outcomes["decided_at"] <= known_by]
    ordered = known.sort_values(["claim_id", "decided_at", "outcome_id"], kind="stable")
    latest = ordered.drop_duplicates("claim_id", keep="last").set_index("claim_id")
    return latest[["label", "decided_by", "decided_at"]].assign(is_finding=latest["decided_by"].isin(FINDINGS))


def latest_findings(outcomes: pd.DataFrame, known_by: pd.Timestamp) -> pd.DataFrame:
    """Do as `latest_outcomes`, only the claims whose latest outcome is a finding."""
    latest = latest_outcomes(outcomes, known_by)
    return latest[latest["is_finding"]]
