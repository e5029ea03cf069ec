"""The events of histories: which sources a data set has, and their events with the number of each entity that a claim
is about.

Every source is read once, whatever the number of entities that look at it, and only its events of entities that have a
claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import accumulate, groupby

import ibis
import ibis.expr.types as ir

from claimvet.features.batch.entity_index import EntityIndex
from claimvet.features.catalogue.aggregates import Aggregate
from claimvet.features.catalogue.declaration import Entity, Feature, HistoryFeature
from claimvet.features.catalogue.sources import SOURCES, Source
from claimvet.features.engines.protocol import Engine


def by_source(
    engine: Engine, features: Iterable[HistoryFeature]
) -> Iterator[tuple[Source, list[HistoryFeature], int, int]]:
    """Yield each source with its features, the events of the sources before it and those of all."""
    named = {name: list(members) for name, members in groupby(sorted(features, key=_source_name), key=_source_name)}
    events = {name: engine.rows(SOURCES[name].tables[0]) for name in named}
    before = accumulate(events.values(), initial=0)
    for (name, members), done in zip(named.items(), before, strict=False):
        yield SOURCES[name], members, done, sum(events.values())


def available_features(engine: Engine, features: Iterable[Feature]) -> list[HistoryFeature]:
    """Return the history features whose source is there and has a row; the others are null."""
    histories = [feature for feature in features if isinstance(feature, HistoryFeature)]
    return [f for f in histories if is_available(engine, f.entity, SOURCES[f.event.source])]


def _source_name(feature: HistoryFeature) -> str:
    return feature.event.source


def is_available(engine: Engine, entity: Entity, source: Source) -> bool:
    """Return whether every table that the history needs is there and has a row."""
    needed = (*source.tables, "products") if entity is Entity.CATEGORY else source.tables
    return all(engine.has(table) for table in needed)


def events_of_entities(
    engine: Engine, index: EntityIndex, source: Source, entities: Sequence[Entity], aggregates: Sequence[Aggregate]
) -> ir.Table:
    """Return events that are of at least one entity of the index: their times, what `aggregates` read, and each
    entity's key by its name.
    """
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
    """Yield columns of events, each with a table that tells by `name` the numbers of entities; a product's tells its
    category's, too.
    """
    if Entity.CATEGORY in entities:
        categories = categories_of_products(engine, index)
        if Entity.PRODUCT in entities:
            categories = engine.keep(_with_products(categories, index.keys(Entity.PRODUCT)))
        yield Entity.PRODUCT.key, categories
    for entity in entities:
        if entity is not Entity.CATEGORY and not (entity is Entity.PRODUCT and Entity.CATEGORY in entities):
            yield entity.key, index.keys(entity).rename({entity.value: "key"})


def categories_of_products(engine: Engine, index: EntityIndex) -> ir.Table:
    """Return products by `name` with the number of their `category`, and `appears`: when that was known."""
    products = engine.table("products")
    categories = index.keys(Entity.CATEGORY)
    joined = products.inner_join(categories, products.category_id == categories.name)
    return joined.select(name="product_id", category="key", appears="listed_at")


def _with_products(categories: ir.Table, products: ir.Table) -> ir.Table:
    """Join categories and products into one table, so that events are joined once."""
    either = categories.outer_join(products.select(other="name", product="key"), [("name", "other")])
    return either.select("category", "appears", "product", name=ibis.coalesce(either.name, either.other))
