"""Which plan counts a history by queries alone: a join where claims and events make few pairs, running totals where an entity is hot."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import replace

import ibis
import ibis.expr.types as ir

from claimvet.features.catalogue.aggregates import ADDITIVE, Aggregate, AggregateKind
from claimvet.features.links.join_plan import join_plan
from claimvet.features.links.running_plan import BOUNDS, running_plan

PAIRS_PER_EVENT = 8
"""Up to so many pairs of claim and event per event the join is taken; assumption, both plans give the same."""

MAX_EXACT_TOTAL = 2.0**52
"""Integers of at most so much, and their sums, are exact in float64 (up to 2^53), which adds up three times faster than int64."""

Plan = Callable[[ir.Table, ir.Table, Sequence[Aggregate]], ir.Table]
"""`instants`, `events` and aggregates to totals; see `features.links.join_plan.join_plan`."""


def choose_plan(instants: ir.Table, events: ir.Table, aggregates: Sequence[Aggregate]) -> tuple[Plan, ir.Table]:
    """The join for short histories, running totals for long ones; the events come back in the form that is fastest to read.

    That is without bounds that bound nothing, and with additive columns in float64 where that is exact.
    """
    columns = sorted({aggregate.total.name for aggregate in aggregates if aggregate.kind in ADDITIVE})
    statistics = history_statistics(instants, events, columns)
    if not statistics["late"]:
        events = events.drop(*({"appears"} & set(events.columns)))
    exact = [name for name in columns if statistics[name] <= MAX_EXACT_TOTAL]
    events = events.mutate(**{name: events[name].cast("float64") for name in exact})
    bounded = set(BOUNDS) & set(events.columns)
    refused = bounded and any(aggregate.kind not in ADDITIVE for aggregate in aggregates)
    is_long = statistics["pairs"] > PAIRS_PER_EVENT * statistics["events"]
    plan = running_plan if is_long and not refused else join_plan
    known_to_all = {
        aggregate
        for aggregate in aggregates
        if aggregate.kind is AggregateKind.KNOWN and statistics[aggregate.total.name] == statistics["events"]
    }
    return (_with_counts_for(known_to_all, plan) if known_to_all else plan), events


def _with_counts_for(known: Set[Aggregate], plan: Plan) -> Plan:
    """The plan, where every event has a value: how many have one need not be summed up beside how many there are."""

    def counted(instants: ir.Table, events: ir.Table, aggregates: Sequence[Aggregate]) -> ir.Table:
        counts = {
            aggregate: replace(aggregate, kind=AggregateKind.COUNT, column=None)
            for aggregate in aggregates
            if aggregate in known
        }
        ones = {count.total.name: events[aggregate.total.name] for aggregate, count in counts.items()}
        rest = dict.fromkeys(counts.get(aggregate, aggregate) for aggregate in aggregates)
        totals = plan(instants, events.mutate(**ones), list(rest))
        return totals.mutate(**{aggregate.name: totals[count.name] for aggregate, count in counts.items()})

    return counted


def history_statistics(instants: ir.Table, events: ir.Table, columns: Sequence[str] = ()) -> dict[str, float]:
    """Number of `events`, of those that appear `late`, of `pairs` of an instant and an event of one entity; sum of absolute `columns`."""
    late = (events.appears > events.known).sum() if "appears" in events.columns else ibis.literal(0)
    sizes = {name: events[name].cast("float64").abs().sum() for name in columns}
    asked = instants.group_by("key").aggregate(instants=instants.count())
    had = events.group_by("key").aggregate(events=events.count(), late=late, **sizes)
    both = had.inner_join(asked, "key")
    pairs = (both.instants * both.events).cast("float64").sum()
    totals = {name: both[name].sum() for name in ("events", "late", *columns)}
    row = both.aggregate(**totals, pairs=pairs).to_pyarrow()
    return {name: float(row[name][0].as_py() or 0) for name in row.column_names}
