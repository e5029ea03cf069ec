"""The contract's rows in the store: put in once, and only ever completed where a value was not known yet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from claimvet.data.contract.errors import EventConflictError
from claimvet.data.contract.money import CENTS_PER_DOLLAR, cents
from claimvet.data.contract.tables import TABLES, Kind, Table
from claimvet.scoring_service.store.db.erased import digest, erased_digests, is_placeholder
from claimvet.scoring_service.store.db.statements import AT_ONCE, run, run_many
from claimvet.scoring_service.store.events.event import StoredEvent
from claimvet.scoring_service.times import rfc3339

MAX_SHOWN = 80
"""Characters of a value that a conflict repeats."""

Row = dict[str, Any]
Key = tuple[str, ...]


@dataclass(frozen=True)
class Stored:
    """A row as it is now, and as it was before, if it was there."""

    new: Row
    old: Row | None = None


def columns_of(table: str) -> tuple[str, ...]:
    """Return the stored columns of a table of the contract."""
    extra = ("extra",) if table == "claims" else ()
    return (*TABLES[table].column_names, *extra)


def normalised(event: StoredEvent) -> Row:
    """Return the row as it is stored: money in cents, a claim's own columns as JSON in `extra`."""
    row = {}
    for column in TABLES[event.table].columns:
        value = event.row.get(column.name)
        row[column.name] = cents(value) if column.kind is Kind.MONEY and value is not None else value
    if event.table == "claims":
        row["extra"] = json.dumps(dict(event.extra), sort_keys=True) if event.extra else None
    return row


def as_given(claim: Row) -> Row:
    """Return a stored row of claims as it was given: money in dollars, its own columns beside the others."""
    row = {column.name: claim[column.name] for column in TABLES["claims"].columns}
    for column in TABLES["claims"].columns:
        if column.kind is Kind.MONEY and row[column.name] is not None:
            row[column.name] /= CENTS_PER_DOLLAR
    own: Row = json.loads(claim["extra"] or "{}")
    return row | own


def key_of(table: Table, row: Mapping[str, Any]) -> Key:
    """Return the values of the key's columns."""
    return tuple(row[column] for column in table.key)


def put(connection: sa.Connection, name: str, rows: Iterable[Row]) -> list[Stored]:
    """Insert what is new and fill what was null; the rows that changed, each once.

    Raises:
        EventConflictError: where a key was seen with another row.
    """
    return [stored for stored in put_all(connection, name, rows) if stored.new != stored.old]


def put_all(connection: sa.Connection, name: str, rows: Iterable[Row]) -> list[Stored]:
    """Do as `put`, with the rows that were there already and stay as they are."""
    table = TABLES[name]
    pending = _once_each(table, rows)
    before = fetch_by_keys(connection, table, list(pending))
    if name == "claims":
        _keep_erased(connection, pending, before)
    merged = [
        Stored(_merged(table, before[key], row) if key in before else row, before.get(key))
        for key, row in pending.items()
    ]
    changed = [stored for stored in merged if stored.new != stored.old]
    _insert(connection, name, [stored.new for stored in changed if stored.old is None])
    _fill(connection, table, [stored.new for stored in changed if stored.old is not None])
    return merged


def _keep_erased(connection: sa.Connection, pending: dict[Key, Row], before: Mapping[Key, Row]) -> None:
    """Keep a narrative that was erased from coming back with a row that is sent again; any other text in its place is a conflict."""
    again = [key for key, row in pending.items() if key in before and _comes_back(before[key], row)]
    digests = erased_digests(connection, [key[0] for key in again]) if again else {}
    for key in again:
        if digests.get(key[0]) == digest(pending[key]["narrative"]):
            pending[key] = {**pending[key], "narrative": before[key]["narrative"]}


def _comes_back(old: Row, new: Row) -> bool:
    return new["narrative"] is not None and new["narrative"] != old["narrative"] and is_placeholder(old["narrative"])


