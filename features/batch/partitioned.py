"""The same reading on Spark, where rows lie in many places: entity by entity, many keys at once.

All rows of an entity meet in one place, its claims before its events, so that events stream by there, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claimvet.features.batch.breakpoints import BEFORE_ALL_TIME, NO_KEY, Breakpoints, Integers, Timeline
from claimvet.features.batch.distinct_counts import NO_VALUE
from claimvet.features.batch.history_events import by_source
from claimvet.features.batch.window_totals import FOREVER, Batch, History, missing_value, take_all
from claimvet.features.catalogue.aggregates import Aggregate, AggregateKind, aggregates_of_all, feature_value
from claimvet.features.catalogue.declaration import Entity, HistoryFeature
from claimvet.features.catalogue.sources import Source
from claimvet.features.engines.arrow_numpy import from_arrow
from claimvet.features.engines.progress import Progress, silent
from claimvet.features.engines.protocol import PartitionedEngine


def partitioned_tables(
    engine: PartitionedEngine, context: ir.Table, features: Sequence[HistoryFeature], progress: Progress = silent
) -> Iterator[ir.Table]:
    """Yield a table per entity and source: `row` (int64) and a column per feature, a row per claim."""
    for source, members, done, total in by_source(engine, features):
        progress(f"histories: {source.name.replace('_', ' ')}", done, total)
        for entity in sorted({feature.entity for feature in members}):
            yield _entity_table(engine, context, source, entity, [f for f in members if f.entity is entity])


def _entity_table(
    engine: PartitionedEngine, context: ir.Table, source: Source, entity: Entity, features: Sequence[HistoryFeature]
) -> ir.Table:
    aggregates = aggregates_of_all(features)
    asked = context.select("row", "filed_at", key=entity.key)
    events = keyed_events(engine, source, entity, aggregates).semi_join(asked, "key")
    read = engine.by_key(asked, events, AggregatesReader(entity, tuple(aggregates)), aggregates_schema(aggregates))
    return read.select(
        "row", **{f.name: feature_value(f, lambda aggregate: read[aggregate.name], read.filed_at) for f in features}
    )


def keyed_events(
    engine: PartitionedEngine, source: Source, entity: Entity, aggregates: Sequence[Aggregate]
) -> ir.Table:
    """Return the events of one kind of entity: `key` (string), `known`, `ends` and `appears` where they matter, what
    each adds to a total.

    For a distinct count that is its value, null where it does not count.
    """
    events = source.read(engine.table)
    if entity is Entity.CATEGORY:
        products = engine.table("products").select(
            of_product="product_id", category_id="category_id", appears="listed_at"
        )
        events = events.drop(*({"category_id"} & set(events.columns)))
        events = events.inner_join(products, events.product_id == products.of_product)
    bounds = [*(["ends"] if source.has_end else []), *(["appears"] if entity is Entity.CATEGORY else [])]
    totals = dict.fromkeys(aggregate.total for aggregate in aggregates if not aggregate.total.counts_all)
    added = {total.name: _added(total, events) for total in totals}
    return events.select("known", *bounds, key=events[entity.key], **added).filter(ibis._.key.notnull())


def _added(total: Aggregate, events: ir.Table) -> ir.Value:
    if total.kind is AggregateKind.DISTINCT:
        return total.contribution(events)
    return total.contribution(events).fill_null(missing_value(total))


def aggregates_schema(aggregates: Sequence[Aggregate]) -> pa.Schema:
    """Return the columns of what an `AggregatesReader` returns."""
    return pa.schema(
        [(name, pa.int64()) for name in ("row", "filed_at", *(aggregate.name for aggregate in aggregates))]
    )


@dataclass(frozen=True)
class AggregatesReader:
    """Every aggregate at every claim of some entities, from all their events;
    `features.engines.protocol.AskedFunction`."""

    entity: Entity
    aggregates: tuple[Aggregate, ...]

    def __call__(self, asked: pa.Table, events: Iterator[pa.RecordBatch]) -> pa.Table:
        """Return every aggregate at every claim of `asked` (`row`, `key`, `filed_at`), from batches of `keyed_events`;
        of `aggregates_schema`.
        """
        keys = pc.dictionary_encode(asked["key"]).combine_chunks()
        filed_at = from_arrow(asked["filed_at"])
        timeline = Timeline(
            filed_at, {aggregate.window for aggregate in self.aggregates if aggregate.window is not None}
        )
        breakpoints = Breakpoints(timeline, from_arrow(keys.indices.fill_null(NO_KEY)))
        history = History(timeline, breakpoints, self.aggregates)
        numbers = {
            aggregate.total.name: Numbers() for aggregate in self.aggregates if aggregate.kind is AggregateKind.DISTINCT
        }
        take_all(timeline, {self.entity: history}, (self._batch(rows, keys.dictionary, numbers) for rows in events))
        columns = {"row": asked["row"], "filed_at": asked["filed_at"], **history.values()}
        return pa.table(columns, schema=aggregates_schema(self.aggregates))

    def _batch(self, rows: pa.RecordBatch, keys: pa.Array, numbers: dict[str, Numbers]) -> Batch:
        names = [aggregate.total.name for aggregate in self.aggregates if not aggregate.total.counts_all]
        columns = {name: numbers[name].of(rows[name]) if name in numbers else from_arrow(rows[name]) for name in names}
        appears = {self.entity: _filled(rows, "appears", BEFORE_ALL_TIME)} if "appears" in rows.schema.names else {}
        ends = _filled(rows, "ends", FOREVER) if "ends" in rows.schema.names else None
        key = from_arrow(pc.index_in(rows["key"], value_set=keys).fill_null(NO_KEY))
        return Batch(from_arrow(rows["known"]), ends, {self.entity: key}, appears, columns)


class Numbers:
    """Values as numbers from 0, in the order in which they are met."""

    def __init__(self) -> None:
        self._numbers: dict[str | int | None, int] = {None: NO_VALUE}

    def of(self, values: pa.Array) -> Integers:
        """Return the number of each value, `NO_VALUE` of null."""
        encoded = pc.dictionary_encode(values, null_encoding="encode")
        met = [self._numbers.setdefault(value, len(self._numbers) - 1) for value in encoded.dictionary.to_pylist()]
        numbers: Integers = np.array(met, np.int64)[from_arrow(encoded.indices)]
        return numbers


def _filled(rows: pa.RecordBatch, name: str, value: int) -> Integers:
    return from_arrow(rows[name].fill_null(value))
