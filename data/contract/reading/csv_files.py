"""Reads a CSV file as it lies: a header, then rows of as many fields, none skipped, none guessed.

The embedded engine's own detection of dialects drops leading rows where that makes the rest look tidier, and takes a column's type
from its first rows. Here every column is a string, but for features (`data.contract.reading.feature_types`). What spreadsheets and
other programs make of a table is not repaired but named.
"""

from __future__ import annotations

import csv
import glob
import gzip
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TextIO

import duckdb

from claimvet.data.contract.errors import InvalidDataError
from claimvet.data.contract.reading.feature_types import CsvFeature, FeatureTypes, csv_features
from claimvet.data.contract.reading.formats import FileFormat, Format

_SEPARATORS = {";": "`;`", "\t": "a tab", "|": "`|`"}
_NAMES_SHOWN = 5
_MAX_LINE = 16_777_216
"""Bytes of a row; the engine's default, 2 MB, refuses a long narrative and everything after it."""


def csv_header(path: Path, form: FileFormat, expected: Sequence[str] = ()) -> list[str]:
    """Return the column names of a CSV file; a nameless column is called after its place.

    `expected` are columns of the contract: where the header has none of them, the message says why.

    Raises:
        InvalidDataError: where there is no readable header, it names a column twice, or it is not that of this table.
    """
    try:
        with opened_text(path, form) as file:
            line = file.readline().rstrip("\r\n")
            file.seek(0)
            names = next(csv.reader(file, strict=True), [])
    except UnicodeDecodeError as error:
        raise InvalidDataError(not_utf8(path, form)) from error
    except (csv.Error, OSError, EOFError) as error:
        if isinstance(error, csv.Error):
            _refuse_other_dialects(path, line, [line], expected)  # a quoted name before another separator
        raise InvalidDataError(f"{path.name} cannot be read as CSV: {error}") from error
    _refuse_other_dialects(path, line, names, expected)
    named = [name or f"column {place}" for place, name in enumerate(names, start=1)]
    twice = [name for name, count in Counter(map(str.lower, named)).items() if count > 1]
    if twice:
        raise InvalidDataError(f"the header of {path.name} names {twice[0]} twice, expected it once")
    if expected and not set(expected) & set(named):
        raise InvalidDataError(_no_column_of_ours(path, named, expected))
    return named


def opened_text(path: Path, form: FileFormat) -> TextIO:
    """Open the text of a CSV file, without a byte order mark."""
    encoding = "utf-8-sig" if form.encoding == "utf-8" else form.encoding
    if form.format is Format.GZIPPED_CSV:
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")


def _refuse_other_dialects(path: Path, line: str, names: Sequence[str], expected: Sequence[str]) -> None:
    if not names:
        raise InvalidDataError(f"{path.name} cannot be read as CSV: its first line is empty, expected the header")
    if line.strip('"').lower().startswith("sep="):
        raise InvalidDataError(
            f"the first line of {path.name} is {line!r}, a spreadsheet's note to itself, expected the header with `,` between names"
        )
    ours = len(set(expected) & {plain_name(name) for name in names})
    for separator, called in _SEPARATORS.items():
        parts = [plain_name(name) for name in line.split(separator)]
        if len(parts) > 1 and (len(set(expected) & set(parts)) > ours if expected else len(names) == 1):
            fields = "one field" if len(names) == 1 else f"{len(names)} fields"
            raise InvalidDataError(f"the header of {path.name} is {fields}: the separator is {called}, expected `,`")


def plain_name(name: str) -> str:
    """Return the column that a person would say is meant: without blanks, quotes and marks around it, in lower case.

    >>> plain_name(" 'Claim ID' ")
    'claim_id'
    """
    return name.strip(" \t\ufeff\u00a0'\"").lower().replace(" ", "_").replace("-", "_")


def _no_column_of_ours(path: Path, names: Sequence[str], expected: Sequence[str]) -> str:
    meant = [(name, plain_name(name)) for name in names if plain_name(name) in expected]
    if meant:
        found, wanted = (", ".join(part[:_NAMES_SHOWN]) for part in zip(*meant, strict=True))
        return f"the header of {path.name} is spelt otherwise: found column {found}, expected {wanted}"
    return (
        f"the first line of {path.name} names no column of the table: found {', '.join(names[:_NAMES_SHOWN])!r:.120}, "
        f"expected a header with {', '.join(expected[:_NAMES_SHOWN])}"
    )


def not_utf8(path: Path, form: FileFormat) -> str:
    """Return the sentence about a file whose text is not UTF-8, with the line; empty where all of it is."""
    with gzip.open(path, "rb") if form.format is Format.GZIPPED_CSV else path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode(form.encoding)
            except UnicodeDecodeError as error:
                byte = f"byte 0x{line[error.start]:02X}"
                return f"line {number} of {path.name} is not UTF-8 ({byte}; Latin-1 or Windows-1252?), expected UTF-8"
    return ""


def csv_columns(
    path: Path, form: FileFormat, names: Sequence[str], features: Collection[str], known: FeatureTypes
) -> tuple[str, list[CsvFeature]]:
    """Return SQL that reads a CSV file with these columns, and what is known of `features`, those that may be other than strings.

    An empty field is a null. A file that cannot be read to its end has strings alone: whoever reads it will say so.
    """
    relation = _relation(path, form, dict.fromkeys(names, "VARCHAR"))
    asked = [name for name in names if name in features]
    if not asked:
        return relation, []
    try:
        found = csv_features(relation, asked, known)
    except duckdb.Error:
        return relation, []
    types = dict.fromkeys(names, "VARCHAR") | {each.name: each.sql_type for each in found}
    return _relation(path, form, types), found


def _relation(path: Path, form: FileFormat, types: dict[str, str]) -> str:
    columns = ", ".join(f"{_quoted(name)}: '{sql_type}'" for name, sql_type in types.items())
    dialect = "auto_detect = false, header = true, skip = 0, delim = ',', quote = '\"', escape = '\"', nullstr = ''"
    packed = "gzip" if form.format is Format.GZIPPED_CSV else "none"
    stored = f"compression = '{packed}', encoding = '{form.encoding}', hive_partitioning = false"
    return f"read_csv([{_quoted(glob.escape(str(path)))}], {dialect}, {stored}, columns = {{{columns}}}, max_line_size = {_MAX_LINE})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
