"""A small model over features of the catalogue, grown in a blink, and saved as a directory that `--model` takes."""

from __future__ import annotations

from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

from claimvet.models.explain.reference_ranges import reference_ranges
from claimvet.models.policy.policy import Policy
from claimvet.models.scoring.calibration import Calibration
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.models.scoring.schema import InputSchema

INPUTS = [
    "claim_amount",
    "claim_type",
    "claim_evidence_count",
    "customer_orders_count_365d",
    "customer_returns_count_365d",
    "customer_return_rate_365d",
    "seller_claims_count_90d",
]


def small_model(seed: int = 1, extra: tuple[str, ...] = ()) -> ClaimModel:
    """Another seed, another model."""
    rng = np.random.default_rng(seed)
    count = 600
    rows = pd.DataFrame({name: rng.poisson(2, count).astype("float64") for name in [*INPUTS, *extra]})
    rows["claim_amount"] = np.where(rng.random(count) < 0.1, np.nan, rng.lognormal(5, 1, count).round(2))
    rows["claim_type"] = rng.choice(["property_damage", "personal_injury"], count)
    return suspicious_of_returns(rows, rng.normal(size=count), depth=3, trees=8, seed=seed)


def suspicious_of_returns(rows: pd.DataFrame, chance: np.ndarray, *, depth: int, trees: int, seed: int) -> ClaimModel:
    """A model over the columns of `rows` that holds returns, and chance, against a customer."""
    schema = InputSchema.fit(rows, {})
    suspicion = rows["customer_returns_count_365d"] + chance
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "max_depth": depth, "seed": seed}
    grown = [
        lgb.train(settings, lgb.Dataset(schema.conform(rows).to_numpy(), target.astype(float)), trees)
        for target in (suspicion > 2, suspicion > 3)
    ]
    usual = reference_ranges(rows, {column.name: column.kind for column in schema.inputs})
    return ClaimModel(schema, grown[0], grown[1], Calibration(), Calibration(), Policy(deny_threshold=0.05), usual)


def saved(model: ClaimModel, directory: Path) -> Path:
    """The directory, with the model in it."""
    model.save(directory)
    return directory
