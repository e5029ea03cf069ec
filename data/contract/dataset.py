"""Where the tables of a data set lie, and how the embedded engine reads them with the contract's types."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb

from claimvet.data.contract.errors import InvalidDataError, UsageError
from claimvet.data.contract.reading.csv_files import csv_columns, csv_header
from claimvet.data.contract.reading.feature_types import (
    CsvFeature,
    FeatureTypes,
    feature_value,
    is_feature,
    misfits,
    wrong_type,
)
from claimvet.data.contract.reading.formats import ENDINGS, FileFormat, format_of
from claimvet.data.contract.reading.parquet_files import column_names, feature_types_of, parquet_files, parquet_relation
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
    """Return a new in-memory DuckDB that reads times as UTC; above `memory_limit`, such as `4GB`, it spills to the directory for
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
    """Return a size such as `4GB` or `512MiB`, as DuckDB reads it.

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
    """Return half of the address space that the process may have (`ulimit -v`), None where that is not limited."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else f"{soft // 2**21}MiB"


def quoted(text: str) -> str:
    """Return a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class TableFile:
    """One table on disk: a Parquet file, a directory of Parquet files (subdirectories too), or a CSV file.

    Whoever reads a table reads it through this: `types` are what is known of the user's own columns, and nothing of the path above
    the table means anything. What the file is, and what its columns are, is found out once.
    """

    table: Table
    path: Path
    types: FeatureTypes = field(default_factory=FeatureTypes, compare=False)

    @cached_property
    def format(self) -> FileFormat:
        """What the file is, by its name and its bytes; raises `InvalidDataError` where it is no table."""
        return format_of(self.path)

    @property
    def is_csv(self) -> bool:
        """Whether it is a CSV file; an empty field is a null there."""
        return self.format.is_csv

    @cached_property
    def files(self) -> list[Path]:
        """The file, or the Parquet files of the directory in the order of their names; raises `InvalidDataError` for none."""
        return [self.path] if self.is_csv else parquet_files(self.path)

    @property
    def relation(self) -> str:
        """SQL that reads it as it is: Parquet's own types; in CSV strings, but for features that are numbers or booleans.

        Raises:
            InvalidDataError: where the file is no table.
        """
        return self._csv[0] if self.is_csv else self.relation_of(self.files)

    def relation_of(self, files: Sequence[Path]) -> str:
        """Return SQL that reads only these Parquet files of it."""
        return parquet_relation(self.path, files)

    @property
    def csv_features(self) -> list[CsvFeature]:
        """What was found out about the features of a CSV file; none of Parquet, which says its types itself."""
        return self._csv[1] if self.is_csv else []

    @cached_property
    def _csv(self) -> tuple[str, list[CsvFeature]]:
        names = csv_header(self.path, self.format, self.table.column_names)
        features = set(filter(is_feature, names)) if self.table.name == "claims" else set()
        return csv_columns(self.path, self.format, names, features, self.types)

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        """Return names and DuckDB types of its columns as they are in the file, extra ones included.

        Raises:
            InvalidDataError: where the file is no table.
        """
        with self._no_table():
            rows = connection.execute(f"DESCRIBE SELECT * FROM {self.relation}").fetchall()
            if not self.is_csv:
                for file in self.files:
                    column_names(self.path, file)
        return {row[0]: row[1] for row in rows}

    def rows(self, connection: duckdb.DuckDBPyConnection) -> int:
        """Return the number of them.

        Raises:
            InvalidDataError: where the file is no table.
        """
        with self._no_table():
            return int(connection.execute(f"SELECT count(*) FROM {self.relation}").fetchall()[0][0])

    @contextmanager
    def _no_table(self) -> Iterator[None]:
        try:
            yield
        except duckdb.OutOfMemoryException:
            raise
        except (duckdb.Error, UnicodeDecodeError, OSError, InvalidDataError) as error:
            reason = str(error).splitlines()[0]
            raise InvalidDataError(
                f"table {self.table.name}: {self.path.name} is no table that can be read ({reason})"
            ) from error

    def typed_select(self, connection: duckdb.DuckDBPyConnection) -> str:
        """Return SQL that reads it with the contract's types; features are int64, float64 (finite or null), booleans or strings, and other
        extra columns as they are.

        Raises:
            InvalidDataError: where the file is no table, or a feature is not of the type that is known of it.
        """
        parts = []
        kinds = {column.name: column.kind for column in self.table.columns}
        for name, sql_type in self.columns(connection).items():
            column = identifier(name)
            if name in kinds:
                parts.append(f"CAST({column} AS {SQL_TYPES[kinds[name]]}) AS {column}")
            elif self.table.name == "claims" and is_feature(name):
                self._require_type(connection, name, sql_type)
                parts.append(f"{feature_value(column, sql_type, self.types.types.get(name))} AS {column}")
            else:
                parts.append(column)
        return f"SELECT {', '.join(parts)} FROM {self.relation}"

    def _require_type(self, connection: duckdb.DuckDBPyConnection, name: str, sql_type: str) -> None:
        """Raise `InvalidDataError` where a feature is not of the type that is known of it, with a value that is not."""
        wanted = self.types.types.get(name)
        if wanted is None:
            return
        violated = "true" if wrong_type(sql_type, wanted) else misfits(identifier(name), wanted, sql_type)
        column = identifier(name)
        where = f"{column} IS NOT NULL AND {violated}"
        query = f"SELECT CAST({column} AS VARCHAR) FROM {self.relation} WHERE {where} LIMIT 1"
        found = connection.execute(query).fetchone() if violated != "false" else None
        if found is not None:
            raise InvalidDataError(
                f"column {name} of {self.path.name} holds {found[0]!r:.80} ({sql_type}), expected {self.types.expected(name)}"
            )


def types_beside(known: FeatureTypes, claims: TableFile | None) -> FeatureTypes:
    """Return the types of features of a file of claims: those known, and of all others what the data set's own Parquet file says."""
    try:
        own = {} if claims is None or claims.is_csv else feature_types_of(claims.files[0])
    except InvalidDataError:  # whoever reads that file says so
        return known
    if own.keys() <= known.types.keys():
        return known
    return FeatureTypes(
        own | dict(known.types), f"{known.source}, or the data set's own claims," if known.types else "the data set"
    )


def find_table(folder: Path, table: Table) -> list[Path]:
    """Return all in the folder that is this table, in any case: `t.parquet` (file or directory), `t/`, `t.csv`, `t.csv.gz`."""
    names = [f"{table.name}{ending}" for ending in ENDINGS]
    found = [path for path in folder.iterdir() if path.name.lower() in names]
    found += [path for path in folder.iterdir() if path.name.lower() == table.name and path.is_dir()]
    return sorted(found, key=lambda path: ((*names, table.name).index(path.name.lower()), path.name))


@dataclass
class DataSet:
    """The tables of one directory. `notes` says, once each, what is missing, empty or ignored."""

    folder: Path
    tables: dict[str, TableFile]
    notes: list[str] = field(default_factory=list)
    types: FeatureTypes = field(default_factory=FeatureTypes)
    _rows: dict[str, int] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, folder: Path, types: FeatureTypes | None = None) -> DataSet:
        """Find the tables below `folder`; nothing is read yet. `types` are what is known of the user's own columns of claims.

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
                tables[table.name] = TableFile(table, found[0], types or FeatureTypes())
        return cls(folder, tables, types=types or FeatureTypes())

    def claims_file(self, path: Path) -> TableFile:
        """Return a file of claims beside those of the data set, whose features are of the same types."""
        return TableFile(TABLES["claims"], path, types_beside(self.types, self.tables.get("claims")))

    def has(self, table: str) -> bool:
        """Return whether the table is there and has a row; a missing and an empty table mean the same to a feature."""
        return self.rows(table) > 0

    def rows(self, table: str, connection: duckdb.DuckDBPyConnection | None = None) -> int:
        """Return number of rows, 0 where the table is missing; counted once, over `connection` where one is open already."""
        if table not in self.tables:
            return 0
        if table not in self._rows:
            with nullcontext(connection) if connection else closing(connect()) as counting:
                self._rows[table] = self.tables[table].rows(counting)
        return self._rows[table]

    def missing(self) -> list[str]:
        """Return names of the contract's tables that are missing or empty, in the contract's order."""
        return [name for name in TABLES if not self.has(name)]

    def register(self, connection: duckdb.DuckDBPyConnection, names: Iterable[str] | None = None) -> None:
        """Make a view per table with the contract's types, under the contract's names."""
        for name in names if names is not None else self.tables:
            select = self.tables[name].typed_select(connection)
            connection.execute(f"CREATE OR REPLACE VIEW {identifier(name)} AS {select}")
