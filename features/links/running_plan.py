"""The plan for long histories: events are summed up between the instants that matter, and only these are read in order.

The *points* of an entity are the instants at which it is asked about and the starts of their windows. Every event goes to the first
point after it, and what goes to the same point becomes one row. A window is then a difference of running totals over points, or an
extreme over the points within it. It costs one sort of the events, whatever their number per entity.

Events that end, or that appear late, are *lives*: what an event adds when it appears is taken back when the window has passed or the
event has ended, whichever is first; additions and takings back go to the points as plain events do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

import ibis
import ibis.expr.types as ir

from claimvet.data.contract.errors import FeatureError
from claimvet.features.catalogue.aggregates import ADDITIVE, SMALLEST, Part, PartKind

BOUNDS = ("appears", "ends")
"""Columns that bound an event's life (`features.catalogue.sources`)."""


def running_plan(instants: ir.Table, events: ir.Table, parts: Sequence[Part]) -> ir.Table:
    """Every part at every instant; parameters and result as in `features.links.join_plan`, with a row for every instant.

    Raises:
        FeatureError: for an extreme or a distinct count over events that end or appear late.
    """
    if set(BOUNDS) & set(events.columns):
        return _over_lives(instants, events, parts)
    totals = dict.fromkeys(part.total for part in parts if part.kind is PartKind.DISTINCT)
    plain = [part for part in parts if part.kind is not PartKind.DISTINCT]
    steps = [_over_events(instants, events, plain)] if plain else []
    steps += [_distinct(instants, events, [part for part in parts if part.total == total]) for total in totals]
    return reduce(lambda left, right: left.inner_join(right, ["key", "filed_at"]), steps)


def _over_events(instants: ir.Table, events: ir.Table, parts: Sequence[Part]) -> ir.Table:
    probes = _probes(instants, {part.window for part in parts})
    points = _gathered(probes, events.rename(position="known"), {part.total.name: part for part in parts})
    read = points.select("key", "position", **_running(points, parts))
    found = probes.inner_join(read, ["key", "position"])
    return found.group_by("key", "filed_at").aggregate(**{part.name: _at_instant(found, part) for part in parts})


def _over_lives(instants: ir.Table, events: ir.Table, parts: Sequence[Part]) -> ir.Table:
    refused = [part.kind for part in parts if part.kind not in ADDITIVE]
    if refused:
        raise FeatureError(f"{refused[0]} over events that end or appear late cannot be read from running totals")
    changes = _comings_and_goings(events, parts)
    points = _gathered(_probes(instants, {None}), changes, {part.name: part for part in parts})
    frame = _until_now(points)
    totals = {part.name: points[part.name].sum().over(frame) for part in parts}
    return points.select("key", filed_at="position", **totals)


def _probes(instants: ir.Table, windows: set[int | None]) -> ir.Table:
    """`key`, `filed_at`, `window` (microseconds, 0 for the instant itself) and `position`, where the window begins."""
    lengths = ibis.literal(sorted({window or 0 for window in (None, *windows)}), "array<int64>")
    probes = instants.select("key", "filed_at", window=lengths.unnest())
    return probes.mutate(position=probes.filed_at - probes.window)


def _gathered(probes: ir.Table, events: ir.Table, columns: Mapping[str, Part]) -> ir.Table:
    """`key`, `position` and `columns`: a row a point, with what came since the one before.

    An event at the very time of a point goes to a later one, since a claim sees only what was known strictly before.
    """
    points = probes.select("key", "position").distinct()
    sent = (
        _to_next_point_by_asof(events, points) if _has_asof_join(events) else _to_next_point_by_window(events, points)
    )
    nothing = {name: ibis.null(events[name].type()) for name in columns}
    stream = sent.select("key", "position", *columns).union(points.select("key", "position", **nothing))
    gathered = {name: _gather(stream[name], part) for name, part in columns.items()}
    return stream.group_by("key", "position").aggregate(**gathered)


def _has_asof_join(table: ir.Table) -> bool:
    return str(table.get_backend().name) == "duckdb"


def _to_next_point_by_asof(events: ir.Table, points: ir.Table) -> ir.Table:
    """Events with the next point after them as `position`; without those that have none."""
    events = events.rename(happened="position")
    joined = events.asof_join(points, events.happened < points.position, predicates="key")
    return joined.filter(joined.position.notnull())


