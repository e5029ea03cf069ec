"""Few features, a model that knows them, and files of claims: what the tests of scores share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from claimvet.models.scoring.claim_model import ClaimModel
from tests.scoring_service.endpoint.small_model import suspicious_of_returns

INPUTS = ["claim_amount", "claim_type", "claim_evidence_count", "customer_returns_count_365d"]


def feature_rows(count: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "claim_id": [f"c{place:05}" for place in rng.permutation(count)],
            "claim_amount": np.where(rng.random(count) < 0.1, np.nan, rng.lognormal(5, 1, count).round(2)),
            "claim_type": rng.choice(["property_damage", "personal_injury"], count),
            "claim_evidence_count": rng.poisson(1, count).astype("float64"),
            "customer_returns_count_365d": rng.poisson(2, count).astype("float64"),
        }
    )


def few_inputs_model() -> ClaimModel:
    """A model over `INPUTS`."""
    rows, chance = feature_rows(1_500, seed=1), np.random.default_rng(2).normal(size=1_500)
    return suspicious_of_returns(rows[INPUTS], chance, depth=4, trees=20, seed=1)


def claims_file(folder: Path, rows: int = 4) -> Path:
    filed = pd.date_range("2026-03-01", periods=rows, tz="UTC", unit="us")
    claims = pd.DataFrame(
        {
            "claim_id": [f"k{place}" for place in reversed(range(rows))],
            "order_id": pd.Series([None] * rows, dtype="str"),
            "customer_id": "u1",
            "seller_id": "s1",
            "product_id": "p1",
            "incident_at": filed - pd.Timedelta(days=2),
            "filed_at": filed,
            "claim_type": ["property_damage", "personal_injury"] * (rows // 2),
            "amount_claimed": [120.0, None] * (rows // 2),
            "narrative": "The handle broke.",
        }
    )
    folder.mkdir(exist_ok=True)
    claims.to_parquet(folder / "new.parquet")
    return folder / "new.parquet"
