"""Everything that was known of one claim at one moment, read in a few statements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from operator import add
from typing import Any

import sqlalchemy as sa

from claimvet.features.catalogue.aggregates import AggregateKind
from claimvet.features.online.layout import TOTALS
from claimvet.features.online.plan import OnlinePlan
from claimvet.features.online.reading import Edge, PlaceReading, Totals
from claimvet.scoring_service.store.db.schema import TOTAL_COLUMNS
from claimvet.scoring_service.store.db.statements import run, values
from claimvet.scoring_service.store.derived.totals import EARLIEST

Asked = tuple[int, str, int]
"""History, key and position of a running total."""

POINTS_AT_ONCE = 64
"""Most running totals that one statement reads, so that there are few statements, which the driver keeps prepared."""

_POINT = ("INTEGER", "INTEGER", "TEXT", "BIGINT")

_WIDTHS = (1, 1, 3, 3, 5, 5, *[TOTALS] * (TOTALS - 5))
"""How many totals are read of a history that has so many: few different statements, and few columns for nothing."""

_OF = "{row}.history = s.history AND {row}.key = s.key AND {row}.position"
_CHECKPOINT = f"checkpoints m WHERE {_OF.format(row='m')} = s.since"
_DELTAS_SINCE = f"deltas d WHERE {_OF.format(row='d')} < s.position AND d.position >= coalesce(s.since, {EARLIEST})"


def totals_at(
    connection: sa.Connection, asked: Sequence[Asked], columns: Mapping[int, int]
) -> list[Sequence[int] | None]:
    """Return the running totals at each of the positions, of all deltas strictly before; None where there are none.

    Parameters:
        columns: how many totals each history has; others are not added up.
    """
    found: list[Sequence[int] | None] = [None] * len(asked)
    alike: dict[int, list[Any]] = {}
    for number, one in enumerate(asked):
        alike.setdefault(_WIDTHS[columns[one[0]]], []).append((number, *one))
    for width, points in alike.items():
        for start in range(0, len(points), POINTS_AT_ONCE):
            some = points[start : start + POINTS_AT_ONCE]
            for number, *found_rows in _checkpoint_and_since(connection, some, width):
                known = [row for row in found_rows if row is not None]
                found[number] = list(map(add, *known)) if len(known) > 1 else known[0] if known else None
    return found


def _checkpoint_and_since(
    connection: sa.Connection, points: Sequence[Any], width: int
) -> Iterator[tuple[int, list[int] | None, list[int] | None]]:
    """Yield the number of each point, the first `width` totals of the checkpoint before it, and those of the deltas since."""
    statement = _totals_statement(values(connection, _POINT, len(points)), width)
    for number, checkpointed, since in run(connection, statement, [value for point in points for value in point]):
        yield number, _numbers(checkpointed), _numbers(since)


def _numbers(text: str | None) -> list[int] | None:
    return None if text is None else list(map(int, text.split(",")))


@lru_cache(maxsize=512)
def _totals_statement(asked: str, width: int) -> str:
    """Return the number of each point, the first `width` totals of the checkpoint before it and their sums over the
    deltas since, as text `1,2,3`.

    One text is what a scalar subquery can give, and either database looks those up point by point, whatever it believes of the sizes
    of its tables; a join with GROUP BY sorts every delta.
    """
    columns = TOTAL_COLUMNS[:width]
    checkpointed = " || ',' || ".join(f"coalesce(m.{column}, 0)" for column in columns)
    summed = " || ',' || ".join(f"coalesce(sum(d.{column}), 0)" for column in columns)
    before = "SELECT max(m.position) FROM checkpoints m WHERE m.history = p.history AND m.key = p.key"
    return f"""
        WITH p (number, history, key, position) AS ({asked}),
        s AS MATERIALIZED (SELECT p.*, ({before} AND m.position <= p.position) AS since FROM p)
        SELECT s.number, (SELECT {checkpointed} || '' FROM {_CHECKPOINT}),
               (SELECT CASE WHEN count(*) > 0 THEN {summed} || '' END FROM {_DELTAS_SINCE})
        FROM s
    """


EdgeAsked = tuple[Edge, str, int]
"""An edge, the key, and the moment that is looked from."""

_SPAN = (*_POINT, "BIGINT")
_ASKED = "WITH p (number, history, key, start, stop) AS ({asked}) SELECT p.number, {found} FROM p"
_IN_WINDOW = "{row}.history = p.history AND {row}.key = p.key AND {row}.position >= p.start AND {row}.position"
_DATED = f"(SELECT d.position FROM deltas d WHERE {_IN_WINDOW.format(row='d')} < p.stop {{passes}} ORDER BY d.position {{order}} LIMIT 1)"
_CHECKPOINTED = f"(SELECT max(m.position) FROM checkpoints m WHERE {_IN_WINDOW.format(row='m')} <= p.stop)"
_LARGEST = f"(SELECT max(d.{{column}}) FROM deltas d WHERE {_IN_WINDOW.format(row='d')} < p.stop)"


def edge_values(connection: sa.Connection, asked: Sequence[EdgeAsked]) -> list[int | None]:
    """Return the first or last position, or the extreme, of the deltas of each key in its window; None where there are none."""
    found: list[int | None] = [None] * len(asked)
    alike: dict[str, list[int]] = {}
    for place, (edge, _, _) in enumerate(asked):
        alike.setdefault(_CHECKPOINTED if edge.kind is AggregateKind.MAX else _dated(edge), []).append(place)
    without_checkpoint: dict[str, list[int]] = {}
    for sql, places in alike.items():
        for place, value in zip(places, _each(connection, sql, [asked[place] for place in places]), strict=True):
            edge, key, filed_at = asked[place]
            if edge.kind is not AggregateKind.MAX:
                found[place] = value
            elif value is None:
                without_checkpoint.setdefault(_LARGEST.format(column=f"e{edge.column}"), []).append(place)
            else:
                found[place] = _largest(connection, edge, key, _start(edge, filed_at), filed_at)
    for sql, places in without_checkpoint.items():
        for place, value in zip(places, _each(connection, sql, [asked[place] for place in places]), strict=True):
            found[place] = value
    return found


def _dated(edge: Edge) -> str:
    passes = "" if edge.column is None else f"AND d.{TOTAL_COLUMNS[edge.column]} <> 0"
    return _DATED.format(passes=passes, order="ASC" if edge.kind is AggregateKind.FIRST else "DESC")


def _each(connection: sa.Connection, sql: str, asked: Sequence[EdgeAsked]) -> list[int | None]:
    """Return the one value that `sql` finds of each."""
    found: list[int | None] = [None] * len(asked)
    rows = [(place, e.history, key, _start(e, filed_at), filed_at) for place, (e, key, filed_at) in enumerate(asked)]
    for start in range(0, len(rows), POINTS_AT_ONCE):
        some = rows[start : start + POINTS_AT_ONCE]
        statement = _ASKED.format(asked=values(connection, _SPAN, len(some)), found=sql)
        for place, value in run(connection, statement, [value for row in some for value in row]):
            found[place] = None if value is None else int(value)
    return found


def _start(edge: Edge, filed_at: int) -> int:
    return EARLIEST if edge.window is None else filed_at - edge.window


def _largest(connection: sa.Connection, edge: Edge, key: str, start: int, stop: int) -> int | None:
    """Return the largest of the blocks between checkpoints that lie within, and of the deltas around them; there is a checkpoint within."""
    of = (edge.history, key)
    column = f"e{edge.column}"
    checkpoints = (
        "SELECT {what}(position) FROM checkpoints WHERE history = ? AND key = ? AND position >= ? AND position <= ?"
    )
    sql = f"SELECT ({checkpoints.format(what='min')}), ({checkpoints.format(what='max')})"
    first, last = run(connection, sql, (*of, start, stop) * 2)[0]
    within = (
        f"SELECT max({column}) AS largest FROM deltas WHERE history = ? AND key = ? AND position >= ? AND position < ?"
    )
    blocks = f"SELECT max({column}) FROM checkpoints WHERE history = ? AND key = ? AND position > ? AND position <= ?"
    sql = f"SELECT max(largest) FROM ({within} UNION ALL {within} UNION ALL {blocks}) AS compared"
    value = run(connection, sql, (*of, start, first, *of, last, stop, *of, first, last))[0][0]
    return None if value is None else int(value)


Keys = Mapping[tuple[str, str], Sequence[str]]
"""The keys of every place (source and entity)."""

Aggregates = Mapping[tuple[str, str, str], Mapping[str, Any]]
"""Values of aggregates by name, for every source, entity and key."""


class HistoryReader:
    """Reads the aggregates of all features over histories."""

    def __init__(self, plan: OnlinePlan) -> None:
        self._readings = plan.readings
        self._columns = {history.number: len(history.totals) for history in plan.layout.histories}

    def aggregates(self, connection: sa.Connection, claims: Sequence[tuple[Keys, int]]) -> list[Aggregates]:
        """Return the aggregates by name, of every key of every place (source and entity), for each claim at its moment."""
        wanted = [
            (number, self._readings[place], place, key, filed_at)
            for number, (keys, filed_at) in enumerate(claims)
            for place, some in keys.items()
            for key in some
        ]
        totals = self._totals(connection, [(reading, key, filed_at) for _, reading, _, key, filed_at in wanted])
        asked = [(edge, key, at) for _, reading, _, key, at in wanted for edge in reading.edges.values()]
        edges = iter(edge_values(connection, asked))
        found: list[dict[tuple[str, str, str], dict[str, Any]]] = [{} for _ in claims]
        for (number, reading, place, key, _), numbers in zip(wanted, totals, strict=True):
            values = reading.values(numbers)
            values.update((aggregate.name, next(edges)) for aggregate in reading.edges)
            found[number][(*place, key)] = values
        return list(found)

    def _totals(self, connection: sa.Connection, wanted: Sequence[tuple[PlaceReading, str, int]]) -> Iterator[Totals]:
        """Yield the totals at the points of each reading, of its key at its moment."""
        asked = [(history, key, at - before) for reading, key, at in wanted for history, before in reading.points]
        totals = iter(totals_at(connection, asked, self._columns))
        return (list(islice(totals, len(reading.points))) for reading, _, _ in wanted)
