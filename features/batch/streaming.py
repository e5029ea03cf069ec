"""What can be computed while a source streams by: the features, the stream of events that they need, and the columns that come of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from claimvet.features.batch.breakpoints import BEFORE_ALL_TIME, NO_KEY
from claimvet.features.batch.distinct_counts import NO_VALUE
from claimvet.features.batch.entity_index import Parties, PartyPoints
from claimvet.features.batch.plan import by_source, events_of_parties, parts_of_all
from claimvet.features.batch.window_totals import (
    FOREVER,
    Batch,
    History,
    batch_rows,
    can_stream,
    missing_value,
    take_all,
)
from claimvet.features.catalogue.aggregates import Part, PartKind, feature_value
from claimvet.features.catalogue.declaration import Aggregation, Entity, HistoryFeature
from claimvet.features.catalogue.sources import SOURCES, Source
from claimvet.features.engines.arrow_numpy import from_arrow
from claimvet.features.engines.progress import Progress, silent
from claimvet.features.engines.protocol import Engine, StreamingEngine

LARGEST_TOTAL = 2.0**62
"""Totals up to this, found in float64, are sure to fit in int64, which ends at 2^63."""


def streamed_features(engine: Engine, features: Iterable[HistoryFeature]) -> list[HistoryFeature]:
    """The features that can be read from points while their source streams by; the others need queries."""
    return [f for f in features if can_stream(f, bounded=_is_bounded(f)) and _fits(engine, f)]


def _fits(engine: Engine, feature: HistoryFeature) -> bool:
    """Whether squares of cents, where there are any, add up to what 64 bits can hold."""
    if feature.aggregation is not Aggregation.STD:
        return True
    amounts = SOURCES[feature.event.source].read(engine.table)[feature.column].cast("float64")
    return bool(((amounts * amounts).sum().to_pyarrow().as_py() or 0) <= LARGEST_TOTAL)


def _is_bounded(feature: HistoryFeature) -> bool:
    """Whether an event may end, or be seen only later than it was known."""
    return SOURCES[feature.event.source].has_end or feature.entity is Entity.CATEGORY


def streamed_columns(
    engine: StreamingEngine, context: ir.Table, features: Sequence[HistoryFeature], progress: Progress = silent
) -> dict[str, pa.Array]:
    """A column per part (`column_of`) for every claim in the order of `row`, from one pass over each source."""
    if not features:
        return {}
    parties, parts = Parties(engine, context), parts_of_all(features)
    windows = {part.window for part in parts if part.window is not None}
    entities = sorted({feature.entity for feature in features})
    points = PartyPoints(fetched(engine, parties.asked_about(entities)), entities, windows)
    columns: dict[str, pa.Array] = {}
    for source, members, done, total in by_source(engine, features):
        progress(f"histories: {source.name.replace('_', ' ')}", done, total)
        columns |= _source_columns(engine, parties, points, source, members)
    return columns


def _source_columns(
    engine: StreamingEngine, parties: Parties, points: PartyPoints, source: Source, features: Sequence[HistoryFeature]
) -> dict[str, pa.Array]:
    entities = sorted({feature.entity for feature in features})
    parts = {entity: parts_of_all(f for f in features if f.entity is entity) for entity in entities}
    histories = {entity: History(points.timeline, points.of(entity), parts[entity]) for entity in entities}
    stream, rows = event_stream(engine, parties, source, parts), batch_rows(max(map(len, map(points.of, entities))))
    take_all(points.timeline, histories, batches(engine, stream, entities, rows))
    values = {entity: history.values() for entity, history in histories.items()}
    return {
        column_of(source.name, entity, part): values[entity][part.name] for entity in entities for part in parts[entity]
    }


def column_of(source: str, entity: Entity, part: Part) -> str:
    """Name of the column of a part, which other sources and entities have, too."""
    return f"{source} {entity} {part.name}"


def streamed_value(feature: HistoryFeature, claims: ir.Table) -> ir.Value:
    """The feature as an expression over claims that have the columns of `streamed_columns` and `filed_at`."""
    return feature_value(
        feature, lambda part: claims[column_of(feature.event.source, feature.entity, part)], claims.filed_at
    )


def event_stream(
    engine: StreamingEngine, parties: Parties, source: Source, parts: Mapping[Entity, Sequence[Part]]
) -> ir.Table:
    """Events as `features.batch.window_totals.Batch` has them, each column by its name; `appears` where categories are asked about."""
    totals = list(dict.fromkeys(part.total for of_entity in parts.values() for part in of_entity))
    events = events_of_parties(engine, parties, source, list(parts), totals)
    for column in dict.fromkeys(total.column for total in totals if total.kind is PartKind.DISTINCT):
        events = _with_numbers(engine, source, events, str(column))
    bounds = {"ends": FOREVER, "appears": BEFORE_ALL_TIME}
    filled = {name: events[name].fill_null(value) for name, value in bounds.items() if name in events.columns}
    keys = {entity.value: events[entity.value].fill_null(NO_KEY).cast("int32") for entity in parts}
    added = {t.name: _added(t, events).fill_null(missing_value(t)) for t in totals if not t.counts_all}
    return events.select("known", **filled, **keys, **added)


def _with_numbers(engine: StreamingEngine, source: Source, events: ir.Table, column: str) -> ir.Table:
    """The events with the values of a column as numbers, in `number of <column>`."""
    values = source.read(engine.table).select(value=column).filter(ibis._.value.notnull()).distinct()
    numbered = engine.number(values, "number").rename({f"value of {column}": "value", f"number of {column}": "number"})
    return events.left_join(numbered, events[column] == numbered[f"value of {column}"])


def _added(total: Part, events: ir.Table) -> ir.Value:
    """What an event adds to a total; to a distinct count, the number of its value."""
    if total.kind is not PartKind.DISTINCT:
        return total.contribution(events).cast("int64")
    return total.passes(events).ifelse(events[f"number of {total.column}"].cast("int64"), NO_VALUE)


def batches(engine: StreamingEngine, stream: ir.Table, entities: Sequence[Entity], at_once: int) -> Iterator[Batch]:
    """The rows of an `event_stream`, at most so many at once."""
    for rows in engine.stream(stream, at_once):
        columns = {name: from_arrow(column) for name, column in zip(rows.schema.names, rows.columns, strict=True)}
        keys = {entity: columns.pop(entity.value) for entity in entities}
        appears = {Entity.CATEGORY: columns.pop("appears")} if "appears" in columns else {}
        yield Batch(columns.pop("known"), columns.pop("ends", None), keys, appears, columns)


def fetched(engine: StreamingEngine, table: ir.Table) -> pa.Table:
    """The rows in this process, in the order of their column `row`."""
    rows = engine.stream(table).read_all()
    return rows.take(pc.sort_indices(rows["row"]))