def _once_each(table: Table, rows: Iterable[Row]) -> dict[Key, Row]:
    found: dict[Key, Row] = {}
    for row in rows:
        key = key_of(table, row)
        found[key] = _merged(table, found[key], row) if key in found else row
    return found


def _merged(table: Table, old: Row, new: Row) -> Row:
    """Return both rows as one: null means that a value was not said, so either may say what the other does not."""
    merged = {}
    for column, value in old.items():
        if value is None or new[column] is None:
            merged[column] = new[column] if value is None else value
        elif column == "extra":
            merged[column] = _merged_extra(table, old, new)
        elif value != new[column]:
            raise _conflict(table, column, old, new)
        else:
            merged[column] = value
    return merged


def _merged_extra(table: Table, old: Row, new: Row) -> str:
    before, after = json.loads(old["extra"]), json.loads(new["extra"])
    if any(after.get(name) not in (None, value) for name, value in before.items() if value is not None):
        raise _conflict(table, "extra", old, new)
    said = {name: value for name, value in after.items() if value is not None or name not in before}
    return json.dumps(before | said, sort_keys=True)


def _conflict(table: Table, column: str, old: Row, new: Row) -> EventConflictError:
    key = key_of(table, old)
    was, now = (_shown(table, column, row[column]) for row in (old, new))
    return EventConflictError(
        table.name,
        key,
        f"{table.name} {', '.join(key)}: {column} was {was} and is now {now}, "
        "expected the row that was seen before; null in either says nothing",
    )


def _shown(table: Table, column: str, stored: Any) -> str:
    """Return a stored value as whoever sent it would write it: dollars and RFC 3339, not cents and microseconds."""
    if stored is None:
        return "null"
    kind = Kind.TEXT if column == "extra" else table.column(column).kind
    if kind is Kind.MONEY:
        return f"{stored / CENTS_PER_DOLLAR:.2f}"
    return rfc3339(stored) if kind is Kind.TIME else f"{stored!r:.{MAX_SHOWN}}"


def fetch_by_keys(connection: sa.Connection, table: Table, keys: Sequence[Key]) -> dict[Key, Row]:
    """Return the stored rows of these keys."""
    condition = " AND ".join(f"{column} = ?" for column in table.key)
    if len(table.key) == 1:
        rows = fetch(connection, table.name, table.key[0], [key[0] for key in keys])
    else:
        rows = []
        size = AT_ONCE // len(table.key)
        for start in range(0, len(keys), size):
            some = keys[start : start + size]
            where = " OR ".join([f"({condition})"] * len(some))
            rows += _select(connection, table.name, where, [value for key in some for value in key])
    return {key_of(table, row): row for row in rows}


def fetch(connection: sa.Connection, table: str, column: str, values: Iterable[str]) -> list[Row]:
    """Return the stored rows where the column has one of the values."""
    asked = list(dict.fromkeys(values))
    found = []
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        found += _select(connection, table, f"{column} IN ({', '.join('?' * len(some))})", some)
    return found


def _select(connection: sa.Connection, table: str, where: str, parameters: Sequence[Any]) -> list[Row]:
    columns = columns_of(table)
    rows = run(connection, f"SELECT {', '.join(columns)} FROM {table} WHERE {where}", parameters)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _insert(connection: sa.Connection, table: str, rows: Sequence[Row]) -> None:
    columns = columns_of(table)
    places = ", ".join("?" * len(columns))
    insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"
    run_many(connection, insert, [[row[column] for column in columns] for row in rows])


def _fill(connection: sa.Connection, table: Table, rows: Sequence[Row]) -> None:
    filled = [column for column in columns_of(table.name) if column == "extra" or table.column(column).nullable]
    if filled:
        setting = ", ".join(f"{column} = ?" for column in filled)
        where = " AND ".join(f"{column} = ?" for column in table.key)
        update = f"UPDATE {table.name} SET {setting} WHERE {where}"
        run_many(connection, update, [[row[c] for c in (*filled, *table.key)] for row in rows])
