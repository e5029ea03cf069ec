"""Reads a CSV file as it lies: a header, then rows of as many fields, none skipped, none guessed.

The embedded engine's own detection of dialects drops leading rows where that makes the rest look tidier, and takes a column's type
from its first rows. Here every column is a string, but for extra columns whose every value is an integer, a number or a boolean.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TextIO

import duckdb

from claimvet.data.contract.errors import InvalidDataError
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX

_TYPES = {
    "BIGINT": "regexp_matches({0}, '^[+-]?[0-9]+$') AND try_cast({0} AS BIGINT) IS NOT NULL",
    "DOUBLE": "try_cast({0} AS DOUBLE) IS NOT NULL",
    "BOOLEAN": "lower({0}) IN ('true', 'false')",
}
"""Types that an extra column may have instead of a string, the first that fits all its values."""


def csv_header(path: Path) -> list[str]:
    """Column names of a CSV file, UTF-8 with or without a byte order mark; a nameless column is called after its place.

    Raises:
        InvalidDataError: where there is no readable header, or a name occurs twice.
    """
    try:
        with _opened(path) as file:
            names = next(csv.reader(file, strict=True), [])
    except (csv.Error, UnicodeDecodeError, OSError, EOFError) as error:
        raise InvalidDataError(f"{path.name} cannot be read as CSV: {error}") from error
    if not names:
        raise InvalidDataError(f"{path.name} cannot be read as CSV: it has no header")
    named = [name or f"column {place}" for place, name in enumerate(names, start=1)]
    twice = [name for name, count in Counter(map(str.lower, named)).items() if count > 1]
    if twice:
        raise InvalidDataError(f"{path.name} cannot be read as CSV: its header names {twice[0]} twice")
    return named


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def csv_relation(path: Path, strings: Collection[str]) -> str:
    """SQL that reads a CSV file; an empty field is a null. Columns of `strings` are strings whatever they hold.

    Extra columns that may become features have the type that fits all their values, other extra columns are strings.

    Raises:
        InvalidDataError: where the file has no readable header.
    """
    names = csv_header(path)
    relation = _relation(path, dict.fromkeys(names, "VARCHAR"))
    extra = [name for name in names if name not in strings and name.startswith(FEATURE_COLUMN_PREFIX)]
    if not extra:
        return relation
    return _relation(path, dict.fromkeys(names, "VARCHAR") | _fitting_types(relation, extra))


def _relation(path: Path, types: dict[str, str]) -> str:
    columns = ", ".join(f"{_quoted(name)}: '{sql_type}'" for name, sql_type in types.items())
    dialect = "auto_detect = false, header = true, skip = 0, delim = ',', quote = '\"', escape = '\"', nullstr = ''"
    # The engine's default, 2 MB, refuses a long narrative and everything after it.
    return f"read_csv({_quoted(str(path))}, {dialect}, columns = {{{columns}}}, max_line_size = 16777216)"


def _fitting_types(relation: str, names: list[str]) -> dict[str, str]:
    """The type of each column, from all its values; those of a file that cannot be read stay strings."""
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    fits = [
        f"coalesce(bool_and({condition.format(name)}) FILTER (WHERE {name} IS NOT NULL), false)"
        for name in quoted
        for condition in _TYPES.values()
    ]
    connection = duckdb.connect()
    try:
        row = connection.execute(f"SELECT {', '.join(fits)} FROM {relation}").fetchone()
    except duckdb.Error:
        return {}
    finally:
        connection.close()
    answers = iter(row or ())
    found = {name: [sql_type for sql_type in _TYPES if next(answers)] for name in names}
    return {name: fitting[0] for name, fitting in found.items() if fitting}


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
