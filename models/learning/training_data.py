"""What training reads, each claim counted once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from claimvet.models.learning.labels import latest_outcomes
from claimvet.models.metrics.copies import copies

KEYS = ("claim_id", "customer_id")
"""Columns of the claims that say which row it is, and nothing about it."""


@dataclass(frozen=True)
class TrainingData:
    """Features, claims and outcomes; `features` and `claims` are indexed by `claim_id`.

    `features` holds the model's inputs in order, `suspicions` their declared direction (`raises`, `lowers`, `unknown`), `claims` the
    columns `filed_at`, `customer_id`, `claim_type`, `amount_claimed`, `category_id`, `outcomes` the contract's table, and `facts`
    what the record should say about the data (JSON values); its `claims` is how many there are, looked at or not. Claims without any
    outcome in `outcomes` are unchecked: their predicted probabilities train beside the findings.
    """

    features: pd.DataFrame
    suspicions: Mapping[str, str]
    claims: pd.DataFrame
    outcomes: pd.DataFrame
    facts: Mapping[str, Any]


def counted_once(data: TrainingData) -> TrainingData:
    """Return the data without copies: of claims with an outcome, alike in all but ids, customers and payments, the first by `claim_id`.

    Alike are filing time, facts, features, and the latest outcome's label, decider and time. `facts["copies"]` is how many were left out,
    where there are any.
    """
    decided = latest_outcomes(data.outcomes, data.outcomes["decided_at"].max())
    again = copies(without_keys(data.claims.loc[decided.index]), data.features.loc[decided.index], decided)
    if again.empty:
        return data
    return replace(
        data,
        features=data.features.drop(index=again),
        claims=data.claims.drop(index=again),
        outcomes=data.outcomes[~data.outcomes["claim_id"].isin(again)],
        facts={**data.facts, "copies": len(again)},
    )


def without_keys(claims: pd.DataFrame) -> pd.DataFrame:
    """Return what the rows of claims say, without the columns `KEYS`."""
    return claims.drop(columns=[name for name in KEYS if name in claims])
