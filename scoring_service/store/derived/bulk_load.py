"""Writes a whole data set, and what is derived of it, in one transaction."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import chain
from typing import Any, TypeVar

import pyarrow as pa
import sqlalchemy as sa
from pyarrow import csv

from claimvet.data.contract.dataset import DataSet
from claimvet.features.engines.progress import Progress, silent
from claimvet.features.online.layout import Layout
from claimvet.scoring_service.store.db.erased import restore_erased_buckets
from claimvet.scoring_service.store.db.schema import (
    CHECKPOINTS,
    COMPONENT_MEMBERS,
    COMPONENTS,
    DELTAS,
    EVENT_TABLES,
    NARRATIVES,
    REPEATS,
)
from claimvet.scoring_service.store.db.statements import run, run_many
from claimvet.scoring_service.store.derived import connected_components
from claimvet.scoring_service.store.derived.derivation import Derivation, Derived

BATCHES_AHEAD = 3
"""Batches that are made before they are written: some are slow to make and others to write, so one would have either wait."""

ROWS_A_STATEMENT = 100
"""Of SQLite, whose statements take 32,766 values."""

_Item = TypeVar("_Item")


def has_events(connection: sa.Connection) -> bool:
    """Return whether any table of the contract has a row."""
    asked = ", ".join(f"EXISTS (SELECT 1 FROM {name})" for name in EVENT_TABLES)
    return any(run(connection, f"SELECT {asked}")[0])


def fill_events(connection: sa.Connection, data_set: DataSet, layout: Layout, progress: Progress = silent) -> int:
    """Fill a store without events; the number of rows of the data set."""
    with _derivation(data_set, layout) as derivation:
        with _without_indexes(connection):
            rows = _write(connection, derivation, derivation.rows(), progress)
        _derive(connection, derivation, layout, progress)
    return rows


def fill_histories(connection: sa.Connection, data_set: DataSet, layout: Layout, progress: Progress = silent) -> None:
    """Derive anew what the layout needs of the events of a data set."""
    with _derivation(data_set, layout) as derivation:
        _derive(connection, derivation, layout, progress)


def _derive(connection: sa.Connection, derivation: Derivation, layout: Layout, progress: Progress) -> None:
    for table in (DELTAS, CHECKPOINTS, REPEATS, NARRATIVES, COMPONENT_MEMBERS, COMPONENTS):
        connection.execute(table.delete())
    _write(connection, derivation, derivation.narratives(), progress)
    restore_erased_buckets(connection)
    _write(connection, derivation, derivation.histories(), progress)
    progress("components")
    members, made = connected_components.all_components(derivation.links())
    run_many(connection, connected_components.INSERT_MEMBER, members)
    run_many(connection, connected_components.INSERT_COMPONENT, made)


@contextmanager
def _derivation(data_set: DataSet, layout: Layout) -> Iterator[Derivation]:
    derivation = Derivation(data_set, layout)
    try:
        yield derivation
    finally:
        derivation.close()


@contextmanager
def _without_indexes(connection: sa.Connection) -> Iterator[None]:
    """Drop them, since it is faster to make them when all rows are there."""
    indexes = [index for table in EVENT_TABLES.values() for index in table.indexes]
    for index in indexes:
        index.drop(connection, checkfirst=True)
    yield
    for index in indexes:
        index.create(connection)


def _write(connection: sa.Connection, derivation: Derivation, all_made: Iterable[Derived], progress: Progress) -> int:
    prepare, write = _POSTGRESQL if connection.dialect.name == "postgresql" else _SQLITE
    all_batches = ((made, batch) for made in all_made for batch in derivation.batches(made))
    written = 0
    with closing(_ahead((made, batch.num_rows, prepare(batch)) for made, batch in all_batches)) as prepared:
        for made, count, rows in prepared:
            write(connection, made, rows)
            written += count
            progress(made.table.replace("_", " "), written)
    return written


def _ahead(items: Iterable[_Item]) -> Generator[_Item]:
    """Yield the items, made by another thread while earlier ones are used: DuckDB computes while the store writes."""
    made = iter(items)
    with ThreadPoolExecutor(1) as thread:
        upcoming = deque(thread.submit(next, made, None) for _ in range(BATCHES_AHEAD))
        while (item := upcoming.popleft().result()) is not None:
            upcoming.append(thread.submit(next, made, None))
            yield item


def _tuples(batch: pa.RecordBatch) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def _insert(connection: sa.Connection, made: Derived, rows: Sequence[tuple[Any, ...]]) -> None:
    """Many rows a statement, which takes a little over half the time of one row a statement."""
    insert = f"INSERT INTO {made.table} ({', '.join(made.columns)}) VALUES "
    row = f"({', '.join('?' * len(made.columns))})"
    whole = len(rows) - len(rows) % ROWS_A_STATEMENT
    together = [
        list(chain.from_iterable(rows[start : start + ROWS_A_STATEMENT])) for start in range(0, whole, ROWS_A_STATEMENT)
    ]
    run_many(connection, insert + ", ".join([row] * ROWS_A_STATEMENT), together)
    run_many(connection, insert + row, rows[whole:])


def _csv(batch: pa.RecordBatch) -> bytes:
    """Return what PostgreSQL reads: every value in quotes, nothing at all for null."""
    written = pa.BufferOutputStream()
    csv.write_csv(batch, written, csv.WriteOptions(include_header=False, quoting_style="all_valid"))
    return bytes(written.getvalue().to_pybytes())


def _copy(connection: sa.Connection, made: Derived, rows: bytes) -> None:
    """As one text: row by row takes a quarter more of this process's time."""
    cursor: Any = connection.connection.cursor()
    with cursor.copy(f"COPY {made.table} ({', '.join(made.columns)}) FROM STDIN (FORMAT csv)") as copy:
        copy.write(rows)


_Filler = tuple[Callable[[pa.RecordBatch], Any], Callable[[sa.Connection, Derived, Any], None]]
"""What makes of a batch what the database takes, beside it, and what hands that over."""

_SQLITE: _Filler = (_tuples, _insert)
_POSTGRESQL: _Filler = (_csv, _copy)
