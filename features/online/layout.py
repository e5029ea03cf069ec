"""What has to be kept of every event, so that any declared feature is a difference of a few running totals.

Every history of an entity is kept as *deltas*: at a position in time, so much is added to the running totals of that entity. An event
that is seen from when it was known on adds its contributions there, and a window is the total at its end less that at its start. What
bounds an event further (`appears`, `ends`, or for a distinct count the next event of the same value) is put right by the deltas of
another history, one for each window: they take back what the window would count too much (`features.online.deltas`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product, zip_longest

from claimvet.data.contract.errors import FeatureError
from claimvet.features.catalogue.aggregates import ADDITIVE, Aggregate, AggregateKind, aggregates_of
from claimvet.features.catalogue.declaration import Entity, Feature, HistoryFeature, LinkFeature
from claimvet.features.catalogue.selection import with_dependencies
from claimvet.features.catalogue.sources import SOURCES, Source
from claimvet.features.links.link_tables import TOKEN_EVENTS

TOKEN = "token"
"""The place of what the holders of one identity token do together; the key is `token_key`."""

HOLDERS = Aggregate(AggregateKind.COUNT, None, None, None)
"""Of identity links at the place of their token: how many customers hold it."""

TOTALS, EXTREMES = 10, 2
"""Columns of a delta for what is added up and for what is compared; what needs more is kept in several deltas."""


class Kind(StrEnum):
    """What the deltas of a history are."""

    EVENTS = "events"
    """A delta an event, when it was known."""
    BOUNDS = "bounds"
    """Of one window: what is taken back because an event ended, or could not be seen yet."""
    REPEATS = "repeats"
    """Of one window of one distinct count: what is taken back because the value was seen again."""


@dataclass(frozen=True)
class Place:
    """Where the events of a source are counted: for an entity, or for the holders of a token."""

    source: Source
    entity: str
    aggregates: tuple[Aggregate, ...]
    """Everything that features read, with its windows."""

    @property
    def has_bounds(self) -> bool:
        """Whether an event may be seen only later than it was known, or end."""
        return self.source.has_end or self.entity == Entity.CATEGORY or self.is_of_holders

    @property
    def is_of_holders(self) -> bool:
        """Whether events of a customer are counted for the tokens that the customer holds; a link is of its own token."""
        return self.entity == TOKEN and self.source.name in {source for source, _ in TOKEN_EVENTS.values()}


@dataclass(frozen=True)
class History:
    """The changes of one place that have the same form; `window` is in microseconds, None for all time."""

    number: int
    place: Place
    kind: Kind
    window: int | None
    totals: tuple[Aggregate, ...]
    extremes: tuple[Aggregate, ...]

    @property
    def description(self) -> str:
        """Says what its columns hold."""
        columns = [aggregate.name for aggregate in (*self.totals, *self.extremes)]
        return f"{self.place.source.name} of {self.place.entity}, {self.kind}, {self.window}: {', '.join(columns)}"


class Layout:
    """The histories of a list of features, numbered in a fixed order."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.places = {(place.source.name, place.entity): place for place in _places(features)}
        made = (form for place in self.places.values() for form in _forms(place))
        self.histories = tuple(History(number, *form) for number, form in enumerate(made))
        self._of_place: dict[tuple[str, str], list[History]] = {key: [] for key in self.places}
        for history in self.histories:
            self._of_place[history.place.source.name, history.place.entity].append(history)

    def of(self, place: Place, kind: Kind) -> list[History]:
        """Return the histories of one kind at a place."""
        return [h for h in self._of_place[place.source.name, place.entity] if h.kind is kind]

    def places_of(self, source: str) -> list[Place]:
        """Return the places where the events of a source are counted."""
        return [place for place in self.places.values() if place.source.name == source]


def token_key(kind: str, token: str) -> str:
    """Return the key of a token among all kinds; kinds have no colon."""
    return f"{kind}:{token}"


def _places(features: Sequence[Feature]) -> Iterator[Place]:
    needed = with_dependencies(features)
    found: dict[tuple[str, str], dict[Aggregate, None]] = {}
    for feature in needed:
        if isinstance(feature, HistoryFeature):
            key = feature.event.source, feature.entity.value
            found.setdefault(key, {}).update(dict.fromkeys(aggregates_of(feature)))
    if any(isinstance(feature, LinkFeature) for feature in needed):
        found["identity_links", TOKEN] = {HOLDERS: None}
        # what others did is what all holders of a token did, less what the customer did
        for (source, aggregate), entity in product(TOKEN_EVENTS.values(), (Entity.CUSTOMER.value, TOKEN)):
            found.setdefault((source, entity), {})[aggregate] = None
    for (source, entity), aggregates in sorted(found.items(), key=lambda item: item[0]):
        place = Place(SOURCES[source], entity, tuple(aggregates))
        _require_running_totals(place)
        yield place


def _require_running_totals(place: Place) -> None:
    """Raise `FeatureError` for an aggregate that is neither a difference of running totals nor found by one look-up."""
    for aggregate in place.aggregates:
        if place.has_bounds and aggregate.kind not in ADDITIVE:
            raise FeatureError(
                f"the aggregate {aggregate.kind} over {place.source.name} of a {place.entity} cannot be served one claim at a time, "
                f"expected one of {', '.join(sorted(ADDITIVE))}"
            )


_Form = tuple[Place, Kind, int | None, tuple[Aggregate, ...], tuple[Aggregate, ...]]


def _forms(place: Place) -> Iterator[_Form]:
    totals = list(dict.fromkeys(total for aggregate in place.aggregates for total in _totals(aggregate)))
    extremes = list(
        dict.fromkeys(aggregate.total for aggregate in place.aggregates if aggregate.kind is AggregateKind.MAX)
    )
    for columns, compared in zip_longest(_chunks(totals, TOTALS) or [()], _chunks(extremes, EXTREMES), fillvalue=()):
        yield place, Kind.EVENTS, None, columns, compared
    if place.has_bounds:
        for window in _windows(aggregate for aggregate in place.aggregates if aggregate.kind in ADDITIVE):
            for columns in _chunks(totals, TOTALS):
                yield place, Kind.BOUNDS, window, columns, ()
    for aggregate in dict.fromkeys(
        aggregate for aggregate in place.aggregates if aggregate.kind is AggregateKind.DISTINCT
    ):
        yield place, Kind.REPEATS, aggregate.window, (known(aggregate),), ()


def _totals(aggregate: Aggregate) -> list[Aggregate]:
    if aggregate.kind in ADDITIVE:
        return [aggregate.total]
    if aggregate.kind is AggregateKind.DISTINCT:
        return [known(aggregate)]
    return [counted(aggregate)] if aggregate.kind is not AggregateKind.MAX and aggregate.where else []


def known(aggregate: Aggregate) -> Aggregate:
    """Return how many events have a value of the aggregate's column."""
    return replace(aggregate.total, kind=AggregateKind.KNOWN)


def counted(aggregate: Aggregate) -> Aggregate:
    """Return how many events pass the aggregate's filter."""
    return replace(aggregate.total, kind=AggregateKind.COUNT, column=None)


def _windows(aggregates: Iterable[Aggregate]) -> list[int | None]:
    return sorted({aggregate.window for aggregate in aggregates}, key=lambda window: window or 0)


def _chunks(columns: Sequence[Aggregate], size: int) -> list[tuple[Aggregate, ...]]:
    return [tuple(columns[start : start + size]) for start in range(0, len(columns), size)]
