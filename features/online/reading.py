"""Which running totals have to be read for a claim, and what the parts of its features are, given them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from claimvet.features.catalogue.aggregates import ADDITIVE, Part, PartKind
from claimvet.features.online.layout import LIMB_BITS, Column, History, Kind, Layout, Place, counted, known


class Point(NamedTuple):
    """The running totals of a history so long (microseconds) before the claim's instant."""

    history: int
    before: int


Totals = Sequence[Sequence[int] | None]
"""The totals at each point of `PlaceReading.points`, in its order; None where nothing came before it."""


class Edge(NamedTuple):
    """The first or last position, or the largest extreme, of the changes in a window."""

    history: int
    kind: PartKind
    window: int | None
    column: int | None
    """Of a first or last: the total that must not be 0, where there is a filter; of an extreme: its column."""


@dataclass(frozen=True)
class _Additive:
    """A part that is a sum of signed totals."""

    name: str
    terms: tuple[tuple[Point, int, int, int], ...]
    """Point, place of the column, sign, and by how many bits the number is shifted."""

    def placed(self, places: Mapping[Point, int]) -> tuple[tuple[int, int, int], ...]:
        """The terms with the place of their point, the column, and what a unit of it counts."""
        return tuple((places[point], column, sign << shift) for point, column, sign, shift in self.terms)


class PlaceReading:
    """What is read at one place."""

    def __init__(self, layout: Layout, place: Place) -> None:
        self.place = place
        self.events = layout.of(place, Kind.EVENTS)
        self._bounds = {
            h.window: [b for b in layout.of(place, Kind.BOUNDS) if b.window == h.window]
            for h in layout.of(place, Kind.BOUNDS)
        }
        self._repeats = {(h.totals[0].part, h.window): h for h in layout.of(place, Kind.REPEATS)}
        read = [part for part, from_totals in place.is_read.items() if from_totals]
        self.additive = [
            self._additive(part) for part in read if part.kind in ADDITIVE or part.kind is PartKind.DISTINCT
        ]
        self.edges = {
            part: self._edge(part) for part in read if part.kind not in ADDITIVE and part.kind is not PartKind.DISTINCT
        }
        self.one_by_one = tuple(part for part, from_totals in place.is_read.items() if not from_totals)
        self.points = tuple(dict.fromkeys(point for additive in self.additive for point, _, _, _ in additive.terms))
        places = {point: place for place, point in enumerate(self.points)}
        self._sums = [(additive.name, additive.placed(places)) for additive in self.additive]

    def values(self, totals: Totals) -> dict[str, Any]:
        """Part name to value, int, for the parts that are differences of totals."""
        found: dict[str, Any] = {}
        for name, terms in self._sums:
            value = 0
            for place, column, unit in terms:
                numbers = totals[place]
                if numbers is not None:
                    value += unit * numbers[column]
            found[name] = value
        return found

    def _additive(self, part: Part) -> _Additive:
        total = known(part) if part.kind is PartKind.DISTINCT else part.total
        limbs = [Column(total, "high"), Column(total, "low")] if part.kind is PartKind.SQUARES else [Column(total)]
        terms = []
        for column in limbs:
            shift = LIMB_BITS if column.limb == "high" else 0
            terms += [(point, place, sign, shift) for point, place, sign in self._terms(part, column)]
        return _Additive(part.name, tuple(terms))

    def _terms(self, part: Part, column: Column) -> list[tuple[Point, int, int]]:
        history, place = _find(self.events, column)
        terms = [(Point(history.number, 0), place, 1)]
        if part.window is not None:
            terms.append((Point(history.number, part.window), place, -1))
        if part.kind is PartKind.DISTINCT:
            terms.append((Point(self._repeats[column.part, part.window].number, 0), 0, 1))
        elif self.place.has_bounds:
            bounds, place = _find(self._bounds[part.window], column)
            terms.append((Point(bounds.number, 0), place, 1))
        return terms

    def _edge(self, part: Part) -> Edge:
        if part.kind in {PartKind.MIN, PartKind.MAX}:
            compared = next(history for history in self.events if part.total in history.extremes)
            return Edge(compared.number, part.kind, part.window, compared.extremes.index(part.total))
        if part.where is None:
            return Edge(self.events[0].number, part.kind, part.window, None)
        history, place = _find(self.events, Column(counted(part)))
        return Edge(history.number, part.kind, part.window, place)


def _find(histories: Sequence[History], column: Column) -> tuple[History, int]:
    return next((history, history.totals.index(column)) for history in histories if column in history.totals)


def readings(layout: Layout) -> Mapping[tuple[str, str], PlaceReading]:
    """One for every place, by source and entity."""
    return {key: PlaceReading(layout, place) for key, place in layout.places.items()}
