"""One pass over each source on DuckDB: its events as batches of numbers, and a column for every aggregate that comes of
them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from claimvet.features.batch.breakpoints import BEFORE_ALL_TIME, NO_KEY
from claimvet.features.batch.distinct_counts import NO_VALUE
from claimvet.features.batch.entity_index import EntityBreakpoints, EntityIndex
from claimvet.features.batch.history_events import by_source, events_of_entities
from claimvet.features.batch.window_totals import (
    FOREVER,
    Batch,
    History,
    batch_rows,
    missing_value,
    take_all,
)
from claimvet.features.catalogue.aggregates import Aggregate, AggregateKind, aggregates_of_all, feature_value
from claimvet.features.catalogue.declaration import Entity, HistoryFeature
from claimvet.features.catalogue.sources import Source
from claimvet.features.engines.arrow_numpy import from_arrow
from claimvet.features.engines.progress import Progress, silent
from claimvet.features.engines.protocol import StreamingEngine


def streamed_columns(
    engine: StreamingEngine, context: ir.Table, features: Sequence[HistoryFeature], progress: Progress = silent
) -> dict[str, pa.Array]:
    """Return a column per aggregate (`column_of`) for every claim in the order of `row`, from one pass over each
    source.
    """
    if not features:
        return {}
    index, aggregates = EntityIndex(engine, context), aggregates_of_all(features)
    windows = {aggregate.window for aggregate in aggregates if aggregate.window is not None}
    entities = sorted({feature.entity for feature in features})
    breakpoints = EntityBreakpoints(fetched(engine, index.asked_about(entities)), entities, windows)
    columns: dict[str, pa.Array] = {}
    for source, members, done, total in by_source(engine, features):
        progress(f"histories: {source.name.replace('_', ' ')}", done, total)
        columns |= _source_columns(engine, index, breakpoints, source, members)
    return columns


def _source_columns(
    engine: StreamingEngine,
    index: EntityIndex,
    breakpoints: EntityBreakpoints,
    source: Source,
    features: Sequence[HistoryFeature],
) -> dict[str, pa.Array]:
    entities = sorted({feature.entity for feature in features})
    aggregates = {entity: aggregates_of_all(f for f in features if f.entity is entity) for entity in entities}
    histories = {
        entity: History(breakpoints.timeline, breakpoints.of(entity), aggregates[entity]) for entity in entities
    }
    stream, rows = (
        event_stream(engine, index, source, aggregates),
        batch_rows(max(map(len, map(breakpoints.of, entities)))),
    )
    take_all(breakpoints.timeline, histories, batches(engine, stream, entities, rows))
    values = {entity: history.values() for entity, history in histories.items()}
    return {
        column_of(source.name, entity, aggregate): values[entity][aggregate.name]
        for entity in entities
        for aggregate in aggregates[entity]
    }


def column_of(source: str, entity: Entity, aggregate: Aggregate) -> str:
    """Return the name of the column of an aggregate, which other sources and entities have, too."""
    return f"{source} {entity} {aggregate.name}"


def streamed_value(feature: HistoryFeature, claims: ir.Table) -> ir.Value:
    """Return the feature as an expression over claims that have the columns of `streamed_columns` and `filed_at`."""
    return feature_value(
        feature, lambda aggregate: claims[column_of(feature.event.source, feature.entity, aggregate)], claims.filed_at
    )


def event_stream(
    engine: StreamingEngine, index: EntityIndex, source: Source, aggregates: Mapping[Entity, Sequence[Aggregate]]
) -> ir.Table:
    """Return events as `features.batch.window_totals.Batch` has them, each column by its name; `appears` where
    categories are asked about.
    """
    totals = list(dict.fromkeys(aggregate.total for of_entity in aggregates.values() for aggregate in of_entity))
    events = events_of_entities(engine, index, source, list(aggregates), totals)
    for column in dict.fromkeys(total.column for total in totals if total.kind is AggregateKind.DISTINCT):
        events = _with_numbers(engine, source, events, str(column))
    bounds = {"ends": FOREVER, "appears": BEFORE_ALL_TIME}
    filled = {name: events[name].fill_null(value) for name, value in bounds.items() if name in events.columns}
    keys = {entity.value: events[entity.value].fill_null(NO_KEY).cast("int32") for entity in aggregates}
    added = {t.name: _added(t, events).fill_null(missing_value(t)) for t in totals if not t.counts_all}
    return events.select("known", **filled, **keys, **added)


def _with_numbers(engine: StreamingEngine, source: Source, events: ir.Table, column: str) -> ir.Table:
    """Return the events with the values of a column as numbers, in `number of <column>`."""
    values = source.read(engine.table).select(value=column).filter(ibis._.value.notnull()).distinct()
    numbered = engine.number(values, "number").rename({f"value of {column}": "value", f"number of {column}": "number"})
    return events.left_join(numbered, events[column] == numbered[f"value of {column}"])


def _added(total: Aggregate, events: ir.Table) -> ir.Value:
    """Return what an event adds to a total; to a distinct count, the number of its value."""
    if total.kind is not AggregateKind.DISTINCT:
        return total.contribution(events)
    return total.passes(events).ifelse(events[f"number of {total.column}"].cast("int64"), NO_VALUE)


def batches(engine: StreamingEngine, stream: ir.Table, entities: Sequence[Entity], at_once: int) -> Iterator[Batch]:
    """Yield the rows of an `event_stream`, at most so many at once."""
    for rows in engine.stream(stream, at_once):
        columns = {name: from_arrow(column) for name, column in zip(rows.schema.names, rows.columns, strict=True)}
        keys = {entity: columns.pop(entity.value) for entity in entities}
        appears = {Entity.CATEGORY: columns.pop("appears")} if "appears" in columns else {}
        yield Batch(columns.pop("known"), columns.pop("ends", None), keys, appears, columns)


def fetched(engine: StreamingEngine, table: ir.Table) -> pa.Table:
    """Return the rows in this process, in the order of their column `row`."""
    rows = engine.stream(table).read_all()
    return rows.take(pc.sort_indices(rows["row"]))
