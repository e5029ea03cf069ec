"""From declarations to one table: which histories are read, by which plan, and how their results meet.

The plan of a history is chosen from its statistics: where claims and events of the same entity make few pairs, joining them is
fastest; where an entity is hot, running totals are (`docs/decisions`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import ibis
import ibis.expr.types as ir

from features.declaration import Entity, HistoryFeature
from features.engine import Engine
from features.join_plan import join_plan
from features.parts import ADDITIVE, Part, feature_value, parts_of
from features.running_plan import running_plan
from features.sources import SOURCES, Source

PAIRS_PER_EVENT = 8
"""Up to so many pairs of claim and event per event the join is taken; assumption, both plans give the same."""


def history_tables(engine: Engine, context: ir.Table, features: Sequence[HistoryFeature]) -> list[ir.Table]:
    """One kept table per entity and source: `row` (int64) and a column per feature, a row per claim.

    Features whose source is missing are left out; `features.build` makes them null.
    """

    def group(feature: HistoryFeature) -> tuple[str, str]:
        return feature.entity.value, feature.event.source

    tables, instants = [], {}
    for (entity, source), members in groupby(sorted(features, key=group), key=group):
        if is_available(engine, Entity(entity), SOURCES[source]):
            key = Entity(entity).key
            if key not in instants:
                instants[key] = engine.keep(instant_table(context, key))
            tables.append(history_table(engine, context, instants[key], Entity(entity), SOURCES[source], list(members)))
    return tables


def instant_table(context: ir.Table, key: str) -> ir.Table:
    """The distinct instants at which an entity is asked about: `key` (string) and `filed_at`."""
    return context.select(key=context[key], filed_at="filed_at").filter(ibis._.key.notnull()).distinct()


def is_available(engine: Engine, entity: Entity, source: Source) -> bool:
    """Whether every table that the history needs is there and has a row."""
    needed = (*source.tables, "products") if entity is Entity.CATEGORY else source.tables
    return all(engine.has(table) for table in needed)


def history_table(
    engine: Engine,
    context: ir.Table,
    instants: ir.Table,
    entity: Entity,
    source: Source,
    features: Sequence[HistoryFeature],
) -> ir.Table:
    """The features of one entity over one source; `context` is the claims with their keys, `row` and `filed_at`."""
    parts = list(dict.fromkeys(part for feature in features for part in parts_of(feature)))
    asked = context.select("row", key=context[entity.key], filed_at="filed_at")
    kept = engine.keep(event_table(engine, entity, source, instants, parts))
    plan, events = choose_plan(instants, kept, parts)
    totals = plan(instants, events, parts)
    joined = asked.left_join(totals, ["key", "filed_at"])
    columns = {f.name: feature_value(f, lambda part: joined[part.name], joined.filed_at) for f in features}
    result = engine.keep(joined.select("row", **columns))
    engine.release(kept)
    return result


def event_table(engine: Engine, entity: Entity, source: Source, instants: ir.Table, parts: Sequence[Part]) -> ir.Table:
    """Events of the entities that have a claim: `key`, `known`, `appears` and `ends` where they matter, a column per part."""
    events = source.read(engine.table)
    bounds = ["ends"] if source.has_end else []
    if entity is Entity.CATEGORY:
        products = engine.table("products").select("product_id", "category_id", "listed_at")
        events = events.inner_join(products, "product_id").mutate(appears=products.listed_at)
        bounds.append("appears")
    events = events.semi_join(instants.select("key").distinct(), [events[entity.key] == instants.key])
    columns = {part.name: part.contribution(events) for part in parts}
    return events.select(key=events[entity.key], known="known", **{name: events[name] for name in bounds}, **columns)


Plan = Callable[[ir.Table, ir.Table, Sequence[Part]], ir.Table]
"""`instants`, `events` and parts to totals; see `features.join_plan.join_plan`."""


def choose_plan(instants: ir.Table, events: ir.Table, parts: Sequence[Part]) -> tuple[Plan, ir.Table]:
    """The join for short histories, running totals for long ones; the events come back without bounds that bound nothing."""
    statistics = history_statistics(instants, events)
    if not statistics["late"]:
        events = events.drop(*({"appears"} & set(events.columns)))
    bounded = {"appears", "ends"} & set(events.columns)
    if bounded and any(part.kind not in ADDITIVE for part in parts):
        return join_plan, events
    return (running_plan if statistics["pairs"] > PAIRS_PER_EVENT * statistics["events"] else join_plan), events


def history_statistics(instants: ir.Table, events: ir.Table) -> dict[str, float]:
    """Number of `events`, of those that appear `late`, and of `pairs` of an instant and an event of one entity."""
    late = (events.appears > events.known).sum() if "appears" in events.columns else ibis.literal(0)
    asked = instants.group_by("key").aggregate(instants=instants.count())
    had = events.group_by("key").aggregate(events=events.count(), late=late)
    both = had.inner_join(asked, "key")
    pairs = (both.instants * both.events).cast("float64").sum()
    row = both.aggregate(events=both.events.sum(), late=both.late.sum(), pairs=pairs).to_pyarrow()
    return {name: float(row[name][0].as_py() or 0) for name in ("events", "late", "pairs")}
