"""The plan for long histories: events are summed up between the instants that matter, and only these are read in order.

The *breakpoints* of an entity are the instants at which it is asked about and the starts of their windows. Every event
goes to the first breakpoint after it, and what goes to the same breakpoint becomes one row. A window is then a
difference of running totals over breakpoints, or an extreme over the breakpoints within it. It costs one sort of the
events, whatever their number per entity.

Events that end, or that appear late, are *intervals*: what an event adds when it appears is taken back when the window
has passed or the event has ended, whichever is first; opening and closing deltas go to the breakpoints as plain events
do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

import ibis
import ibis.expr.types as ir

from claimvet.data.contract.errors import FeatureError
from claimvet.features.catalogue.aggregates import ADDITIVE, MINIMA, Aggregate, AggregateKind

BOUNDS = ("appears", "ends")
"""Columns that bound an event's life (`features.catalogue.sources`)."""


def running_plan(instants: ir.Table, events: ir.Table, aggregates: Sequence[Aggregate]) -> ir.Table:
    """Every aggregate at every instant; parameters and result as in `features.links.join_plan`, with a row for every
    instant.

    Raises:
        FeatureError: for an extreme or a distinct count over events that end or appear late.
    """
    if set(BOUNDS) & set(events.columns):
        return _over_intervals(instants, events, aggregates)
    totals = dict.fromkeys(aggregate.total for aggregate in aggregates if aggregate.kind is AggregateKind.DISTINCT)
    plain = [aggregate for aggregate in aggregates if aggregate.kind is not AggregateKind.DISTINCT]
    steps = [_over_events(instants, events, plain)] if plain else []
    steps += [
        _distinct(instants, events, [aggregate for aggregate in aggregates if aggregate.total == total])
        for total in totals
    ]
    return reduce(lambda left, right: left.inner_join(right, ["key", "filed_at"]), steps)


def _over_events(instants: ir.Table, events: ir.Table, aggregates: Sequence[Aggregate]) -> ir.Table:
    probes = _probes(instants, {aggregate.window for aggregate in aggregates})
    breakpoints = _gathered(
        probes, events.rename(position="known"), {aggregate.total.name: aggregate for aggregate in aggregates}
    )
    read = breakpoints.select("key", "position", **_running(breakpoints, aggregates))
    found = probes.inner_join(read, ["key", "position"])
    return found.group_by("key", "filed_at").aggregate(
        **{aggregate.name: _at_instant(found, aggregate) for aggregate in aggregates}
    )


def _over_intervals(instants: ir.Table, events: ir.Table, aggregates: Sequence[Aggregate]) -> ir.Table:
    refused = [aggregate.kind for aggregate in aggregates if aggregate.kind not in ADDITIVE]
    if refused:
        raise FeatureError(f"{refused[0]} over events that end or appear late cannot be read from running totals")
    changes = _deltas(events, aggregates)
    breakpoints = _gathered(_probes(instants, {None}), changes, {aggregate.name: aggregate for aggregate in aggregates})
    frame = _until_now(breakpoints)
    totals = {aggregate.name: breakpoints[aggregate.name].sum().over(frame) for aggregate in aggregates}
    return breakpoints.select("key", filed_at="position", **totals)


def _probes(instants: ir.Table, windows: set[int | None]) -> ir.Table:
    """`key`, `filed_at`, `window` (microseconds, 0 for the instant itself) and `position`, where the window begins."""
    lengths = ibis.literal(sorted({window or 0 for window in (None, *windows)}), "array<int64>")
    probes = instants.select("key", "filed_at", window=lengths.unnest())
    return probes.mutate(position=probes.filed_at - probes.window)


def _gathered(probes: ir.Table, events: ir.Table, columns: Mapping[str, Aggregate]) -> ir.Table:
    """`key`, `position` and `columns`: a row a breakpoint, with what came since the one before.

    An event at the very time of a breakpoint goes to a later one, since a claim sees only what was known strictly
    before.
    """
    breakpoints = probes.select("key", "position").distinct()
    sent = (
        _to_next_breakpoint_by_asof(events, breakpoints)
        if _has_asof_join(events)
        else _to_next_breakpoint_by_window(events, breakpoints)
    )
    nothing = {name: ibis.null(events[name].type()) for name in columns}
    stream = sent.select("key", "position", *columns).union(breakpoints.select("key", "position", **nothing))
    gathered = {name: _gather(stream[name], aggregate) for name, aggregate in columns.items()}
    return stream.group_by("key", "position").aggregate(**gathered)


def _has_asof_join(table: ir.Table) -> bool:
    return str(table.get_backend().name) == "duckdb"


def _to_next_breakpoint_by_asof(events: ir.Table, breakpoints: ir.Table) -> ir.Table:
    """Events with the next breakpoint after them as `position`; without those that have none."""
    events = events.rename(happened="position")
    joined = events.asof_join(breakpoints, events.happened < breakpoints.position, predicates="key")
    return joined.filter(joined.position.notnull())


