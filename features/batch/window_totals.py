"""The plan for an engine that streams: one pass over a source, batch by batch, for all entities that look at it.

What an event adds is an expression (`features.catalogue.aggregates.contributions`), computed by the engine; what the windows of a claim
hold of it is read from points (`features.batch.breakpoints`). Memory goes with the number of claims, not of events. Events that end, or
that appear late, are *lives*: what one adds when it appears is taken back, window by window, when the window has passed or the event has
ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claimvet.features.batch.breakpoints import (
    NO_KEY,
    Groups,
    Instants,
    Integers,
    Keys,
    Points,
    Timeline,
    extremes,
    running,
)
from claimvet.features.batch.distinct_counts import NO_VALUE, DistinctValues
from claimvet.features.catalogue.aggregates import ADDITIVE, Part, PartKind, parts_of
from claimvet.features.catalogue.declaration import Entity, HistoryFeature
from claimvet.features.engines.arrow_numpy import to_arrow
from claimvet.features.engines.parallel_map import PROCESSORS, side_by_side

FEWEST_ROWS, MOST_ROWS = 2**18, 2**20
"""Events that are sorted at once, at least and at most: 8 MB a column."""

POINTS_PER_EVENT = 8
"""Points that lie between two events of a batch, or fewer: a search that goes on from the last then stays in the processor's cache."""

_REDUCED_BY: dict[PartKind, np.ufunc] = {
    **dict.fromkeys(ADDITIVE, np.add),
    PartKind.MIN: np.minimum,
    PartKind.FIRST: np.minimum,
    PartKind.MAX: np.maximum,
    PartKind.LAST: np.maximum,
}
_NOTHING: dict[np.ufunc, int] = {
    np.add: 0,
    np.minimum: np.iinfo(np.int64).max,
    np.maximum: np.iinfo(np.int64).min,
}
"""What a point holds that no event went to."""

FOREVER = np.iinfo(np.int64).max

STREAMED = frozenset(_REDUCED_BY) | {PartKind.DISTINCT}
"""Kinds that are whole numbers; sums have to fit in 64 bits (`features.batch.streaming`)."""


def can_stream(feature: HistoryFeature, *, bounded: bool) -> bool:
    """Whether the feature can be read from points; `bounded` where its events may end or appear late, which extremes cannot take back."""
    return {part.kind for part in parts_of(feature)} <= (STREAMED & ADDITIVE if bounded else STREAMED)


@dataclass(frozen=True)
class Batch:
    """Some events of one source: `known` (int64 microseconds), `ends` likewise or None, and columns by the name of `Part.total`.

    `keys` and `appears` are by entity; `appears` where events of that entity may be seen only later than known.
    """

    known: Instants
    ends: Instants | None
    keys: Mapping[Entity, Keys]
    appears: Mapping[Entity, Instants]
    columns: Mapping[str, Integers]

    def of(self, entity: Entity, rank: Integers, names: Iterable[str]) -> Events:
        """The events that belong to an entity of this kind, with the columns of these names; `rank` is of all events."""
        columns = {name: self.columns[name] for name in names if name in self.columns}
        events = Events(self.keys[entity], self.known, rank, self.appears.get(entity), self.ends, columns)
        mine = events.key != NO_KEY
        return events if mine.all() else events.only(mine)


@dataclass(frozen=True)
class Events:
    """Events of one entity as columns of one length, each with its entity's number and the rank of the next point after `known`."""

    key: Keys
    known: Instants
    rank: Integers
    appears: Instants | None
    ends: Instants | None
    columns: Mapping[str, Integers]

    def only(self, which: npt.NDArray[np.bool_]) -> Events:
        """Those that `which` (bool) marks."""
        appears, ends = (None if bound is None else bound[which] for bound in (self.appears, self.ends))
        columns = {name: column[which] for name, column in self.columns.items()}
        return Events(self.key[which], self.known[which], self.rank[which], appears, ends, columns)

    def parted(self) -> tuple[Events, Events | None]:
        """Plain events, and lives where there are any."""
        bounded = [self.appears > self.known] if self.appears is not None else []
        bounded += [self.ends != FOREVER] if self.ends is not None else []
        lives = reduce(np.logical_or, bounded) if bounded else np.zeros(0, bool)
        return (self.only(~lives), self.only(lives)) if lives.any() else (self, None)


Sums = tuple[str, np.ufunc, Integers, Integers]
"""Name of what is kept, how it is reduced, places of points, and a number for each of them."""

Pairs = tuple[str, Integers]
"""Name of a distinct count, and its pairs of value and point."""

Reduced = tuple[list[Sums], list[Pairs]]


