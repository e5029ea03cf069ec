"""A few made-up claims to try functions on: seconds instead of a marketplace."""

from __future__ import annotations

import numpy as np
import pandas as pd

from claimvet.data.contract.tables import LABELS
from claimvet.models.learning.training_data import TrainingData


def example_data(claims: int = 300, seed: int = 7) -> TrainingData:
    """Return `claims` made-up claims, one every six hours from 2026-01-01, each with an expert's finding ten days later.

    The more claims a customer has had in the year before (`customer_claims_count_365d`), the less likely the claim is valid; its amount
    says nothing.

    >>> data = example_data(100)
    >>> data.features.columns.tolist()
    ['claim_type', 'claim_amount', 'claim_evidence_count', 'customer_claims_count_365d']
    >>> data.outcomes["label"].isin(["valid", "frivolous", "abusive"]).all()
    np.True_
    """
    random = np.random.default_rng(seed)
    ids = pd.Index([f"c{place:04}" for place in range(claims)], name="claim_id")
    filed = pd.date_range("2026-01-01", periods=claims, freq="6h", tz="UTC", unit="us")
    earlier, amounts = random.poisson(1.5, claims).astype(np.float64), random.lognormal(5.0, 1.0, claims).round(2)
    lots = random.random(claims) + 0.2 * earlier
    labels = np.array(LABELS, dtype=object)[(lots > 0.9).astype(np.intp) + (lots > 1.2)]
    features = pd.DataFrame(
        {
            "claim_type": "property_damage",
            "claim_amount": amounts,
            "claim_evidence_count": 1.0,
            "customer_claims_count_365d": earlier,
        },
        index=ids,
    )
    facts = pd.DataFrame(
        {
            "filed_at": filed,
            "customer_id": [f"u{place}" for place in range(claims)],
            "claim_type": "property_damage",
            "amount_claimed": amounts,
            "category_id": "toys",
        },
        index=ids,
    )
    outcomes = pd.DataFrame(
        {
            "claim_id": ids,
            "outcome_id": [f"o{place:04}" for place in range(claims)],
            "label": labels,
            "decided_by": "expert",
            "decided_at": filed + pd.Timedelta(days=10),
        }
    )
    return TrainingData(features, {"customer_claims_count_365d": "raises"}, facts, outcomes, {"claims": claims})
