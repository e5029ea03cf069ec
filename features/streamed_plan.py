"""The plan for an engine that streams: one pass over a source, batch by batch, for all entities that look at it.

What an event adds is an expression (`features.parts.contributions`), computed by the engine; what the windows of a claim hold of it is
read from points (`features.points`). Memory goes with the number of claims, not of events. Events that end, or that appear late, are
*lives*: what one adds when it appears is taken back, window by window, when the window has passed or the event has ended.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.declaration import Entity, HistoryFeature
from features.parts import ADDITIVE, Part, PartKind, parts_of
from features.points import NO_KEY, Groups, Instants, Integers, Keys, Points, Timeline, extremes, running

BATCH_ROWS = 2**18
"""Events that are sorted at once: enough to find their points in order, few enough to lie in a processor's cache."""

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

STREAMED = frozenset(_REDUCED_BY) - {PartKind.SQUARES}
"""Kinds that are whole numbers of 64 bits; the squares of cents are not."""


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

    def of(self, entity: Entity) -> Events:
        """The events that belong to an entity of this kind."""
        key, appears = self.keys[entity], self.appears.get(entity)
        mine = key != NO_KEY
        events = Events(key, self.known, appears, self.ends, self.columns)
        return events if mine.all() else events.only(mine)


@dataclass(frozen=True)
class Events:
    """Events of one entity as columns of one length, each with its entity's number."""

    key: Keys
    known: Instants
    appears: Instants | None
    ends: Instants | None
    columns: Mapping[str, Integers]

    def only(self, which: npt.NDArray[np.bool_]) -> Events:
        """Those that `which` (bool) marks."""
        appears, ends = (None if bound is None else bound[which] for bound in (self.appears, self.ends))
        columns = {name: column[which] for name, column in self.columns.items()}
        return Events(self.key[which], self.known[which], appears, ends, columns)

    def parted(self) -> tuple[Events, Events | None]:
        """Plain events, and lives where there are any."""
        bounded = [self.appears > self.known] if self.appears is not None else []
        bounded += [self.ends != FOREVER] if self.ends is not None else []
        lives = reduce(np.logical_or, bounded) if bounded else np.zeros(0, bool)
        return (self.only(~lives), self.only(lives)) if lives.any() else (self, None)


Sums = tuple[str, np.ufunc, Integers, Integers]
"""Name of what is kept, how it is reduced, places of points, and a number for each of them."""


class History:
    """What the events of one entity add up to at its points, and what that makes of every part at every claim."""

    def __init__(self, timeline: Timeline, points: Points, parts: Sequence[Part]) -> None:
        self._timeline, self._points, self._parts = timeline, points, list(parts)
        self._totals = list(dict.fromkeys(part.total for part in parts))
        self._kept: dict[str, Integers] = {}

    def reduce(self, events: Events) -> list[Sums]:
        """A batch of events in short; touches nothing, so that batches may be reduced side by side."""
        plain, lives = events.parted()
        sums = self._reduced(plain, self._timeline.next_rank(plain.known), {t.name: t for t in self._totals})
        return sums + (self._lives(lives) if lives else [])

    def _lives(self, lives: Events) -> list[Sums]:
        appears = lives.known if lives.appears is None else np.maximum(lives.known, lives.appears)
        rank = self._timeline.next_rank(appears)
        sums = self._reduced(lives, rank, {f"comes {t.name}": t for t in self._totals})
        for window in dict.fromkeys(part.window for part in self._parts):
            passed = lives.known + window if window is not None else np.full(len(lives.known), FOREVER)
            goes = np.maximum(appears, passed if lives.ends is None else np.minimum(passed, lives.ends))
            ending = {f"goes {part.name}": part.total for part in self._parts if part.window == window}
            sums += self._reduced(lives, self._timeline.next_rank(goes), ending)
        return sums

    def _reduced(self, events: Events, rank: Integers, named: Mapping[str, Part]) -> list[Sums]:
        groups = Groups(self._points, self._points.code(events.key, rank))
        return [(name, _REDUCED_BY[t.kind], groups.places, _reduced(groups, events, t)) for name, t in named.items()]

    def take(self, sums: Iterable[Sums]) -> None:
        """Add a reduced batch to what is kept."""
        for name, by, places, values in sums:
            if name not in self._kept:
                self._kept[name] = np.full(len(self._points) + 1, _NOTHING[by], np.int64)
            self._kept[name][places] = by(self._kept[name][places], values)

    def values(self) -> dict[str, pa.Array]:
        """Every part at every claim, by its name: int64; of extremes, null where no event is within reach."""
        totals = {name: running(kept) for name, kept in self._kept.items() if self._is_additive(name)}
        return {part.name: self._value(part, totals) for part in self._parts}

    def _is_additive(self, name: str) -> bool:
        return all(total.name != name or total.kind in ADDITIVE for total in self._totals)

    def _value(self, part: Part, totals: Mapping[str, Integers]) -> pa.Array:
        now, ever, start = (self._points.places(window) for window in (0, None, part.window))
        if part.kind not in ADDITIVE:
            return self._extreme(part, start, now)
        value = np.zeros(len(now), np.int64)
        terms = ((part.total.name, start, 1), (f"comes {part.total.name}", ever, 1), (f"goes {part.name}", ever, -1))
        for name, since, sign in terms:
            if name in totals:
                value += sign * (totals[name][now] - totals[name][since])
        return pa.array(value)

    def _extreme(self, part: Part, start: Integers, now: Integers) -> pa.Array:
        by = _REDUCED_BY[part.kind]
        if part.total.name not in self._kept:
            return pa.nulls(len(now), pa.int64())
        values = extremes(self._kept[part.total.name], start, now, by)
        return pa.array(values, mask=(values == _NOTHING[by]) | ~self._points.known)


def _reduced(groups: Groups, events: Events, total: Part) -> Integers:
    if total.name not in events.columns:
        return groups.counts()
    return groups.reduced(events.columns[total.name], _REDUCED_BY[total.kind])


def missing_value(total: Part) -> int:
    """What stands for an event that adds nothing."""
    return _NOTHING[_REDUCED_BY[total.kind]]


def take_all(histories: Mapping[Entity, History], batches: Iterator[Batch]) -> None:
    """Every batch into the history of every entity; batches are reduced on all processors, and at most so many are in flight."""
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[tuple[History, Future[list[Sums]]]] = deque()
        for batch in batches:
            waiting.extend(
                (history, pool.submit(_reduce, history, batch, entity)) for entity, history in histories.items()
            )
            while len(waiting) > workers * len(histories):
                _take_first(waiting)
        while waiting:
            _take_first(waiting)


def _reduce(history: History, batch: Batch, entity: Entity) -> list[Sums]:
    return history.reduce(batch.of(entity))


def _take_first(waiting: deque[tuple[History, Future[list[Sums]]]]) -> None:
    history, reduced = waiting.popleft()
    history.take(reduced.result())
