"""How many distinct values an entity's events have within a window, read from breakpoints
(`features.batch.breakpoints`) as sums are.

Of the events that go to one breakpoint and have one value, one counts. It counts from its breakpoint on, until the
first breakpoint that the value is seen at again, or until the first instant whose window starts at its breakpoint or
later: then the event came before the window.
"""

from __future__ import annotations

import numpy as np

from claimvet.features.batch.breakpoints import Breakpoints, Groups, Integers, distinct, running

NO_VALUE = -1
"""Number of a value that does not count: null, or of an event that passes no filter."""


class DistinctValues:
    """The values of one column, as numbers from 0, at the breakpoints of one kind of entity; 8 bytes for each value at
    a breakpoint."""

    def __init__(self, breakpoints: Breakpoints) -> None:
        self._breakpoints = breakpoints
        self._pairs: list[Integers] = []

    def reduce(self, groups: Groups, values: Integers) -> Integers:
        """Return every pair of a value and a breakpoint in a batch once, as one number."""
        places, numbers = groups.event_places, groups.ordered(values)
        counts = (numbers != NO_VALUE) & self._breakpoints.is_read(places)
        return distinct(numbers[counts] * self._span + places[counts])

    def take(self, pairs: Integers) -> None:
        """Add a reduced batch to what is kept."""
        self._pairs.append(pairs)

    def counts(self, window: int | None) -> Integers:
        """Return the distinct values in the window before every claim, of that length in microseconds or of all
        time."""
        values, places = np.divmod(self._merged(), self._span)
        ends = self._seen_again(values, places)
        if window is not None:
            ends = np.minimum(ends, self._out_of_window(places, window))
        size = self._span + 1
        alive = running(np.bincount(places, minlength=size) - np.bincount(ends, minlength=size))
        now, ever = self._breakpoints.places(0), self._breakpoints.places(None)
        return alive[now] - alive[ever]

    @property
    def _span(self) -> int:
        """One more than there are breakpoints: also the place of what never ends, and of what comes after the last
        breakpoint."""
        return len(self._breakpoints) + 1

    def _merged(self) -> Integers:
        """Return all pairs once, by value and place."""
        if len(self._pairs) != 1:
            self._pairs = [distinct(np.concatenate([np.empty(0, np.int64), *self._pairs]))]
        return self._pairs[0]

    def _seen_again(self, values: Integers, places: Integers) -> Integers:
        ends = np.full(len(places), self._span)
        entity = self._breakpoints.entity_at(places)
        again = (values[1:] == values[:-1]) & (entity[1:] == entity[:-1])
        ends[:-1][again] = places[1:][again]
        return ends

    def _out_of_window(self, places: Integers, window: int) -> Integers:
        """Return the place of the first instant of the same entity whose window starts at the place or after it."""
        asked, starts = self._breakpoints.instants(window)
        out = np.append(asked, self._span)[np.searchsorted(starts, places)]
        return np.where(self._breakpoints.entity_at(out) == self._breakpoints.entity_at(places), out, self._span)
