"""Which files make up a data set, and what columns they hold, before any type is trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb

from claimvet.data.contract.dataset import SQL_TYPES, TableFile, identifier
from claimvet.data.contract.errors import InvalidDataError
from claimvet.data.contract.reading.feature_types import is_number_type, is_text_type
from claimvet.data.contract.reading.parquet_files import column_names, shown_name
from claimvet.data.contract.tables import Kind, Table

ZONED_TIME = r"^\d{4}-\d{1,2}-\d{1,2}[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)? ?(Z|UTC|[+-]\d{2}(:?\d{2})?)$"
"""A time with its zone as CSV has it: RFC 3339, a blank for the T, UTC or an offset in hours as engines print them."""

_LINES_OF_REASON = 3

_INSTANT = re.compile(r"TIMESTAMP WITH TIME ZONE|TIMESTAMPTZ(_\w+)?")
_LOCAL_TIME = re.compile(r"TIMESTAMP(_\w+)?|DATETIME")


def is_instant(sql_type: str) -> bool:
    """Return whether the engine's type holds instants: times that know their zone, of any unit."""
    return _INSTANT.fullmatch(sql_type) is not None


def is_local_time(sql_type: str) -> bool:
    """Return whether the engine's type holds times without a zone."""
    return _LOCAL_TIME.fullmatch(sql_type) is not None


def fits(kind: Kind, sql_type: str) -> bool:
    """Return whether a column of this type can hold this kind.

    >>> fits(Kind.MONEY, "DECIMAL(18,2)"), fits(Kind.IDENTIFIER, "BIGINT"), fits(Kind.TIME, "TIMESTAMP")
    (True, False, False)
    """
    if kind is Kind.MONEY:
        return is_number_type(sql_type)
    return is_instant(sql_type) if kind is Kind.TIME else is_text_type(sql_type)


@dataclass(frozen=True)
class FileSchema:
    """One file of a table, with the engine's type of each of its columns."""

    path: Path
    columns: dict[str, str]


@dataclass(frozen=True)
class Source:
    """A table on disk that can be read: where it lies, the schema of each of its files, and the name that reports call it."""

    file: TableFile
    schemas: tuple[FileSchema, ...]
    name: str

    @property
    def table(self) -> Table:
        """The contract's table."""
        return self.file.table

    @property
    def view(self) -> str:
        """Name of the view of all of it as it lies on disk."""
        return identifier(f"raw {self.name}")

    @property
    def relation(self) -> str:
        """SQL that reads all of it as it lies on disk."""
        return self.file.relation

    def relation_of(self, schemas: tuple[FileSchema, ...]) -> str:
        """Return SQL that reads only these files of it."""
        if len(schemas) == len(self.schemas):
            return self.relation
        return self.file.relation_of([schema.path for schema in schemas])

    @cached_property
    def names(self) -> frozenset[str]:
        """Columns that every file has."""
        return frozenset(set.intersection(*(set(schema.columns) for schema in self.schemas)))

    def lacking(self, column: str) -> tuple[FileSchema, ...]:
        """Return the files without this column."""
        return tuple(schema for schema in self.schemas if column not in schema.columns)

    def value(self, column: str) -> str:
        """Return SQL of a column of row `t` in the contract's type; null where a field of a CSV file cannot be read as that."""
        kind = self.table.column(column).kind
        cast = "TRY_CAST" if self.file.is_csv else "CAST"
        return f"{cast}(t.{identifier(column)} AS {SQL_TYPES[kind]})"


def engine_reason(error: BaseException) -> str:
    """Return what an engine's message says, in one line without the class of its error, its advice or the data that it quotes.

    >>> engine_reason(ValueError("Invalid Input Error: CSV Error on Line: 4\\nOriginal Line: k3\\nExpected: 2\\nPossible fixes:\\n*"))
    'CSV Error on Line: 4; Expected: 2'
    """
    said = re.split(r"\n\s*(?:Possible|Hint|Candidate)", str(error))[0].splitlines()
    kept = [line.strip() for line in said if line.strip() and not line.startswith("Original Line")]
    return re.sub(r"^(\w+ )+Error: ", "", "; ".join(kept[:_LINES_OF_REASON]))


def open_source(connection: duckdb.DuckDBPyConnection, file: TableFile, name: str) -> Source:
    """Read the schema of every file of a table, and make its view.

    Raises:
        InvalidDataError: where one of them is no table; the message names it.
    """
    schemas = tuple(FileSchema(path, _columns(connection, file, path)) for path in file.files)
    source = Source(file, schemas, name)
    connection.execute(f"CREATE VIEW {source.view} AS SELECT * FROM {source.relation}")
    return source


def _columns(connection: duckdb.DuckDBPyConnection, file: TableFile, path: Path) -> dict[str, str]:
    try:
        relation = file.relation if file.is_csv else file.relation_of([path])
        rows = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        if not file.is_csv:
            column_names(file.path, path)  # the engine renames what is there twice
        return {row[0]: row[1] for row in rows}
    except (duckdb.Error, OSError) as error:
        reason = engine_reason(error).replace(str(path), path.name)
        form = "CSV" if file.is_csv else "Parquet"
        raise InvalidDataError(f"{shown_name(file.path, path)} cannot be read as {form}: {reason}") from error
