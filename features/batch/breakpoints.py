"""The instants of an entity that matter, and what its events add up to between them, in numpy.

The *breakpoints* of an entity are the instants at which it is asked about, the starts of their windows, and one before
all time. Every event goes to the first breakpoint after it, where what goes to the same breakpoint becomes one number.
A window is then a difference of two running totals over breakpoints, or an extreme of the breakpoints within it. Events
are taken batch by batch, in any order; what is kept is a number a breakpoint, whatever the number of events.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Keys = npt.NDArray[np.int32]
Instants = npt.NDArray[np.int64]
"""Microseconds since 1970 UTC."""

BEFORE_ALL_TIME = np.iinfo(np.int64).min
NO_KEY = -1
"""Key of a claim or an event whose entity is not known."""


class Timeline:
    """The distinct times of all breakpoints of all entities, in order, so that a time becomes a small number, its
    *rank*.

    Parameters:
        filed_at: int64 microseconds, n claims.
        windows: lengths of windows in microseconds.
    """

    def __init__(self, filed_at: Instants, windows: Iterable[int]) -> None:
        starts = {window: filed_at - window for window in (0, *windows)}
        order = np.argsort(filed_at)
        self.times: Instants = distinct(np.concatenate([[BEFORE_ALL_TIME], *starts.values()]))
        self.ranks = {window: found(self.times, times, order) for window, times in starts.items()}
        """By window, of 0 for the claim's own instant: rank of the start of every claim's window."""

    def __len__(self) -> int:
        return len(self.times)

    def next_rank(self, times: Instants) -> Integers:
        """Return the rank of the first breakpoint after each of `times`: a claim sees only what was known strictly
        before.
        """
        return np.searchsorted(self.times, times, side="right").astype(np.int64, copy=False)


class Breakpoints:
    """The breakpoints of all entities of one kind, in order of entity and time.

    Parameters:
        timeline: of the claims and windows.
        key: int32, n claims: the entity's number, `NO_KEY` where it is not known.
    """

    def __init__(self, timeline: Timeline, key: Keys) -> None:
        self._timeline = timeline
        self.known = key != NO_KEY
        first = key.astype(np.int64) * len(timeline)
        asked = {window: first + rank for window, rank in timeline.ranks.items()}
        order = np.argsort(asked[0])  # of every window: what was filed later starts its windows later
        self.codes: Integers = distinct(np.concatenate([codes[self.known] for codes in (first, *asked.values())]))
        self._first, *places = (self._found(codes, order) for codes in (first, *asked.values()))
        self._places = dict(zip(asked, places, strict=True))

    def __len__(self) -> int:
        return len(self.codes)

    def code(self, key: Keys, rank: Integers) -> Integers:
        """Return one number that puts entities, and times of an entity, in order."""
        return key.astype(np.int64) * len(self._timeline) + rank

    def next_place(self, codes: Integers) -> Integers:
        """Return the place of the breakpoint that each code goes to, fastest where codes are in order.

        After the last breakpoint of an entity that is the next entity's breakpoint before all time, which nothing is
        read from; after the last of all it is `len(self)`.
        """
        return np.searchsorted(self.codes, codes)

    def places(self, window: int | None) -> Integers:
        """Return the place of the start of every claim's window, of 0 for the claim's own instant, of None for the
        breakpoint before all time.

        n claims, 0 where the entity is not known.
        """
        return self._first if window is None else self._places[window]

    def entity_at(self, places: Integers) -> Integers:
        """Return the number of the entity that the breakpoint at each place is of, `NO_KEY` beyond the last."""
        return self._entities[np.minimum(places, len(self))]

    def is_read(self, places: Integers) -> npt.NDArray[np.bool_]:
        """Return whether the place is that of a breakpoint that something is read from: not the one before all time,
        nor beyond the last.
        """
        return self._read[places]

    def instants(self, window: int) -> tuple[Integers, Integers]:
        """Return the places of all instants that are asked about, each once and in order, and of the starts of their
        windows.
        """
        order = np.argsort(self.places(0)[self.known])
        asked, starts = (self.places(length)[self.known][order] for length in (0, window))
        once = is_first(asked)
        return asked[once], starts[once]

    @cached_property
    def _entities(self) -> Integers:
        return np.append(self.codes // len(self._timeline), NO_KEY)

    @cached_property
    def _read(self) -> npt.NDArray[np.bool_]:
        return np.append(self.codes % len(self._timeline) != 0, False)

    def _found(self, codes: Integers, order: Integers) -> Integers:
        return np.where(self.known, found(self.codes, codes, order), 0)


class Groups:
    """Events of one batch by the breakpoint that they go to.

    `places` holds each such breakpoint once, in order; `counts` and `reduced` give one number for each of them.
    """

    def __init__(self, breakpoints: Breakpoints, codes: Integers) -> None:
        self._order = np.argsort(codes)
        self.event_places: Integers = breakpoints.next_place(codes[self._order])
        self._starts = np.flatnonzero(is_first(self.event_places))
        self.places: Integers = self.event_places[self._starts]

    def counts(self) -> Integers:
        """Return the number of events."""
        return np.diff(self._starts, append=len(self._order))

    def reduced(self, column: Integers, by: np.ufunc) -> Integers:
        """Return `column` (n events of the batch, int64) reduced by a ufunc such as `np.add`."""
        values: Integers = by.reduceat(self.ordered(column), self._starts)
        return values

    def ordered(self, column: Integers) -> Integers:
        """Return `column` in the order of `event_places`, which holds the place of every event."""
        return column[self._order]


def found(ordered: Integers, values: Integers, order: Integers) -> Integers:
    """Return `np.searchsorted(ordered, values)`, looked up in the order of `values` (`order` is their argsort), which
    is five times as fast.
    """
    places = np.empty(len(values), np.int64)
    places[order] = np.searchsorted(ordered, values[order])
    return places


def distinct(values: Integers) -> Integers:
    """Return every value once, in order; `np.unique` of numpy 2.4 hashes integers, which took sixty times as long for
    1.8 million.
    """
    ordered = np.sort(values)
    return ordered[is_first(ordered)]


def is_first(ordered: Integers) -> npt.NDArray[np.bool_]:
    """Return whether a value differs from the one before."""
    return np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]


def running(added: Integers) -> Integers:
    """Return running totals over breakpoints, of integers, so that their differences are exact."""
    return np.cumsum(added)


def extremes(values: Integers, first: Integers, last: Integers, by: np.ufunc) -> Integers:
    """Return `by` (`np.minimum` or `np.maximum`) over `values[first + 1 : last + 1]` for every pair of places; each
    range has a value.

    Two overlapping ranges of the same power of two cover any range, so each level of doubling answers the ranges of its
    length.
    """
    answers = np.empty(len(first), np.int64)
    level = np.frexp((last - first).astype(np.float64))[1] - 1  # floor(log2), exact below 2^53
    covering, length = values, 1
    for power in range(int(level.max(initial=-1)) + 1):
        mine = level == power
        answers[mine] = by(covering[first[mine] + 1], covering[last[mine] + 1 - length])
        covering = by(covering[:-length], covering[length:])
        length *= 2
    return answers
