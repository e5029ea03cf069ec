"""The plan for long histories: one running total per entity, read at the instants that matter.

It costs one sort, whatever the number of events of an entity. Plain events are read with *probes*: rows at the claim's instant and
one window earlier, whose running totals are subtracted. Events that end, or that appear late, are read with *expiries*: an event adds
its contribution when it appears and takes it back when the window has passed or the event has ended, whichever is first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import ibis
import ibis.expr.types as ir

from data.contract.errors import FeatureError
from features.parts import ADDITIVE, Part, PartKind

_PROBE, _EVENT = 0, 1
"""At the same microsecond probes come before events: a claim sees only what was known strictly before."""


def running_plan(instants: ir.Table, events: ir.Table, parts: Sequence[Part]) -> ir.Table:
    """Every part at every instant; parameters and result as in `features.join_plan`, with a row for every instant."""
    steps = []
    additive = [part for part in parts if part.kind in ADDITIVE]
    bounded = {"appears", "ends"} & set(events.columns)
    if additive:
        steps.append((_expire if bounded else _probe)(instants, events, additive))
    steps += [_distinct(instants, events, part) for part in parts if part.kind is PartKind.DISTINCT]
    extremes = [part for part in parts if part.kind not in ADDITIVE and part.kind is not PartKind.DISTINCT]
    if extremes and bounded:
        raise FeatureError(f"{extremes[0].kind} over events that end or appear late cannot be read from running totals")
    if extremes:
        steps.append(_extremes(instants, events, extremes))
    return reduce(lambda left, right: left.inner_join(right, ["key", "filed_at"]), steps)


def _probe(instants: ir.Table, events: ir.Table, parts: Sequence[Part]) -> ir.Table:
    names = sorted({_total_name(part) for part in parts})
    columns = {_total_name(part): events[part.name] for part in parts}
    windows = sorted({part.window for part in parts if part.window is not None})
    stream = events.select(
        key="key", position="known", turn=ibis.literal(_EVENT), filed_at=ibis.null("int64"), window=_none(), **columns
    )
    for window in [0, *windows]:
        zeros = {name: ibis.literal(0).cast(columns[name].type()) for name in names}
        probe = instants.select(
            key="key",
            position=instants.filed_at - window,
            turn=ibis.literal(_PROBE),
            filed_at="filed_at",
            window=ibis.literal(window, "int64"),
            **zeros,
        )
        stream = stream.union(probe)
    totals = _running_totals(stream, names)
    read = {}
    for part in parts:
        total = totals[_total_name(part)]
        value = total.sum(where=totals.window == 0)
        read[part.name] = value if part.window is None else value - total.sum(where=totals.window == part.window)
    return totals.group_by("key", "filed_at").aggregate(**read)


def _expire(instants: ir.Table, events: ir.Table, parts: Sequence[Part]) -> ir.Table:
    names = [part.name for part in parts]
    appears = ibis.greatest(events.known, events.appears) if "appears" in events.columns else events.known
    ends = events.ends if "ends" in events.columns else ibis.null("int64")
    lives = events.mutate(appears=appears, ends=ends)
    columns = {name: lives[name] for name in names}
    stream = lives.select(
        key="key", position="appears", turn=ibis.literal(_EVENT), filed_at=ibis.null("int64"), **columns
    )
    for window in sorted({part.window for part in parts}, key=lambda w: w or 0):
        stream = stream.union(_endings(lives, window, parts))
    zeros = {name: ibis.literal(0).cast(columns[name].type()) for name in names}
    stream = stream.union(
        instants.select(key="key", position="filed_at", turn=ibis.literal(_PROBE), filed_at="filed_at", **zeros)
    )
    return _running_totals(stream, names).select("key", "filed_at", *names)


def _endings(lives: ir.Table, window: int | None, parts: Sequence[Part]) -> ir.Table:
    """The rows that take back what events added, for the parts of one window."""
    ends = (
        lives.ends if window is None else ibis.least(lives.known + window, lives.ends.fill_null(lives.known + window))
    )
    # an event whose window had passed before it could be seen is taken back at the moment it appears
    position = ibis.greatest(lives.appears, ends)
    columns = {
        part.name: -lives[part.name] if part.window == window else ibis.literal(0).cast(lives[part.name].type())
        for part in parts
    }
    ending = lives.filter(lives.ends.notnull()) if window is None else lives
    return ending.select(
        key="key", position=position, turn=ibis.literal(_EVENT), filed_at=ibis.null("int64"), **columns
    )


def _distinct(instants: ir.Table, events: ir.Table, part: Part) -> ir.Table:
    """A value counts once: from each time it is seen until it is seen again, or the window has passed."""
    bounded = {"appears", "ends"} & set(events.columns)
    if bounded:
        raise FeatureError("distinct values over events that end or appear late cannot be read from running totals")
    seen = events.filter(events[part.name].notnull())
    again = seen.known.lead().over(ibis.window(group_by=[seen.key, seen[part.name]], order_by=seen.known))
    return _expire(
        instants, seen.select(key="key", known="known", ends=again, **{part.name: ibis.literal(1, "int64")}), [part]
    )


def _extremes(instants: ir.Table, events: ir.Table, parts: Sequence[Part]) -> ir.Table:
    """Smallest, largest, first and latest: a frame that ends one microsecond before the claim."""
    columns = {part.name: events[part.name] for part in parts}
    stream = events.select(key="key", position="known", filed_at=ibis.null("int64"), **columns).union(
        instants.select(
            key="key",
            position="filed_at",
            filed_at="filed_at",
            **{name: ibis.null(column.type()) for name, column in columns.items()},
        )
    )
    read = {part.name: _extreme(stream, part) for part in parts}
    framed = stream.select(key="key", filed_at="filed_at", **read)
    return framed.filter(framed.filed_at.notnull())


def _extreme(stream: ir.Table, part: Part) -> ir.Value:
    column = stream[part.name]
    value = column.min() if part.kind in {PartKind.MIN, PartKind.FIRST} else column.max()
    frame = ibis.range_window(preceding=(part.window, 1), group_by=stream.key, order_by=stream.position)
    return value.over(frame)


def _running_totals(stream: ir.Table, names: Sequence[str]) -> ir.Table:
    frame = ibis.cumulative_window(group_by=stream.key, order_by=[stream.position, stream.turn])
    kept = [name for name in stream.columns if name not in names and name not in {"position", "turn"}]
    totals = stream.select(*kept, **{name: stream[name].sum().over(frame) for name in names})
    return totals.filter(totals.filed_at.notnull())


def _total_name(part: Part) -> str:
    """Windows of the same aggregate share one running total."""
    return Part(part.kind, part.column, part.where, None).name


def _none() -> ir.Value:
    return ibis.null("int64")
