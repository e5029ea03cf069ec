"""Which files make up a data set, and what columns they hold, before any type is trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb

from claimvet.data.contract.csv_files import csv_relation
from claimvet.data.contract.dataset import SQL_TYPES, TableFile, identifier, quoted
from claimvet.data.contract.errors import InvalidDataError
from claimvet.data.contract.tables import Kind, Table

ZONED_TIME = r"^\d{4}-\d{1,2}-\d{1,2}[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)? ?(Z|UTC|[+-]\d{2}(:?\d{2})?)$"
"""A time with its zone as CSV has it: RFC 3339, a blank for the T, UTC or an offset in hours as engines print them."""

NO_TYPE = '"NULL"'
"""The engine's type of a column that holds nothing but nulls and was written without a type."""

_LINES_OF_REASON = 3

_STRING = re.compile(r"VARCHAR|ENUM\(.*|JSON")
_NUMBER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|BIGNUM|FLOAT|DOUBLE|DECIMAL\(.*")
_INSTANT = re.compile(r"TIMESTAMP WITH TIME ZONE|TIMESTAMPTZ(_\w+)?")
_LOCAL_TIME = re.compile(r"TIMESTAMP(_\w+)?|DATETIME")


def is_string(sql_type: str) -> bool:
    """Whether the engine's type holds strings (plain, large or dictionary-encoded in the file)."""
    return _STRING.fullmatch(sql_type) is not None


def is_number(sql_type: str) -> bool:
    """Whether the engine's type holds numbers, of any width."""
    return _NUMBER.fullmatch(sql_type) is not None


def is_instant(sql_type: str) -> bool:
    """Whether the engine's type holds instants: times that know their zone, of any unit."""
    return _INSTANT.fullmatch(sql_type) is not None


def is_local_time(sql_type: str) -> bool:
    """Whether the engine's type holds times without a zone."""
    return _LOCAL_TIME.fullmatch(sql_type) is not None


def fits(kind: Kind, sql_type: str) -> bool:
    """Whether a column of this type can hold this kind.

    >>> fits(Kind.MONEY, "DECIMAL(18,2)"), fits(Kind.IDENTIFIER, "BIGINT"), fits(Kind.TIME, "TIMESTAMP")
    (True, False, False)
    """
    if kind is Kind.MONEY:
        return is_number(sql_type)
    return is_instant(sql_type) if kind is Kind.TIME else is_string(sql_type)


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

    @cached_property
    def relation(self) -> str:
        """SQL that reads all of it as it lies on disk."""
        return relation_of_file(self.file)

    def relation_of(self, schemas: tuple[FileSchema, ...]) -> str:
        """SQL that reads only these files of it."""
        if len(schemas) == len(self.schemas):
            return self.relation
        paths = ", ".join(quoted(str(schema.path)) for schema in schemas)
        return f"read_parquet([{paths}], union_by_name = true)"

    @cached_property
    def names(self) -> frozenset[str]:
        """Columns that every file has."""
        return frozenset(set.intersection(*(set(schema.columns) for schema in self.schemas)))

    def lacking(self, column: str) -> tuple[FileSchema, ...]:
        """The files without this column."""
        return tuple(schema for schema in self.schemas if column not in schema.columns)

    def value(self, column: str) -> str:
        """SQL of a column of row `t` in the contract's type; null where a field of a CSV file cannot be read as that."""
        kind = self.table.column(column).kind
        cast = "TRY_CAST" if self.file.is_csv else "CAST"
        return f"{cast}(t.{identifier(column)} AS {SQL_TYPES[kind]})"


def engine_reason(error: BaseException) -> str:
    """What an engine's message says, in one line without the class of its error, its advice or the data that it quotes.

    >>> engine_reason(ValueError("Invalid Input Error: CSV Error on Line: 4\\nOriginal Line: k3\\nExpected: 2\\nPossible fixes:\\n*"))
    'CSV Error on Line: 4; Expected: 2'
    """
    said = re.split(r"\n\s*(?:Possible|Hint|Candidate)", str(error))[0].splitlines()
    kept = [line.strip() for line in said if line.strip() and not line.startswith("Original Line")]
    return re.sub(r"^(\w+ )+Error: ", "", "; ".join(kept[:_LINES_OF_REASON]))


def relation_of_file(file: TableFile) -> str:
    """SQL that reads a table as it lies on disk; raises `InvalidDataError` where a CSV file has no header."""
    return csv_relation(file.path, file.table.column_names) if file.is_csv else file.relation


def open_source(connection: duckdb.DuckDBPyConnection, file: TableFile, name: str) -> Source:
    """Read the schema of every file of a table, and make its view.

    Raises:
        InvalidDataError: where one of them is no table; the message names it.
    """
    paths = _files(connection, file.path)
    if not paths:
        raise InvalidDataError(f"{file.path.name} holds no Parquet file")
    source = Source(file, tuple(FileSchema(path, _columns(connection, file, path)) for path in paths), name)
    connection.execute(f"CREATE VIEW {source.view} AS SELECT * FROM {source.relation}")
    return source


def _files(connection: duckdb.DuckDBPyConnection, path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = connection.execute(
        f"SELECT file FROM glob({quoted(str(path / '**' / '*.parquet'))}) ORDER BY file"
    ).fetchall()
    return [Path(row[0]) for row in found]


def _columns(connection: duckdb.DuckDBPyConnection, file: TableFile, path: Path) -> dict[str, str]:
    part = TableFile(file.table, path)
    try:
        rows = connection.execute(f"DESCRIBE SELECT * FROM {relation_of_file(part)}").fetchall()
        return {row[0]: row[1] for row in rows}
    except (duckdb.Error, OSError) as error:
        name = path.name if path == file.path else str(path.relative_to(file.path.parent))
        reason = engine_reason(error).replace(str(path), path.name)
        raise InvalidDataError(f"{name} cannot be read as {'CSV' if file.is_csv else 'Parquet'}: {reason}") from error
