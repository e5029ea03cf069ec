"""What an entity's events add up to in the windows before each claim, read from breakpoints while the events stream by.

What an event adds is an expression (`Aggregate.contribution`), computed by the engine; what the
windows of a claim hold of it is read from breakpoints (`features.batch.breakpoints`). Memory grows with the number of
claims, not of events. Events that end, or that appear late, are *intervals*: what one adds when it appears is taken
back, window by window, when the window has passed or the event has ended.
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
    Breakpoints,
    Groups,
    Instants,
    Integers,
    Keys,
    Timeline,
    extremes,
    running,
)
from claimvet.features.batch.distinct_counts import NO_VALUE, DistinctValues
from claimvet.features.catalogue.aggregates import ADDITIVE, Aggregate, AggregateKind
from claimvet.features.catalogue.declaration import Entity
from claimvet.features.engines.arrow_numpy import to_arrow
from claimvet.features.engines.parallel_map import PROCESSORS, parallel_map

MIN_ROWS, MAX_ROWS = 2**18, 2**20
"""Events that are sorted at once, at least and at most: 8 MB a column."""

BREAKPOINTS_PER_EVENT = 8
"""Breakpoints that lie between two events of a batch, or fewer: a search that goes on from the last then stays in the
processor's cache."""

_REDUCED_BY: dict[AggregateKind, np.ufunc] = {
    **dict.fromkeys(ADDITIVE, np.add),
    AggregateKind.FIRST: np.minimum,
    AggregateKind.MAX: np.maximum,
    AggregateKind.LAST: np.maximum,
}
_NOTHING: dict[np.ufunc, int] = {
    np.add: 0,
    np.minimum: np.iinfo(np.int64).max,
    np.maximum: np.iinfo(np.int64).min,
}
"""What a breakpoint holds that no event went to."""

FOREVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Batch:
    """Some events of one source: `known` (int64 microseconds), `ends` likewise or None, and columns by the name of
    `Aggregate.total`.

    `keys` and `appears` are by entity; `appears` where events of that entity may be seen only later than known.
    """

    known: Instants
    ends: Instants | None
    keys: Mapping[Entity, Keys]
    appears: Mapping[Entity, Instants]
    columns: Mapping[str, Integers]

    def of(self, entity: Entity, rank: Integers, names: Iterable[str]) -> Events:
        """Return the events that belong to an entity of this kind, with the columns of these names; `rank` is of all
        events.
        """
        columns = {name: self.columns[name] for name in names if name in self.columns}
        events = Events(self.keys[entity], self.known, rank, self.appears.get(entity), self.ends, columns)
        mine = events.key != NO_KEY
        return events if mine.all() else events.only(mine)


@dataclass(frozen=True)
class Events:
    """Events of one entity as columns of one length, each with its entity's number and the rank of the next breakpoint
    after `known`."""

    key: Keys
    known: Instants
    rank: Integers
    appears: Instants | None
    ends: Instants | None
    columns: Mapping[str, Integers]

    def only(self, which: npt.NDArray[np.bool_]) -> Events:
        """Keep those that `which` (bool) marks."""
        appears, ends = (None if bound is None else bound[which] for bound in (self.appears, self.ends))
        columns = {name: column[which] for name, column in self.columns.items()}
        return Events(self.key[which], self.known[which], self.rank[which], appears, ends, columns)

    def split(self) -> tuple[Events, Events | None]:
        """Split into plain events, and intervals where there are any."""
        bounded = [self.appears > self.known] if self.appears is not None else []
        bounded += [self.ends != FOREVER] if self.ends is not None else []
        intervals = reduce(np.logical_or, bounded) if bounded else np.zeros(0, bool)
        return (self.only(~intervals), self.only(intervals)) if intervals.any() else (self, None)


Sums = tuple[str, np.ufunc, Integers, Integers]
"""Name of what is kept, how it is reduced, places of breakpoints, and a number for each of them."""

Pairs = tuple[str, Integers]
"""Name of a distinct count, and its pairs of value and breakpoint."""

Reduced = tuple[list[Sums], list[Pairs]]