class History:
    """What the events of one entity add up to at its points, and what that makes of every part at every claim."""

    def __init__(self, timeline: Timeline, points: Points, parts: Sequence[Part]) -> None:
        self._timeline, self._points, self._parts = timeline, points, list(parts)
        totals = dict.fromkeys(part.total for part in parts)
        self._totals = {total.name: total for total in totals if total.kind is not PartKind.DISTINCT}
        self._distinct = {total.name: DistinctValues(points) for total in totals if total.kind is PartKind.DISTINCT}
        self._kept: dict[str, Integers] = {}

    def reduce(self, events: Events) -> Reduced:
        """A batch of events in short; touches nothing, so that batches may be reduced side by side."""
        plain, lives = events.parted()
        groups = Groups(self._points, self._points.code(plain.key, plain.rank))
        pairs = [(name, values.reduce(groups, plain.columns[name])) for name, values in self._distinct.items()]
        return _reduced(groups, plain, self._totals) + (self._lives(lives) if lives else []), pairs

    @property
    def columns(self) -> list[str]:
        """The columns of events that it reads."""
        return [*self._totals, *self._distinct]

    def _moved(self, events: Events, at: Instants) -> Groups:
        return Groups(self._points, self._points.code(events.key, self._timeline.next_rank(at)))

    def _lives(self, lives: Events) -> list[Sums]:
        appears = lives.known if lives.appears is None else np.maximum(lives.known, lives.appears)
        comes = {f"comes {name}": total for name, total in self._totals.items()}
        sums = _reduced(self._moved(lives, appears), lives, comes)
        for window in dict.fromkeys(part.window for part in self._parts):
            passed = lives.known + window if window is not None else np.full(len(lives.known), FOREVER)
            goes = np.maximum(appears, passed if lives.ends is None else np.minimum(passed, lives.ends))
            ending = {f"goes {part.name}": part.total for part in self._parts if part.window == window}
            sums += _reduced(self._moved(lives, goes), lives, ending)
        return sums

    def take(self, reduced: Reduced) -> None:
        """Add a reduced batch to what is kept."""
        sums, pairs = reduced
        for name, by, places, values in sums:
            if name not in self._kept:
                self._kept[name] = np.full(len(self._points) + 1, _NOTHING[by], np.int64)
            self._kept[name][places] = by(self._kept[name][places], values)
        for name, new in pairs:
            self._distinct[name].take(new)

    def values(self) -> dict[str, pa.Array]:
        """Every part at every claim, by its name: int64; of extremes, null where no event is within reach."""
        totals = {name: running(kept) for name, kept in self._kept.items() if self._is_additive(name)}
        values = side_by_side(lambda part: self._value(part, totals), self._parts)
        return {part.name: value for part, value in zip(self._parts, values, strict=True)}

    def _is_additive(self, name: str) -> bool:
        return name not in self._totals or self._totals[name].kind in ADDITIVE

    def _value(self, part: Part, totals: Mapping[str, Integers]) -> pa.Array:
        now, ever, start = (self._points.places(window) for window in (0, None, part.window))
        if part.kind is PartKind.DISTINCT:
            return to_arrow(self._distinct[part.total.name].counts(part.window))
        if part.kind not in ADDITIVE:
            return self._extreme(part, start, now)
        value = np.zeros(len(now), np.int64)
        terms = ((part.total.name, start, 1), (f"comes {part.total.name}", ever, 1), (f"goes {part.name}", ever, -1))
        for name, since, sign in terms:
            if name in totals:
                value += sign * (totals[name][now] - totals[name][since])
        return to_arrow(value)

    def _extreme(self, part: Part, start: Integers, now: Integers) -> pa.Array:
        by = _REDUCED_BY[part.kind]
        if part.total.name not in self._kept:
            return pa.nulls(len(now), pa.int64())
        values = extremes(self._kept[part.total.name], start, now, by)
        return to_arrow(values, (values != _NOTHING[by]) & self._points.known)


def _reduced(groups: Groups, events: Events, named: Mapping[str, Part]) -> list[Sums]:
    """Every total reduced to one number a point, under the name that it is kept by."""
    columns = {name: events.columns.get(total.name) for name, total in named.items()}
    ways = {name: _REDUCED_BY[total.kind] for name, total in named.items()}
    return [
        (name, ways[name], groups.places, groups.counts() if column is None else groups.reduced(column, ways[name]))
        for name, column in columns.items()
    ]


def missing_value(total: Part) -> int:
    """What stands for an event that adds nothing."""
    return NO_VALUE if total.kind is PartKind.DISTINCT else _NOTHING[_REDUCED_BY[total.kind]]


def batch_rows(points: int) -> int:
    """How many events are best taken at once where an entity has so many points in all."""
    return min(max(points // POINTS_PER_EVENT, FEWEST_ROWS), MOST_ROWS)


def take_all(timeline: Timeline, histories: Mapping[Entity, History], batches: Iterable[Batch]) -> None:
    """Every batch into the history of every entity; batches are reduced on all processors, and at most so many are in flight."""
    waiting: deque[Future[dict[Entity, Reduced]]] = deque()
    with ThreadPoolExecutor(PROCESSORS) as pool:
        for batch in batches:
            waiting.append(pool.submit(_reduce, timeline, histories, batch))
            if len(waiting) > PROCESSORS:
                _take(histories, waiting.popleft().result())
        for reduced in waiting:
            _take(histories, reduced.result())


def _reduce(timeline: Timeline, histories: Mapping[Entity, History], batch: Batch) -> dict[Entity, Reduced]:
    rank = timeline.next_rank(batch.known)
    return {entity: history.reduce(batch.of(entity, rank, history.columns)) for entity, history in histories.items()}


def _take(histories: Mapping[Entity, History], reduced: Mapping[Entity, Reduced]) -> None:
    for entity, sums in reduced.items():
        histories[entity].take(sums)
