"""A data set as events, and the store's events as a data set."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from claimvet.data.contract.dataset import DataSet, connect, identifier
from claimvet.data.contract.money import CENTS_PER_DOLLAR
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX, TABLES, Column, Kind, Table
from claimvet.data.contract.writing.atomic_write import atomic_write
from claimvet.scoring_service.store.db.statements import stream
from claimvet.scoring_service.store.events.contract_rows import columns_of
from claimvet.scoring_service.store.events.event import StoredEvent

OWN_COLUMNS = (FEATURE_COLUMN_PREFIX, "group_")
"""Beginnings of the columns that a claim may have beside those of the contract."""

_ORDER = ("customers", "sellers", "products", "identity_links", "orders", "claims")
"""Tables that are read first, so that little has to be completed later."""

ROWS_AT_ONCE = 20_000
"""Rows that an export holds in memory at once."""

_TYPES = {Kind.TIME: pa.timestamp("us", tz="UTC"), Kind.MONEY: pa.float64()}


def events_of(data_set: DataSet, at_once: int) -> Iterator[list[StoredEvent]]:
    """Yield the rows of a data set as events, so many at once."""
    connection = connect()
    try:
        for name in (*_ORDER, *(name for name in TABLES if name not in _ORDER)):
            if not data_set.has(name):
                continue
            own = [
                c for c in data_set.tables[name].columns(connection) if name == "claims" and c.startswith(OWN_COLUMNS)
            ]
            select = data_set.tables[name].typed_select(connection)
            columns = [*map(_as_event, TABLES[name].columns), *map(identifier, own)]
            result = connection.cursor().execute(f"SELECT {', '.join(columns)} FROM ({select})")
            while rows := result.fetchmany(at_once):
                yield [_event(TABLES[name], own, row) for row in rows]
    finally:
        connection.close()


def _as_event(column: Column) -> str:
    name = identifier(column.name)
    return f"epoch_us({name})" if column.kind is Kind.TIME else name


def _event(table: Table, own: Sequence[str], row: Sequence[Any]) -> StoredEvent:
    names = table.column_names
    return StoredEvent(
        table.name,
        dict(zip(names, row[: len(names)], strict=True)),
        dict(zip(own, row[len(names) :], strict=True)),
    )


def export(connection: sa.Connection, folder: Path) -> None:
    """Write a Parquet file for every table that has rows, `ROWS_AT_ONCE` at a time: memory does not grow with the store."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        batches = _batches(connection, name)
        first = next(batches, None)
        if first is not None:
            with (
                atomic_write(folder / f"{name}.parquet") as aside,
                pq.ParquetWriter(aside, first.schema) as writer,
            ):
                for batch in chain([first], batches):
                    writer.write_table(batch)


def _batches(connection: sa.Connection, name: str) -> Iterator[pa.Table]:
    table = TABLES[name]
    own = _own_types(connection) if name == "claims" else {}
    order = f"ORDER BY {table.known_at}, {', '.join(table.key)}"
    for rows in stream(connection, f"SELECT {', '.join(columns_of(name))} FROM {name} {order}", ROWS_AT_ONCE):
        made = _contract_columns(table, rows)
        if own:
            made |= _own_columns([json.loads(row[-1] or "{}") for row in rows], own)
        yield pa.table(made)


def _contract_columns(table: Table, rows: Sequence[Sequence[Any]]) -> dict[str, pa.Array]:
    made = {}
    for place, column in enumerate(table.columns):
        values = [row[place] for row in rows]
        if column.kind is Kind.MONEY:
            values = [None if value is None else value / CENTS_PER_DOLLAR for value in values]
        made[column.name] = pa.array(values, _TYPES.get(column.kind, pa.string()))
    return made


def _own_types(connection: sa.Connection) -> dict[str, pa.DataType]:
    """Return the type of every column of the claims' own: numbers, booleans and strings as they are; one of several kinds is text.

    Names that differ in case alone are one column in a file, under the spelling that most claims have.
    """
    kinds: dict[str, set[type]] = {}
    spellings: dict[str, Counter[str]] = {}
    for rows in stream(connection, "SELECT extra FROM claims WHERE extra IS NOT NULL", ROWS_AT_ONCE):
        for row in rows:
            for name, value in json.loads(row[0]).items():
                kinds.setdefault(name.lower(), set()).update([] if value is None else [_kind(value)])
                spellings.setdefault(name.lower(), Counter())[name] += 1
    named = {min(found, key=lambda name: (-found[name], name)): kinds[lower] for lower, found in spellings.items()}
    return {name: _OWN_TYPES.get(frozenset(found), pa.string()) for name, found in sorted(named.items())}


def _kind(value: Any) -> type:
    """Return the Python type of a JSON value; an integer beyond 64 bits is text."""
    return str if type(value) is int and not -(2**63) <= value < 2**63 else type(value)


_OWN_TYPES = {
    frozenset(): pa.null(),
    frozenset({bool}): pa.bool_(),
    frozenset({int}): pa.int64(),
    frozenset({float}): pa.float64(),
    frozenset({int, float}): pa.float64(),
}


def _own_columns(extras: Sequence[dict[str, Any]], types: Mapping[str, pa.DataType]) -> dict[str, pa.Array]:
    made = {}
    known = [{name: value for name, value in extra.items() if value is not None} for extra in extras]
    lower = [{name.lower(): value for name, value in extra.items()} for extra in known]
    for name, dtype in types.items():
        values = [extra.get(name, other.get(name.lower())) for extra, other in zip(known, lower, strict=True)]
        if dtype == pa.string():
            values = [None if value is None else str(value) for value in values]
        elif dtype == pa.float64():
            values = [None if value is None else float(value) for value in values]
        made[name] = pa.array(values, dtype)
    return made