class History:
    """What the events of one entity add up to at its breakpoints, and what that makes of every aggregate at every
    claim."""

    def __init__(self, timeline: Timeline, breakpoints: Breakpoints, aggregates: Sequence[Aggregate]) -> None:
        self._timeline, self._breakpoints, self._aggregates = timeline, breakpoints, list(aggregates)
        totals = dict.fromkeys(aggregate.total for aggregate in aggregates)
        self._totals = {total.name: total for total in totals if total.kind is not AggregateKind.DISTINCT}
        self._distinct = {
            total.name: DistinctValues(breakpoints) for total in totals if total.kind is AggregateKind.DISTINCT
        }
        self._kept: dict[str, Integers] = {}

    def reduce(self, events: Events) -> Reduced:
        """Reduce a batch of events to one number a breakpoint; touches nothing, so that batches may be reduced in
        parallel.
        """
        plain, intervals = events.split()
        groups = Groups(self._breakpoints, self._breakpoints.code(plain.key, plain.rank))
        pairs = [(name, values.reduce(groups, plain.columns[name])) for name, values in self._distinct.items()]
        return _reduced(groups, plain, self._totals) + (self._interval_sums(intervals) if intervals else []), pairs

    @property
    def columns(self) -> list[str]:
        """The columns of events that it reads."""
        return [*self._totals, *self._distinct]

    def _moved(self, events: Events, at: Instants) -> Groups:
        return Groups(self._breakpoints, self._breakpoints.code(events.key, self._timeline.next_rank(at)))

    def _interval_sums(self, intervals: Events) -> list[Sums]:
        appears = intervals.known if intervals.appears is None else np.maximum(intervals.known, intervals.appears)
        opening = {f"opened {name}": total for name, total in self._totals.items()}
        sums = _reduced(self._moved(intervals, appears), intervals, opening)
        for window in dict.fromkeys(aggregate.window for aggregate in self._aggregates):
            passed = intervals.known + window if window is not None else np.full(len(intervals.known), FOREVER)
            closed_at = np.maximum(appears, passed if intervals.ends is None else np.minimum(passed, intervals.ends))
            closing = {
                f"closed {aggregate.name}": aggregate.total
                for aggregate in self._aggregates
                if aggregate.window == window
            }
            sums += _reduced(self._moved(intervals, closed_at), intervals, closing)
        return sums

    def take(self, reduced: Reduced) -> None:
        """Add a reduced batch to what is kept."""
        sums, pairs = reduced
        for name, by, places, values in sums:
            if name not in self._kept:
                self._kept[name] = np.full(len(self._breakpoints) + 1, _NOTHING[by], np.int64)
            self._kept[name][places] = by(self._kept[name][places], values)
        for name, new in pairs:
            self._distinct[name].take(new)

    def values(self) -> dict[str, pa.Array]:
        """Return every aggregate at every claim, by its name: int64; of extremes, null where no event is within
        reach."""
        totals = {name: running(kept) for name, kept in self._kept.items() if self._is_additive(name)}
        values = parallel_map(lambda aggregate: self._value(aggregate, totals), self._aggregates)
        return {aggregate.name: value for aggregate, value in zip(self._aggregates, values, strict=True)}

    def _is_additive(self, name: str) -> bool:
        return name not in self._totals or self._totals[name].kind in ADDITIVE

    def _value(self, aggregate: Aggregate, totals: Mapping[str, Integers]) -> pa.Array:
        now, ever, start = (self._breakpoints.places(window) for window in (0, None, aggregate.window))
        if aggregate.kind is AggregateKind.DISTINCT:
            return to_arrow(self._distinct[aggregate.total.name].counts(aggregate.window))
        if aggregate.kind not in ADDITIVE:
            return self._extreme(aggregate, start, now)
        value = np.zeros(len(now), np.int64)
        terms = (
            (aggregate.total.name, start, 1),
            (f"opened {aggregate.total.name}", ever, 1),
            (f"closed {aggregate.name}", ever, -1),
        )
        for name, since, sign in terms:
            if name in totals:
                value += sign * (totals[name][now] - totals[name][since])
        return to_arrow(value)

    def _extreme(self, aggregate: Aggregate, start: Integers, now: Integers) -> pa.Array:
        by = _REDUCED_BY[aggregate.kind]
        if aggregate.total.name not in self._kept:
            return pa.nulls(len(now), pa.int64())
        values = extremes(self._kept[aggregate.total.name], start, now, by)
        return to_arrow(values, (values != _NOTHING[by]) & self._breakpoints.known)


def _reduced(groups: Groups, events: Events, named: Mapping[str, Aggregate]) -> list[Sums]:
    """Return every total reduced to one number a breakpoint, under the name that it is kept by."""
    columns = {name: events.columns.get(total.name) for name, total in named.items()}
    ways = {name: _REDUCED_BY[total.kind] for name, total in named.items()}
    return [
        (name, ways[name], groups.places, groups.counts() if column is None else groups.reduced(column, ways[name]))
        for name, column in columns.items()
    ]


def missing_value(total: Aggregate) -> int:
    """Return what stands for an event that adds nothing."""
    return NO_VALUE if total.kind is AggregateKind.DISTINCT else _NOTHING[_REDUCED_BY[total.kind]]


def batch_rows(breakpoints: int) -> int:
    """Return how many events are best taken at once where an entity has so many breakpoints in all."""
    return min(max(breakpoints // BREAKPOINTS_PER_EVENT, MIN_ROWS), MAX_ROWS)


def take_all(timeline: Timeline, histories: Mapping[Entity, History], batches: Iterable[Batch]) -> None:
    """Take every batch into the history of every entity; batches are reduced on all processors, and at most so many are
    in flight.
    """
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
