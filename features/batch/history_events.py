"""From declarations to one table per history, by queries alone: on Spark all histories, on DuckDB those that cannot be streamed.

Every source is read once, whatever the number of entities that look at it, and only its events of entities that have a claim. The
plan of a history is chosen from its statistics: where claims and events of the same entity make few pairs, joining them is fastest;
where an entity is hot, running totals are (`docs/decisions`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import accumulate, groupby

import ibis
import ibis.expr.types as ir

from claimvet.features.batch.entity_index import EntityIndex
from claimvet.features.catalogue.aggregates import Aggregate, aggregates_of, contributions, feature_value
from claimvet.features.catalogue.declaration import Entity, Feature, HistoryFeature
from claimvet.features.catalogue.sources import SOURCES, Source
from claimvet.features.engines.progress import Progress, silent
from claimvet.features.engines.protocol import Engine
from claimvet.features.links.plan_choice import choose_plan
from claimvet.features.links.running_plan import BOUNDS


def history_tables(
    engine: Engine, context: ir.Table, features: Sequence[HistoryFeature], progress: Progress = silent
) -> Iterator[ir.Table]:
    """One kept table per entity and source: `row` (int64) and a column per feature, a row per claim; all sources are there."""
    index = EntityIndex(engine, context)
    for source, members, done, total in by_source(engine, features):
        progress(f"histories: {source.name.replace('_', ' ')}", done, total)
        yield from source_tables(engine, index, source, members)


def by_source(
    engine: Engine, features: Iterable[HistoryFeature]
) -> Iterator[tuple[Source, list[HistoryFeature], int, int]]:
    """Each source with its features, the events of the sources before it and those of all."""
    named = {name: list(members) for name, members in groupby(sorted(features, key=_source_name), key=_source_name)}
    events = {name: engine.rows(SOURCES[name].tables[0]) for name in named}
    before = accumulate(events.values(), initial=0)
    for (name, members), done in zip(named.items(), before, strict=False):
        yield SOURCES[name], members, done, sum(events.values())


def available_features(engine: Engine, features: Iterable[Feature]) -> list[HistoryFeature]:
    """The history features whose source is there and has a row; the others are null."""
    histories = [feature for feature in features if isinstance(feature, HistoryFeature)]
    return [f for f in histories if is_available(engine, f.entity, SOURCES[f.event.source])]


def _source_name(feature: HistoryFeature) -> str:
    return feature.event.source


def is_available(engine: Engine, entity: Entity, source: Source) -> bool:
    """Whether every table that the history needs is there and has a row."""
    needed = (*source.tables, "products") if entity is Entity.CATEGORY else source.tables
    return all(engine.has(table) for table in needed)


def source_tables(
    engine: Engine, index: EntityIndex, source: Source, features: Sequence[HistoryFeature]
) -> Iterator[ir.Table]:
    """The tables of all entities that look at one source."""
    entities = sorted({feature.entity for feature in features})
    kept = engine.keep(events_of_entities(engine, index, source, entities, aggregates_of_all(features)))
    for entity in entities:
        members = [feature for feature in features if feature.entity is entity]
        aggregates, instants = aggregates_of_all(members), index.instants(entity)
        plan, events = choose_plan(instants, entity_events(kept, entity, aggregates), aggregates)
        yield engine.keep(history_values(index.asked(entity), plan(instants, events, aggregates), members))
    engine.release(kept)


def aggregates_of_all(features: Iterable[HistoryFeature]) -> list[Aggregate]:
    """The aggregates that the features are made of, each once."""
    return list(dict.fromkeys(aggregate for feature in features for aggregate in aggregates_of(feature)))


def events_of_entities(
    engine: Engine, index: EntityIndex, source: Source, entities: Sequence[Entity], aggregates: Sequence[Aggregate]
) -> ir.Table:
    """Events that are of at least one entity of the index: their times, what `aggregates` read, and each entity's key by its name."""
    events = source.read(engine.table)
    bounds = [*(["ends"] if source.has_end else []), *(["appears"] if Entity.CATEGORY in entities else [])]
    for column, numbers in lookups(engine, index, entities):
        numbers = numbers.rename({f"name of {column}": "name"})
        events = events.left_join(numbers, events[column] == numbers[f"name of {column}"])
    read = {column for aggregate in aggregates for column in aggregate.columns}
    mine = reduce(lambda a, b: a | b, (events[entity.value].notnull() for entity in entities))
    columns = dict.fromkeys(["known", *bounds, *sorted(read), *(entity.value for entity in entities)])
    return events.filter(mine).select(*columns)


def lookups(engine: Engine, index: EntityIndex, entities: Sequence[Entity]) -> Iterator[tuple[str, ir.Table]]:
    """Columns of events, each with a table that tells by `name` the numbers of entities; a product's tells its category's, too."""
    if Entity.CATEGORY in entities:
        categories = categories_of_products(engine, index)
        if Entity.PRODUCT in entities:
            categories = engine.keep(_with_products(categories, index.keys(Entity.PRODUCT)))
        yield Entity.PRODUCT.key, categories
    for entity in entities:
        if entity is not Entity.CATEGORY and not (entity is Entity.PRODUCT and Entity.CATEGORY in entities):
            yield entity.key, index.keys(entity).rename({entity.value: "key"})


def categories_of_products(engine: Engine, index: EntityIndex) -> ir.Table:
    """Products by `name` with the number of their `category`, and `appears`: when that was known."""
    products = engine.table("products")
    categories = index.keys(Entity.CATEGORY)
    joined = products.inner_join(categories, products.category_id == categories.name)
    return joined.select(name="product_id", category="key", appears="listed_at")


def _with_products(categories: ir.Table, products: ir.Table) -> ir.Table:
    """Both in one table, so that events are joined once."""
    either = categories.outer_join(products.select(other="name", product="key"), [("name", "other")])
    return either.select("category", "appears", "product", name=ibis.coalesce(either.name, either.other))


def entity_events(events: ir.Table, entity: Entity, aggregates: Sequence[Aggregate]) -> ir.Table:
    """The events of one entity: `key`, `known`, `appears` and `ends` where they matter, a column per total of `aggregates`."""
    own = events.filter(events[entity.value].notnull())
    bounds = [name for name in BOUNDS if name in events.columns and (name == "ends" or entity is Entity.CATEGORY)]
    return own.select("known", *bounds, key=own[entity.value], **contributions(own, aggregates))


def history_values(asked: ir.Table, totals: ir.Table, features: Sequence[HistoryFeature]) -> ir.Table:
    """`row` and a column per feature for every claim of `asked`."""
    joined = asked.left_join(totals, ["key", "filed_at"])
    columns = {f.name: feature_value(f, lambda aggregate: joined[aggregate.name], joined.filed_at) for f in features}
    return joined.select("row", **columns)