def _to_next_breakpoint_by_window(events: ir.Table, breakpoints: ir.Table) -> ir.Table:
    """The same for an engine without ASOF joins; not for DuckDB, where Ibis 12 loses the IGNORE NULLS that it needs."""
    nothing = {name: ibis.null(dtype) for name, dtype in events.schema().items() if name not in {"key", "position"}}
    stream = events.mutate(order=events.position * 2 + 1, position=ibis.null("int64")).union(
        breakpoints.mutate(order=breakpoints.position * 2, **nothing).select(*events.columns, "order")
    )
    latest_first = ibis.cumulative_window(group_by=stream.key, order_by=stream.order.desc())
    sent = stream.mutate(position=stream.position.last().over(latest_first))
    return sent.filter(sent.order % 2 != 0, sent.position.notnull())


def _gather(column: ir.Value, aggregate: Aggregate) -> ir.Value:
    if aggregate.kind in ADDITIVE:
        return column.sum().fill_null(0)
    return column.min() if aggregate.kind in MINIMA else column.max()


def _running(breakpoints: ir.Table, aggregates: Sequence[Aggregate]) -> dict[str, ir.Value]:
    """Running totals, one for all windows of an aggregate; of extremes, those of each window."""
    columns = {aggregate.total.name: aggregate for aggregate in aggregates if aggregate.kind in ADDITIVE}
    columns |= {aggregate.name: aggregate for aggregate in aggregates if aggregate.kind not in ADDITIVE}
    return {name: _running_value(breakpoints, aggregate) for name, aggregate in columns.items()}


def _running_value(breakpoints: ir.Table, aggregate: Aggregate) -> ir.Value:
    column = breakpoints[aggregate.total.name]
    if aggregate.kind in ADDITIVE:
        return column.sum().over(_until_now(breakpoints))
    extreme = column.min() if aggregate.kind in MINIMA else column.max()
    if aggregate.window is None:
        return extreme.over(_until_now(breakpoints))
    # what goes to the breakpoint at a window's start came before the window
    within = ibis.range_window(
        preceding=(aggregate.window - 1, 0), group_by=breakpoints.key, order_by=breakpoints.position
    )
    return extreme.over(within)


def _until_now(breakpoints: ir.Table) -> ir.Value:
    return ibis.cumulative_window(group_by=breakpoints.key, order_by=breakpoints.position)


def _at_instant(found: ir.Table, aggregate: Aggregate) -> ir.Value:
    now = found.window == 0
    if aggregate.kind not in ADDITIVE:
        return found[aggregate.name].max(where=now)
    total = found[aggregate.total.name]
    value = total.sum(where=now)
    return value if aggregate.window is None else value - total.sum(where=found.window == aggregate.window)


def _deltas(events: ir.Table, aggregates: Sequence[Aggregate]) -> ir.Table:
    """`key`, `position` and a column per aggregate: what an event adds when it appears, and takes back later."""
    appears = ibis.greatest(events.known, events.appears) if "appears" in events.columns else events.known
    ends = events.ends if "ends" in events.columns else ibis.null("int64")
    intervals = events.mutate(appears=appears, ends=ends)
    opening = intervals.select(
        "key", position="appears", **{aggregate.name: intervals[aggregate.total.name] for aggregate in aggregates}
    )
    windows = dict.fromkeys(aggregate.window for aggregate in aggregates)
    return reduce(
        lambda left, right: left.union(right), (_closing_deltas(intervals, w, aggregates) for w in windows), opening
    )


def _closing_deltas(intervals: ir.Table, window: int | None, aggregates: Sequence[Aggregate]) -> ir.Table:
    """What the aggregates of one window take back."""
    ends = (
        intervals.ends
        if window is None
        else ibis.least(intervals.known + window, intervals.ends.fill_null(intervals.known + window))
    )
    # an event whose window had passed before it could be seen is taken back at the moment it appears
    position = ibis.greatest(intervals.appears, ends)
    columns = {
        aggregate.name: -intervals[aggregate.total.name]
        if aggregate.window == window
        else ibis.null(intervals[aggregate.total.name].type())
        for aggregate in aggregates
    }
    closing = intervals.filter(intervals.ends.notnull()) if window is None else intervals
    return closing.select("key", position=position, **columns)


def _distinct(instants: ir.Table, events: ir.Table, aggregates: Sequence[Aggregate]) -> ir.Table:
    """The windows of one distinct count: a value counts once, from each time it is seen until it is seen again."""
    value = aggregates[0].total.name
    seen = events.filter(events[value].notnull())
    again = seen.known.lead().over(ibis.window(group_by=[seen.key, seen[value]], order_by=seen.known))
    once = {aggregate.name: replace(aggregate, kind=AggregateKind.COUNT) for aggregate in aggregates}
    ones = {aggregate.total.name: ibis.literal(1, "float64") for aggregate in once.values()}
    intervals = seen.select("key", "known", ends=again, **ones)
    return _over_intervals(instants, intervals, list(once.values())).rename(
        {name: aggregate.name for name, aggregate in once.items()}
    )
