"""Feast's historical join, in its DuckDB store, over aggregates that were made beforehand: the join alone is timed.

What a team would keep in a feature store is a row per entity and instant; here the rows are those of the hand-written query, exact at
each claim's filing, so that the join has no chance to be wrong and its values can be compared. Feast itself computes no windows.
"""

from __future__ import annotations

import warnings
from datetime import timedelta
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64

from benchmarks.feature_speed.work import ENTITIES, feature_names

PREPARED = "feast"
"""Folder below the data set for the aggregates and Feast's registry."""


def prepare(data: Path, answer: Path) -> None:
    """Write the aggregates of the features `answer` as tables of events, and tell Feast's registry of them; not timed."""
    folder = data / PREPARED
    folder.mkdir(exist_ok=True)
    claims = pd.read_parquet(data / "claims.parquet", columns=["claim_id", "customer_id", "seller_id", "filed_at"])
    joined = claims.merge(pd.read_parquet(answer), on="claim_id")
    for entity in ENTITIES:
        names = [name for name in feature_names() if name.startswith(f"{entity}_")]
        rows = joined[[f"{entity}_id", "filed_at", *names]].drop_duplicates([f"{entity}_id", "filed_at"])
        rows.astype(dict.fromkeys(names, "float64")).to_parquet(folder / f"{entity}.parquet", index=False)
    _store(folder).apply([each for entity in ENTITIES for each in _definitions(folder, entity)])


def run(data: Path, out: Path) -> None:
    """Write `claim_id` and the 72 features of every claim of the data set `data` to the Parquet file `out`."""
    warnings.simplefilter("ignore")
    claims = pd.read_parquet(data / "claims.parquet", columns=["claim_id", "customer_id", "seller_id", "filed_at"])
    asked = claims.rename(columns={"filed_at": "event_timestamp"})
    asked_for = [f"{name.split('_')[0]}_history:{name}" for name in feature_names()]
    job = _store(data / PREPARED).get_historical_features(entity_df=asked, features=asked_for)
    job.to_df()[["claim_id", *feature_names()]].to_parquet(out, index=False)


def _store(folder: Path) -> FeatureStore:
    return FeatureStore(
        config=RepoConfig(
            project="claims",
            provider="local",
            registry=str(folder / "registry.db"),
            offline_store={"type": "duckdb"},
            online_store=None,
            entity_key_serialization_version=3,
        )
    )


def _definitions(folder: Path, entity: str) -> list[Entity | FeatureView]:
    """The entity and its view: one, since every view costs Feast a join of its own."""
    of = Entity(name=entity, join_keys=[f"{entity}_id"], value_type=ValueType.STRING)
    view = FeatureView(
        name=f"{entity}_history",
        entities=[of],
        ttl=timedelta(0),
        source=FileSource(name=entity, path=str(folder / f"{entity}.parquet"), timestamp_field="filed_at"),
        schema=[Field(name=name, dtype=Float64) for name in feature_names() if name.startswith(f"{entity}_")],
        online=False,
    )
    return [of, view]
