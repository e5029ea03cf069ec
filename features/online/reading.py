"""Which running totals have to be read for a claim, and what the aggregates of its features are, given them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from claimvet.features.catalogue.aggregates import ADDITIVE, Aggregate, AggregateKind
from claimvet.features.online.layout import History, Kind, Layout, Place, counted, known


class Point(NamedTuple):
    """The running totals of a history so long (microseconds) before the claim's instant."""

    history: int
    before: int


Totals = Sequence[Sequence[int] | None]
"""The totals at each point of `PlaceReading.points`, in its order; None where nothing came before it."""


class Edge(NamedTuple):
    """The first or last position, or the largest extreme, of the deltas in a window."""

    history: int
    kind: AggregateKind
    window: int | None
    column: int | None
    """Of a first or last: the total that must not be 0, where there is a filter; of an extreme: its column."""


@dataclass(frozen=True)
class _Additive:
    """An aggregate that is a sum of signed totals."""

    name: str
    terms: tuple[tuple[Point, int, int], ...]
    """Point, place of the column, and sign."""

    def placed(self, places: Mapping[Point, int]) -> tuple[tuple[int, int, int], ...]:
        """Return the terms with the place of their point, the column and the sign."""
        return tuple((places[point], column, sign) for point, column, sign in self.terms)


class PlaceReading:
    """What is read at one place."""

    def __init__(self, layout: Layout, place: Place) -> None:
        self.place = place
        self.events = layout.of(place, Kind.EVENTS)
        self._bounds = {
            h.window: [b for b in layout.of(place, Kind.BOUNDS) if b.window == h.window]
            for h in layout.of(place, Kind.BOUNDS)
        }
        self._repeats = {(h.totals[0], h.window): h for h in layout.of(place, Kind.REPEATS)}
        self.additive = [
            self._additive(aggregate)
            for aggregate in place.aggregates
            if aggregate.kind in ADDITIVE or aggregate.kind is AggregateKind.DISTINCT
        ]
        self.edges = {
            aggregate: self._edge(aggregate)
            for aggregate in place.aggregates
            if aggregate.kind not in ADDITIVE and aggregate.kind is not AggregateKind.DISTINCT
        }
        self.points = tuple(dict.fromkeys(point for additive in self.additive for point, _, _ in additive.terms))
        places = {point: place for place, point in enumerate(self.points)}
        self._sums = [(additive.name, additive.placed(places)) for additive in self.additive]

    def values(self, totals: Totals) -> dict[str, Any]:
        """Aggregate name to value, int, for the aggregates that are differences of totals."""
        found: dict[str, Any] = {}
        for name, terms in self._sums:
            value = 0
            for place, column, sign in terms:
                numbers = totals[place]
                if numbers is not None:
                    value += sign * numbers[column]
            found[name] = value
        return found

    def _additive(self, aggregate: Aggregate) -> _Additive:
        total = known(aggregate) if aggregate.kind is AggregateKind.DISTINCT else aggregate.total
        return _Additive(aggregate.name, tuple(self._terms(aggregate, total)))

    def _terms(self, aggregate: Aggregate, total: Aggregate) -> list[tuple[Point, int, int]]:
        history, place = _find(self.events, total)
        terms = [(Point(history.number, 0), place, 1)]
        if aggregate.window is not None:
            terms.append((Point(history.number, aggregate.window), place, -1))
        if aggregate.kind is AggregateKind.DISTINCT:
            terms.append((Point(self._repeats[total, aggregate.window].number, 0), 0, 1))
        elif self.place.has_bounds:
            bounds, place = _find(self._bounds[aggregate.window], total)
            terms.append((Point(bounds.number, 0), place, 1))
        return terms

    def _edge(self, aggregate: Aggregate) -> Edge:
        if aggregate.kind is AggregateKind.MAX:
            compared = next(history for history in self.events if aggregate.total in history.extremes)
            return Edge(compared.number, aggregate.kind, aggregate.window, compared.extremes.index(aggregate.total))
        if aggregate.where is None:
            return Edge(self.events[0].number, aggregate.kind, aggregate.window, None)
        history, place = _find(self.events, counted(aggregate))
        return Edge(history.number, aggregate.kind, aggregate.window, place)


def _find(histories: Sequence[History], total: Aggregate) -> tuple[History, int]:
    return next((history, history.totals.index(total)) for history in histories if total in history.totals)


def readings(layout: Layout) -> Mapping[tuple[str, str], PlaceReading]:
    """Return an entry for every place, by source and entity."""
    return {key: PlaceReading(layout, place) for key, place in layout.places.items()}
