"""What one event changes in the running totals of everyone it is about (`features.online.layout`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import ibis
import ibis.expr.types as ir

from claimvet.data.contract.tables import TABLES, Kind
from claimvet.features.catalogue.aggregates import Aggregate, AggregateKind
from claimvet.features.catalogue.declaration import Entity
from claimvet.features.catalogue.sources import SOURCES
from claimvet.features.online import layout
from claimvet.features.online.interpreter import RelationFunction, Row, ValueFunction, relation_function, value_function
from claimvet.features.online.layout import TOKEN, History, Layout, Place


class Delta(NamedTuple):
    """At `position` (microseconds) so much is added to the totals of `key`; `row_id` says which event it comes of."""

    history: int
    key: str
    position: int
    row_id: str
    totals: tuple[int, ...]
    extremes: tuple[int | None, ...]


class Repeat(NamedTuple):
    """An event has a value that is counted once: `history` counts it."""

    history: int
    key: str
    value: str
    position: int
    row_id: str


Key = tuple[str, int | None]
"""A key, and from when an event can be seen under it where that may be later than the event was known."""


@dataclass
class EntityKeys:
    """What is known of the parties of some events beside the events themselves."""

    categories: dict[str, Key] = field(default_factory=dict)
    """Product to its category, and when the product was listed."""
    tokens: dict[str, list[Key]] = field(default_factory=dict)
    """Customer to the keys of the tokens held (`layout.token_key`), and since when."""

    def keys(self, place: Place, event: Row) -> Sequence[Key]:
        """Under which keys the event is counted at the place."""
        if place.entity == Entity.CATEGORY:
            category = self.categories.get(event[Entity.PRODUCT.key])
            return [category] if category else []
        if place.is_of_holders:
            return self.tokens.get(event[Entity.CUSTOMER.key], [])
        if place.entity == TOKEN:
            return [(layout.token_key(event["kind"], event["token"]), None)]
        key = event[Entity(place.entity).key]
        return [] if key is None else [(key, None)]


def contract_table(name: str) -> ir.Table:
    """Return a table of the contract in the form that sources read: times in int64 microseconds, money in int64 cents."""
    whole = (Kind.TIME, Kind.MONEY)
    return ibis.table({c.name: "int64" if c.kind in whole else "string" for c in TABLES[name].columns}, name=name)


class Deltas:
    """Turns rows of the contract into events, and events into deltas, for all histories of a layout."""

    def __init__(self, histories: Layout) -> None:
        self.layout = histories
        names = {place.source.name for place in histories.places.values()}
        expressions = {name: SOURCES[name].read(contract_table) for name in names}
        self._events: dict[str, RelationFunction] = {n: relation_function(e) for n, e in expressions.items()}
        self._columns: dict[int, list[Callable[[Row], int]]] = {}
        self._extremes: dict[int, list[Callable[[Row], int | None]]] = {}
        for history in histories.histories:
            events = expressions[history.place.source.name]
            self._columns[history.number] = [value_function(total.contribution(events)) for total in history.totals]
            self._extremes[history.number] = [value_function(a.contribution(events)) for a in history.extremes]
        self._values = {h.number: _distinct_value(h, expressions) for h in _repeats(histories)}

    def events(self, source: str, tables: Mapping[str, Sequence[Row]]) -> list[tuple[str, Row]]:
        """Return the events of a source among rows of its tables, each with the id of its row."""
        table = SOURCES[source].tables[0]
        return [(row_id(table, event), event) for event in self._events[source](tables)]

    def of_event(self, place: Place, identity: str, event: Row, keys: Sequence[Key]) -> Iterator[Delta]:
        """Yield the deltas of one event at one place, those of repeated values excepted."""
        for history in self.layout.of(place, layout.Kind.EVENTS):
            totals = tuple([column(event) for column in self._columns[history.number]])
            extremes = tuple([value(event) for value in self._extremes[history.number]])
            for key, _ in keys:
                yield Delta(history.number, key, event["known"], identity, totals, extremes)
        if place.has_bounds:
            for history in self.layout.of(place, layout.Kind.BOUNDS):
                for key, appears in keys:
                    yield from self._bounds(history, identity, event, key, appears)

    def repeats_of(self, place: Place, identity: str, event: Row, keys: Sequence[Key]) -> Iterator[Repeat]:
        """Yield what the event has that distinct counts must count once."""
        for history in self.layout.of(place, layout.Kind.REPEATS):
            value = self._values[history.number](event)
            if value is not None:
                for key, _ in keys:
                    yield Repeat(history.number, key, str(value), event["known"], identity)

    def _bounds(self, history: History, identity: str, event: Row, key: str, appears: int | None) -> Iterator[Delta]:
        taken = taken_back(event["known"], history.window, appears, event.get("ends") if "ends" in event else None)
        if taken:
            totals = [column(event) for column in self._columns[history.number]]
            for position, sign in taken.items():
                yield Delta(history.number, key, position, identity, tuple([sign * total for total in totals]), ())


def taken_back(known: int, window: int | None, appears: int | None, ends: int | None) -> dict[int, int]:
    """Return where an event's contribution is taken from a window (-1), and where it is given back (1).

    A window counts the event for claims filed in (known, known + window]; it should for those in (appears, ends] among them.
    """
    last = None if window is None else known + window
    signs: dict[int, int] = defaultdict(int)
    begin = max(known, appears) if appears is not None else known
    begin = begin if last is None else min(begin, last)
    if begin > known:
        signs[known] -= 1
        signs[begin] += 1
    if ends is not None and (last is None or ends < last):
        signs[max(ends, begin)] -= 1
        if last is not None:
            signs[last] += 1
    return {position: sign for position, sign in signs.items() if sign}


def row_id(table: str, row: Row) -> str:
    """Return the row's key as one string; columns of a longer key are parted by a unit separator."""
    key = TABLES[table].key
    return str(row[key[0]]) if len(key) == 1 else "\x1f".join(row[column] for column in key)


def _repeats(histories: Layout) -> Iterator[History]:
    return (history for history in histories.histories if history.kind is layout.Kind.REPEATS)


def distinct_values(history: History) -> Aggregate:
    """Return the aggregate whose contribution is the value that a history of repeats counts once."""
    counted = history.totals[0]
    return Aggregate(AggregateKind.DISTINCT, counted.column, counted.where, None)


def _distinct_value(history: History, expressions: Mapping[str, ir.Table]) -> ValueFunction:
    return value_function(distinct_values(history).contribution(expressions[history.place.source.name]))
