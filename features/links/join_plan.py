"""The plan for short histories: join each claim with its entity's events and aggregate under conditions."""

from __future__ import annotations

from collections.abc import Sequence

import ibis.expr.types as ir

from claimvet.features.catalogue.aggregates import ADDITIVE, MAXIMA, MINIMA, Aggregate


def join_plan(instants: ir.Table, events: ir.Table, aggregates: Sequence[Aggregate]) -> ir.Table:
    """Every aggregate at every instant.

    Parameters:
        instants: distinct `key` (any type), `filed_at` (int64 microseconds).
        events: `key`, `known`, optional `appears` and `ends` (int64 microseconds), and a column per `Aggregate.total`
            (`features.catalogue.aggregates.contributions`).
        aggregates: what to aggregate.

    Returns:
        `key`, `filed_at` and a column per aggregate; an instant without any event in reach is left out.
    """
    renamed = events.rename(event_key="key")
    windows = [aggregate.window for aggregate in aggregates]
    conditions = [instants.key == renamed.event_key, renamed.known < instants.filed_at]
    if None not in windows:
        conditions.append(renamed.known >= instants.filed_at - max(w for w in windows if w is not None))
    conditions += _alive(renamed, instants.filed_at)
    pairs = instants.inner_join(renamed, conditions)
    return pairs.group_by("key", "filed_at").aggregate(
        **{aggregate.name: _aggregate(pairs, aggregate) for aggregate in aggregates}
    )


def _alive(events: ir.Table, filed_at: ir.Value) -> list[ir.BooleanValue]:
    """The event can be seen at that instant and still counts."""
    conditions = []
    if "appears" in events.columns:
        conditions.append(events.appears < filed_at)
    if "ends" in events.columns:
        conditions.append(events.ends.isnull() | (events.ends >= filed_at))
    return conditions


def _aggregate(pairs: ir.Table, aggregate: Aggregate) -> ir.Value:
    within = None if aggregate.window is None else pairs.known >= pairs.filed_at - aggregate.window
    column = pairs[aggregate.total.name]
    match aggregate.kind:
        case kind if kind in ADDITIVE:
            return column.sum(where=within)
        case kind if kind in MINIMA:
            return column.min(where=within)
        case kind if kind in MAXIMA:
            return column.max(where=within)
        case _:
            return column.nunique(where=within)
