"""Aggregates that no running total gives, computed of an entity's events one after the other.

They are those that end or appear late and are compared or counted distinctly, and first and latest values. None of the catalogue's
features needs it; a feature declared tomorrow may.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import ibis.expr.types as ir

from claimvet.features.catalogue.aggregates import Aggregate, AggregateKind
from claimvet.features.catalogue.sources import SOURCES
from claimvet.features.online.deltas import contract_table
from claimvet.features.online.interpreter import Row, ValueFunction, value_function
from claimvet.features.online.layout import Place

Appearing = tuple[Row, int | None]
"""An event, and from when it can be seen where that may be later than it was known."""


class Scan:
    """The aggregates of one place that are computed so."""

    def __init__(self, place: Place, aggregates: Sequence[Aggregate]) -> None:
        events: ir.Table = SOURCES[place.source.name].read(contract_table)
        self._aggregates: list[tuple[Aggregate, ValueFunction]] = [
            (aggregate, value_function(aggregate.total.contribution(events))) for aggregate in aggregates
        ]

    def values(self, events: Iterable[Appearing], filed_at: int) -> dict[str, Any]:
        """Aggregate name to value, null where there is nothing to compare or date."""
        seen = [event for event, appears in events if is_seen(event, appears, filed_at)]
        return {aggregate.name: _value(aggregate, value, seen, filed_at) for aggregate, value in self._aggregates}


def is_seen(event: Row, appears: int | None, filed_at: int) -> bool:
    """Whether a claim filed then sees the event."""
    if event["known"] >= filed_at or (appears is not None and appears >= filed_at):
        return False
    ends = event.get("ends")
    return ends is None or bool(filed_at <= ends)


def _value(aggregate: Aggregate, value: ValueFunction, events: Sequence[Row], filed_at: int) -> Any:
    start = None if aggregate.window is None else filed_at - aggregate.window
    values = [value(event) for event in events if start is None or event["known"] >= start]
    given = [found for found in values if found is not None]
    if aggregate.kind is AggregateKind.DISTINCT:
        return len(set(given))
    if not given:
        return None
    return min(given) if aggregate.kind is AggregateKind.FIRST else max(given)
