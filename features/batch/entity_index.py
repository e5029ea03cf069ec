"""The customers, sellers, products … that claims are about, as numbers, since numbers are compared faster than
names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from claimvet.features.batch.breakpoints import NO_KEY, Breakpoints, Timeline
from claimvet.features.catalogue.declaration import Entity
from claimvet.features.engines.arrow_numpy import from_arrow
from claimvet.features.engines.parallel_map import parallel_map
from claimvet.features.engines.protocol import Engine


class EntityIndex:
    """Which claim asks about which entity; each entity is numbered the first time that it is asked for."""

    def __init__(self, engine: Engine, context: ir.Table) -> None:
        self._engine = engine
        self._context = context
        self._keys: dict[Entity, ir.Table] = {}

    def keys(self, entity: Entity) -> ir.Table:
        """Return every such entity once: `name` (string) and `key` (integer)."""
        if entity not in self._keys:
            names = self._context.select(name=entity.key).filter(ibis._.name.notnull()).distinct()
            self._keys[entity] = self._engine.number(names, "key")
        return self._keys[entity]

    def asked_about(self, entities: Sequence[Entity]) -> ir.Table:
        """Return `row`, `filed_at` and the number of each entity by its name (int32, `NO_KEY` where unknown); a row a
        claim.
        """
        asked = self._context.select("row", "filed_at", *(entity.key for entity in entities))
        for entity in entities:
            named = self.keys(entity).rename({f"{entity}_name": "name", entity.value: "key"})
            asked = asked.left_join(named, asked[entity.key] == named[f"{entity}_name"])
        numbers = {entity.value: asked[entity.value].fill_null(NO_KEY).cast("int32") for entity in entities}
        return asked.select("row", "filed_at", **numbers)


class EntityBreakpoints:
    """The breakpoints of every kind of entity, on one timeline.

    Parameters:
        asked: the rows of `EntityIndex.asked_about`, in the order of `row`.
        entities: those that it has.
        windows: lengths in microseconds of all windows that will be read.
    """

    def __init__(self, asked: pa.Table, entities: Sequence[Entity], windows: Iterable[int]) -> None:
        self.timeline = Timeline(from_arrow(asked["filed_at"]), sorted(windows))
        keys = [from_arrow(asked[entity.value]) for entity in entities]
        breakpoints = parallel_map(lambda key: Breakpoints(self.timeline, key), keys)
        self._breakpoints = dict(zip(entities, breakpoints, strict=True))

    def of(self, entity: Entity) -> Breakpoints:
        """Return the breakpoints of one kind of entity."""
        return self._breakpoints[entity]
