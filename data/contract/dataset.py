"""Where the tables of a data set lie, and how the embedded engine reads them with the contract's types."""

from __future__ import annotations

import glob
import os
import resource
import tempfile
from collections.abc import Iterable
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from claimvet.data.contract.csv_files import csv_relation
from claimvet.data.contract.errors import InvalidDataError, UsageError
from claimvet.data.contract.tables import TABLES, Kind, Table

SQL_TYPES = {
    Kind.IDENTIFIER: "VARCHAR",
    Kind.CATEGORY: "VARCHAR",
    Kind.CHOICE: "VARCHAR",
    Kind.TEXT: "VARCHAR",
    Kind.TIME: "TIMESTAMPTZ",
    Kind.MONEY: "DOUBLE",
}
"""DuckDB's type for each kind of column."""


def connect(memory_limit: str | None = None, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """A new in-memory DuckDB that reads times as UTC; above `memory_limit`, such as `4GB`, it spills to the directory for
    temporary files (`TMPDIR`). Without one it takes up to 80 % of the machine's memory, and less where the process may have less.

    Raises:
        UsageError: where DuckDB does not understand the limit.
    """
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchall()[0][0]:
        connection.execute("SET enable_progress_bar = false")  # the pipeline shows its own
    spill = Path(tempfile.gettempdir()) / f"claimvet-spill-{os.getpid()}"
    connection.execute(f"SET temp_directory = {quoted(str(spill))}")
    memory_limit = memory_limit or _process_limit()
    if memory_limit is not None:
        connection.execute(f"SET memory_limit = '{_bytes(connection, memory_limit)}B'")
    if threads is not None:
        connection.execute(f"SET threads = {int(threads)}")
    return connection


def size_in_bytes(size: str) -> int:
    """A size such as `4GB` or `512MiB`, as DuckDB reads it.

    Raises:
        UsageError: where it is none.

    >>> size_in_bytes("1.5 GB")
    1500000000
    """
    with duckdb.connect() as connection:
        return _bytes(connection, size)


def _bytes(connection: duckdb.DuckDBPyConnection, size: str) -> int:
    try:
        return int(connection.execute("SELECT parse_formatted_bytes(?)", [size]).fetchall()[0][0])
    except duckdb.Error as error:
        raise UsageError(f"the memory limit is {size!r}, expected a size such as 4GB") from error


def _process_limit() -> str | None:
    """Half of the address space that the process may have (`ulimit -v`), None where that is not limited."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else f"{soft // 2**21}MiB"


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class TableFile:
    """One table on disk: a Parquet file, a directory of Parquet files (subdirectories too), or a CSV file."""

    table: Table
    path: Path

    @property
    def is_csv(self) -> bool:
        """Whether it is a CSV file; an empty field is a null there."""
        return not self.path.is_dir() and ".csv" in self.path.suffixes

    @property
    def relation(self) -> str:
        """SQL that reads it as it is: Parquet's own types; in CSV, the contract's columns as strings."""
        if self.is_csv:
            return csv_relation(self.path, self.table.column_names)
        if self.path.is_dir():
            where = quoted(f"{glob.escape(str(self.path))}/**/*.parquet")
            return f"read_parquet({where}, union_by_name = true, hive_types_autocast = false)"
        return f"read_parquet({quoted(glob.escape(str(self.path)))})"

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        """Names and DuckDB types of its columns, extra ones included.

        Raises:
            InvalidDataError: where the file is no table.
        """
        try:
            rows = connection.execute(f"DESCRIBE SELECT * FROM {self.relation}").fetchall()
        except (duckdb.Error, UnicodeDecodeError, OSError) as error:
            reason = str(error).splitlines()[0]
            raise InvalidDataError(
                f"table {self.table.name}: {self.path.name} is no table that can be read ({reason})"
            ) from error
        return {row[0]: row[1] for row in rows}

    def rows(self, connection: duckdb.DuckDBPyConnection) -> int:
        """How many there are.

        Raises:
            InvalidDataError: where the file is no table.
        """
        try:
            return int(connection.execute(f"SELECT count(*) FROM {self.relation}").fetchall()[0][0])
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise InvalidDataError(
                f"table {self.table.name}: {self.path.name} is no table that can be read ({reason})"
            ) from error

    def typed_select(self, connection: duckdb.DuckDBPyConnection) -> str:
        """SQL that reads it with the contract's types and leaves extra columns as they are."""
        parts = []
        kinds = {column.name: column.kind for column in self.table.columns}
        for name in self.columns(connection):
            column = identifier(name)
            parts.append(f"CAST({column} AS {SQL_TYPES[kinds[name]]}) AS {column}" if name in kinds else column)
        return f"SELECT {', '.join(parts)} FROM {self.relation}"


def find_table(folder: Path, table: Table) -> list[Path]:
    """Everything in the folder that claims to be this table: `t.parquet` (file or directory), `t/`, `t.csv`, `t.csv.gz`."""
    candidates = [
        folder / f"{table.name}.parquet",
        folder / table.name,
        folder / f"{table.name}.csv",
        folder / f"{table.name}.csv.gz",
    ]
    return [path for path in candidates if path.exists() and not (path == folder / table.name and not path.is_dir())]


@dataclass
class DataSet:
    """The tables of one directory. `notes` says, once each, what is missing, empty or ignored."""

    folder: Path
    tables: dict[str, TableFile]
    notes: list[str] = field(default_factory=list)
    _rows: dict[str, int] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, folder: Path) -> DataSet:
        """Find the tables below `folder`; nothing is read yet.

        Raises:
            UsageError: where the folder does not exist.
            InvalidDataError: where one table is there twice.
        """
        if not folder.is_dir():
            raise UsageError(
                f"the data set {folder} is no directory, expected one with a file per table such as claims.parquet"
            )
        tables = {}
        for table in TABLES.values():
            found = find_table(folder, table)
            if len(found) > 1:
                names = " and ".join(path.name for path in found)
                raise InvalidDataError(f"table {table.name}: found {names}, expected one of them")
            if found:
                tables[table.name] = TableFile(table, found[0])
        return cls(folder, tables)

    def has(self, table: str) -> bool:
        """Whether the table is there and has a row; a missing and an empty table mean the same to a feature."""
        return self.rows(table) > 0

    def rows(self, table: str, connection: duckdb.DuckDBPyConnection | None = None) -> int:
        """Number of rows, 0 where the table is missing; counted once, over `connection` where one is open already."""
        if table not in self.tables:
            return 0
        if table not in self._rows:
            with nullcontext(connection) if connection else closing(connect()) as counting:
                self._rows[table] = self.tables[table].rows(counting)
        return self._rows[table]

    def missing(self) -> list[str]:
        """Names of the contract's tables that are missing or empty, in the contract's order."""
        return [name for name in TABLES if not self.has(name)]

    def register(self, connection: duckdb.DuckDBPyConnection, names: Iterable[str] | None = None) -> None:
        """Make a view per table with the contract's types, under the contract's names."""
        for name in names if names is not None else self.tables:
            select = self.tables[name].typed_select(connection)
            connection.execute(f"CREATE OR REPLACE VIEW {identifier(name)} AS {select}")