def _to_next_point_by_window(events: ir.Table, points: ir.Table) -> ir.Table:
    """The same for an engine without ASOF joins; not for DuckDB, where Ibis 12 loses the IGNORE NULLS that it needs."""
    nothing = {name: ibis.null(dtype) for name, dtype in events.schema().items() if name not in {"key", "position"}}
    stream = events.mutate(order=events.position * 2 + 1, position=ibis.null("int64")).union(
        points.mutate(order=points.position * 2, **nothing).select(*events.columns, "order")
    )
    latest_first = ibis.cumulative_window(group_by=stream.key, order_by=stream.order.desc())
    sent = stream.mutate(position=stream.position.last().over(latest_first))
    return sent.filter(sent.order % 2 != 0, sent.position.notnull())


def _gather(column: ir.Value, part: Part) -> ir.Value:
    if part.kind in ADDITIVE:
        return column.sum().fill_null(0)
    return column.min() if part.kind in SMALLEST else column.max()


def _running(points: ir.Table, parts: Sequence[Part]) -> dict[str, ir.Value]:
    """Running totals, one for all windows of an aggregate; of extremes, those of each window."""
    columns = {part.total.name: part for part in parts if part.kind in ADDITIVE}
    columns |= {part.name: part for part in parts if part.kind not in ADDITIVE}
    return {name: _running_value(points, part) for name, part in columns.items()}


def _running_value(points: ir.Table, part: Part) -> ir.Value:
    column = points[part.total.name]
    if part.kind in ADDITIVE:
        return column.sum().over(_until_now(points))
    extreme = column.min() if part.kind in SMALLEST else column.max()
    if part.window is None:
        return extreme.over(_until_now(points))
    # what goes to the point at a window's start came before the window
    within = ibis.range_window(preceding=(part.window - 1, 0), group_by=points.key, order_by=points.position)
    return extreme.over(within)


def _until_now(points: ir.Table) -> ir.Value:
    return ibis.cumulative_window(group_by=points.key, order_by=points.position)


def _at_instant(found: ir.Table, part: Part) -> ir.Value:
    now = found.window == 0
    if part.kind not in ADDITIVE:
        return found[part.name].max(where=now)
    total = found[part.total.name]
    value = total.sum(where=now)
    return value if part.window is None else value - total.sum(where=found.window == part.window)


def _comings_and_goings(events: ir.Table, parts: Sequence[Part]) -> ir.Table:
    """`key`, `position` and a column per part: what an event adds when it appears, and takes back later."""
    appears = ibis.greatest(events.known, events.appears) if "appears" in events.columns else events.known
    ends = events.ends if "ends" in events.columns else ibis.null("int64")
    lives = events.mutate(appears=appears, ends=ends)
    comings = lives.select("key", position="appears", **{part.name: lives[part.total.name] for part in parts})
    windows = dict.fromkeys(part.window for part in parts)
    return reduce(lambda left, right: left.union(right), (_goings(lives, w, parts) for w in windows), comings)


def _goings(lives: ir.Table, window: int | None, parts: Sequence[Part]) -> ir.Table:
    """What the parts of one window take back."""
    ends = (
        lives.ends if window is None else ibis.least(lives.known + window, lives.ends.fill_null(lives.known + window))
    )
    # an event whose window had passed before it could be seen is taken back at the moment it appears
    position = ibis.greatest(lives.appears, ends)
    columns = {
        part.name: -lives[part.total.name] if part.window == window else ibis.null(lives[part.total.name].type())
        for part in parts
    }
    ending = lives.filter(lives.ends.notnull()) if window is None else lives
    return ending.select("key", position=position, **columns)


def _distinct(instants: ir.Table, events: ir.Table, parts: Sequence[Part]) -> ir.Table:
    """The windows of one distinct count: a value counts once, from each time it is seen until it is seen again."""
    value = parts[0].total.name
    seen = events.filter(events[value].notnull())
    again = seen.known.lead().over(ibis.window(group_by=[seen.key, seen[value]], order_by=seen.known))
    once = {part.name: replace(part, kind=PartKind.COUNT) for part in parts}
    ones = {part.total.name: ibis.literal(1, "float64") for part in once.values()}
    lives = seen.select("key", "known", ends=again, **ones)
    return _over_lives(instants, lives, list(once.values())).rename({name: part.name for name, part in once.items()})
