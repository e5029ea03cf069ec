"""How many events each entity had before given instants: by a join where that makes few pairs, by running totals where
an entity is hot.

The histories of customers, sellers, products … stream by (`features.batch.window_totals`). What is counted here, of
tokens and other keys that customers share, is made by queries, and one token may be held by very many.

Events have bounds where they may be seen only later than known (`appears`) or no longer count from some time on
(`ends`). To running totals an event is an *interval*: an opening delta when it appears, and a closing one when its
window has passed or it has ended, whichever is first. Every delta goes to the first instant after it, so it costs one
sort, whatever the number of events of an entity.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import ibis
import ibis.expr.types as ir

from claimvet.features.catalogue.aggregates import Aggregate
from claimvet.features.engines.protocol import Fetch

PAIRS_PER_EVENT = 8
"""Up to so many pairs of instant and event per event the join is taken; assumption, both ways give the same."""

MAX_EXACT_TOTAL = 2.0**52
"""Integers of at most so much, and their sums, are exact in float64 (up to 2^53), which adds up three times faster than
int64."""


def event_counts(fetch: Fetch, instants: ir.Table, events: ir.Table, counted: Sequence[Aggregate]) -> ir.Table:
    """Return every count at every instant, by the way that is faster for what is there.

    Parameters:
        fetch: tells how many there are of each.
        instants: distinct `key` (any type), `filed_at` (int64 microseconds).
        events: `key`, `known`, optional `appears` and `ends` (int64 microseconds), and a column per `Aggregate.total`
            with what an event adds to it (`Aggregate.contribution`).
        counted: additive aggregates.

    Returns:
        `key`, `filed_at` and a column per aggregate; an instant without any event in reach may be left out.
    """
    columns = sorted({aggregate.total.name for aggregate in counted})
    statistics = event_statistics(fetch, instants, events, columns)
    if not statistics["late"]:
        events = events.drop(*({"appears"} & set(events.columns)))
    exact = [name for name in columns if statistics[name] <= MAX_EXACT_TOTAL]
    events = events.mutate(**{name: events[name].cast("float64") for name in exact})
    is_long = statistics["pairs"] > PAIRS_PER_EVENT * statistics["events"]
    return (counts_by_running_totals if is_long else counts_by_join)(instants, events, counted)


def event_statistics(
    fetch: Fetch, instants: ir.Table, events: ir.Table, columns: Sequence[str] = ()
) -> dict[str, float]:
    """Return the number of `events`, of those that appear `late`, of `pairs` of instant and event; the sum of absolute
    `columns`.
    """
    late = (events.appears > events.known).sum() if "appears" in events.columns else ibis.literal(0)
    sizes = {name: events[name].cast("float64").abs().sum() for name in columns}
    asked = instants.group_by("key").aggregate(instants=instants.count())
    had = events.group_by("key").aggregate(events=events.count(), late=late, **sizes)
    both = had.inner_join(asked, "key")
    pairs = (both.instants * both.events).cast("float64").sum()
    totals = {name: both[name].sum() for name in ("events", "late", *columns)}
    row = fetch(both.aggregate(**totals, pairs=pairs))
    return {name: float(row[name][0].as_py() or 0) for name in row.column_names}


def counts_by_join(instants: ir.Table, events: ir.Table, counted: Sequence[Aggregate]) -> ir.Table:
    """Return the counts from a join of each instant with the events of its key; instants without events are left
    out."""
    events = events.rename(event_key="key")
    conditions = [instants.key == events.event_key, events.known < instants.filed_at]
    windows = [aggregate.window for aggregate in counted]
    if None not in windows:
        conditions.append(events.known >= instants.filed_at - max(w for w in windows if w is not None))
    if "appears" in events.columns:
        conditions.append(events.appears < instants.filed_at)
    if "ends" in events.columns:
        conditions.append(events.ends.isnull() | (events.ends >= instants.filed_at))
    pairs = instants.inner_join(events, conditions)
    return pairs.group_by("key", "filed_at").aggregate(**{a.name: _count_of_pairs(pairs, a) for a in counted})


def _count_of_pairs(pairs: ir.Table, aggregate: Aggregate) -> ir.Value:
    within = None if aggregate.window is None else pairs.known >= pairs.filed_at - aggregate.window
    return pairs[aggregate.total.name].sum(where=within)


def counts_by_running_totals(instants: ir.Table, events: ir.Table, counted: Sequence[Aggregate]) -> ir.Table:
    """Return the counts from running totals over the deltas of events; every instant has a row."""
    breakpoints = instants.select("key", position="filed_at")
    deltas = _to_next_breakpoint(_deltas(events, counted), breakpoints)
    names = [aggregate.name for aggregate in counted]
    nothing = {name: ibis.null(deltas[name].type()) for name in names}
    stream = deltas.select("key", "position", *names).union(breakpoints.select("key", "position", **nothing))
    summed = stream.group_by("key", "position").aggregate(**{name: stream[name].sum().fill_null(0) for name in names})
    until_now = ibis.cumulative_window(group_by=summed.key, order_by=summed.position)
    return summed.select("key", filed_at="position", **{name: summed[name].sum().over(until_now) for name in names})


def _deltas(events: ir.Table, counted: Sequence[Aggregate]) -> ir.Table:
    """Return `key`, `position` and a column per aggregate: what an event adds when it appears, and takes back later."""
    appears = ibis.greatest(events.known, events.appears) if "appears" in events.columns else events.known
    ends = events.ends if "ends" in events.columns else ibis.null("int64")
    intervals = events.mutate(appears=appears, ends=ends)
    opening = intervals.select("key", position="appears", **{a.name: intervals[a.total.name] for a in counted})
    windows = dict.fromkeys(aggregate.window for aggregate in counted)
    return reduce(ir.Table.union, (_closing_deltas(intervals, window, counted) for window in windows), opening)


def _closing_deltas(intervals: ir.Table, window: int | None, counted: Sequence[Aggregate]) -> ir.Table:
    """Return what the aggregates of one window take back."""
    if window is None:
        intervals = intervals.filter(intervals.ends.notnull())
        closed_at = intervals.ends
    else:
        passed = intervals.known + window
        closed_at = ibis.least(passed, intervals.ends.fill_null(passed))
    columns = {
        a.name: -intervals[a.total.name] if a.window == window else ibis.null(intervals[a.total.name].type())
        for a in counted
    }
    # an event whose window had passed before it could be seen is taken back at the moment it appears
    return intervals.select("key", position=ibis.greatest(intervals.appears, closed_at), **columns)


def _to_next_breakpoint(deltas: ir.Table, breakpoints: ir.Table) -> ir.Table:
    """Return deltas with the next breakpoint after them as `position`, without those that have none.

    One at the very time of a breakpoint goes to a later one, since a claim sees only what was known strictly before.
    """
    if deltas.get_backend().name == "duckdb":
        deltas = deltas.rename(happened="position")
        joined = deltas.asof_join(breakpoints, deltas.happened < breakpoints.position, predicates="key")
        return joined.filter(joined.position.notnull())
    return _to_next_breakpoint_by_window(deltas, breakpoints)


def _to_next_breakpoint_by_window(deltas: ir.Table, breakpoints: ir.Table) -> ir.Table:
    """Do the same for an engine without ASOF joins; not for DuckDB, where Ibis 12 loses the IGNORE NULLS that it
    needs."""
    nothing = {name: ibis.null(dtype) for name, dtype in deltas.schema().items() if name not in {"key", "position"}}
    stream = deltas.mutate(order=deltas.position * 2 + 1, position=ibis.null("int64")).union(
        breakpoints.mutate(order=breakpoints.position * 2, **nothing).select(*deltas.columns, "order")
    )
    latest_first = ibis.cumulative_window(group_by=stream.key, order_by=stream.order.desc())
    sent = stream.mutate(position=stream.position.last().over(latest_first))
    return sent.filter(sent.order % 2 != 0, sent.position.notnull())
