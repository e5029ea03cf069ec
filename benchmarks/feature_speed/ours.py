"""Claimvet: the 72 features as declarations, built as `features build` builds its own."""

from __future__ import annotations

from pathlib import Path

import claimvet.features.engines.duckdb  # noqa: F401 - the engine is imported when it is first asked for; imports are not timed, of nobody
from benchmarks.feature_speed.work import ENTITIES, SOURCES, WINDOWS
from claimvet.data.contract.dataset import DataSet
from claimvet.features.batch.build import build_features
from claimvet.features.catalogue.declaration import Aggregation, Entity, Event, HistoryFeature
from claimvet.features.catalogue.events import CLAIMS, ORDERS, RETURNS

EVENTS: dict[str, Event] = {"orders": ORDERS, "returns": RETURNS, "claims": CLAIMS}

SEVENTY_TWO = tuple(
    HistoryFeature(
        family="history",
        entity=Entity(entity),
        event=EVENTS[source.table],
        aggregation=aggregation,
        column=None if aggregation is Aggregation.COUNT else source.noun,
        window_days=window,
    )
    for entity in ENTITIES
    for source in SOURCES
    for window in WINDOWS
    for aggregation in (Aggregation.COUNT, Aggregation.SUM, Aggregation.MEAN)
)


def run(data: Path, out: Path) -> None:
    """Write `claim_id` and the 72 features of every claim of the data set `data` to the Parquet file `out`."""
    build_features(DataSet.open(data), out, features=SEVENTY_TWO)
