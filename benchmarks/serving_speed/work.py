"""What is served: one model of 900 trees over 80 features, a store with a marketplace's history, and claims to score."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from claimvet.data.contract.dataset import DataSet
from claimvet.data.marketplace import generate
from claimvet.features.batch.build import build_features
from claimvet.features.catalogue.features import MODEL_FEATURES
from claimvet.models.explain.reference_ranges import reference_ranges
from claimvet.models.learning.boosters import grow
from claimvet.models.parameters import TrainParams
from claimvet.models.policy.policy import Policy
from claimvet.models.scoring.calibration import Calibration
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.models.scoring.schema import InputSchema
from claimvet.scoring_service.auth.keys import create_key
from claimvet.scoring_service.auth.roles import Role
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.store.load import load

TREES, FEATURES = 900, 80
SEED = 11
_NEEDED = ("claim_amount", "claim_type", "claim_evidence_count")


@dataclass(frozen=True)
class Work:
    """Where everything is, and the bodies to send: claims for ours, rows of features for MLflow's.

    `loaded` is how many rows a second the store was filled with.
    """

    model: Path
    store_url: str
    key: str
    claims: list[bytes]
    rows: list[bytes]
    loaded: float


def make(folder: Path, history: int, claims: int) -> Work:
    """A marketplace of `history` claims is generated and loaded; `claims` bodies are made of the latest."""
    generate(folder / "world", history, SEED)
    build_features(DataSet.open(folder / "world"), folder / "features.parquet")
    features = pd.read_parquet(folder / "features.parquet")
    model = _model(features, folder / "world")
    model.save(folder / "model")
    store_url = f"sqlite:///{folder / 'store.db'}"
    start = time.perf_counter()
    loaded = load(DataSet.open(folder / "world"), store_url) / (time.perf_counter() - start)
    rows = features[list(model.schema.names)].tail(200)
    bodies = _claims(folder / "world", claims)
    return Work(folder / "model", store_url, _key(store_url), bodies, _rows(rows), loaded)


def _model(features: pd.DataFrame, world: Path) -> ClaimModel:
    """Two boosters of 450 trees each, grown on what the marketplace's claims were found to be."""
    names = list(dict.fromkeys([*_NEEDED, *(feature.name for feature in MODEL_FEATURES)]))[:FEATURES]
    schema = InputSchema.fit(features[names], {})
    matrix = schema.conform(features)
    outcomes = pd.read_parquet(world / "outcomes.parquet").drop_duplicates("claim_id", keep="last")
    label = features["claim_id"].map(outcomes.set_index("claim_id")["label"])
    params = TrainParams(averaged=1)
    frivolous, abusive = (
        grow(matrix, np.asarray(label == name, dtype=np.float64), [0] * len(names), TREES // 2, params)
        for name in ("frivolous", "abusive")
    )
    usual = reference_ranges(features, {column.name: column.kind for column in schema.inputs})
    return ClaimModel(schema, frivolous, abusive, Calibration(), Calibration(), Policy(deny_threshold=0.05), usual)


def _key(store_url: str) -> str:
    store = EventStore.open(store_url)
    with store.begin() as connection:
        key = create_key(Role.INTAKE, "0" * 12, "0" * 64, 0, connection)
    store.close()
    return key


def _claims(world: Path, count: int) -> list[bytes]:
    """Bodies of new claims, each like one of the marketplace's latest."""
    latest = pd.read_parquet(world / "claims.parquet").sort_values("filed_at").tail(1_000)
    records = json.loads(latest.to_json(orient="records", date_format="iso", date_unit="us"))
    return [json.dumps(_claim(records[place % len(records)], place)).encode() for place in range(count)]


def _claim(record: dict[str, Any], place: int) -> dict[str, Any]:
    times = {name: record[name].rstrip("Z") + "Z" for name in ("filed_at", "incident_at") if record[name]}
    return {**record, **times, "claim_id": f"B-{place}"}


def _rows(features: pd.DataFrame) -> list[bytes]:
    """Bodies for MLflow, one row each."""
    split = json.loads(features.to_json(orient="split", index=False))
    return [
        json.dumps({"dataframe_split": {"columns": split["columns"], "data": [row]}}).encode() for row in split["data"]
    ]
