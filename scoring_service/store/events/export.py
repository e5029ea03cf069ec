"""A data set as events, and the store's events as a data set."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from claimvet.data.contract.dataset import DataSet, connect, identifier
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX, TABLES, Column, Kind, Table
from claimvet.data.contract.writing.atomic_write import atomic_write
from claimvet.features.catalogue.aggregates import CENTS_PER_DOLLAR
from claimvet.scoring_service.store.db.statements import run
from claimvet.scoring_service.store.events.contract_rows import columns_of
from claimvet.scoring_service.store.events.event import StoredEvent

OWN_COLUMNS = (FEATURE_COLUMN_PREFIX, "group_")
"""Beginnings of the columns that a claim may have beside those of the contract."""

_ORDER = ("customers", "sellers", "products", "identity_links", "orders", "claims")
"""Tables that are read first, so that little has to be completed later."""

_TYPES = {Kind.TIME: pa.timestamp("us", tz="UTC"), Kind.MONEY: pa.float64()}


def events_of(data_set: DataSet, at_once: int) -> Iterator[list[StoredEvent]]:
    """The rows of a data set as events, so many at once."""
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
    """Write a Parquet file for every table that has rows."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in TABLES.items():
        columns = columns_of(name)
        rows = run(
            connection, f"SELECT {', '.join(columns)} FROM {name} ORDER BY {table.known_at}, {', '.join(table.key)}"
        )
        if rows:
            made = _contract_columns(table, rows)
            if name == "claims":
                made |= _own_columns([json.loads(row[-1] or "{}") for row in rows])
            with atomic_write(folder / f"{name}.parquet") as aside:
                pq.write_table(pa.table(made), aside)


def _contract_columns(table: Table, rows: Sequence[Sequence[Any]]) -> dict[str, pa.Array]:
    made = {}
    for place, column in enumerate(table.columns):
        values = [row[place] for row in rows]
        if column.kind is Kind.MONEY:
            values = [None if value is None else value / CENTS_PER_DOLLAR for value in values]
        made[column.name] = pa.array(values, _TYPES.get(column.kind, pa.string()))
    return made


def _own_columns(extras: Sequence[dict[str, Any]]) -> dict[str, pa.Array]:
    """Numbers, booleans and strings as they are; a column of several kinds becomes strings."""
    made = {}
    for name in sorted({name for extra in extras for name in extra}):
        values = [extra.get(name) for extra in extras]
        try:
            made[name] = pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            made[name] = pa.array([None if value is None else str(value) for value in values])
    return made
