"""Which formats a table is written in: the one that the ending of the file's name says, in any case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import duckdb

from claimvet.data.contract.dataset import connect, identifier, quoted
from claimvet.data.contract.errors import UsageError
from claimvet.data.contract.writing.atomic_write import atomic_write

PARQUET = ".parquet"
_CSV, _TSV = "FORMAT csv, HEADER true", "FORMAT csv, HEADER true, DELIMITER '\t'"
_LINES, _ARRAY = "FORMAT json", "FORMAT json, ARRAY true"
_GZIP = ", COMPRESSION gzip"

TABLE_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        PARQUET: "FORMAT parquet, COMPRESSION zstd",
        ".csv": _CSV,
        ".csv.gz": _CSV + _GZIP,
        ".tsv": _TSV,
        ".tsv.gz": _TSV + _GZIP,
        ".json": _ARRAY,
        ".json.gz": _ARRAY + _GZIP,
        ".jsonl": _LINES,
        ".jsonl.gz": _LINES + _GZIP,
    }
)
"""By the ending of a file's name: DuckDB's options. `.json` is one array of objects, `.jsonl` one object a line."""


def ending_of(out: Path, endings: tuple[str, ...] = tuple(TABLE_FORMATS)) -> str:
    """Return the ending of a file's name that says its format, in lower case.

    Raises:
        UsageError: where it is none of `endings`.

    >>> ending_of(Path("scores.CSV.gz"))
    '.csv.gz'
    """
    found = [ending for ending in endings if out.name.lower().endswith(ending)]
    if not found:
        listed = f"{', '.join(endings[:-1])} or {endings[-1]}" if len(endings) > 1 else endings[0]
        raise UsageError(
            f"the name {out.name!r} of the output says no format that is written, expected an end of {listed}"
        )
    return max(found, key=len)


@contextmanager
def table_output(out: Path) -> Iterator[Path]:
    """Yield the path of a Parquet file to write; it becomes the file `out`, in the format that its name says.

    Raises:
        UsageError: where the name says no format that is written.
        OutputError: where the disk is full, read-only, or may not be written to.
    """
    ending = ending_of(out)
    with atomic_write(out) as aside, table_file(aside, ending) as parquet:
        yield parquet


@contextmanager
def table_file(aside: Path, ending: str) -> Iterator[Path]:
    """Yield the path of a Parquet file to write; it becomes `aside`, a path of `atomic_writes`, in the format of an ending."""
    parquet = aside if ending == PARQUET else aside.with_name("table.parquet")
    yield parquet
    if parquet != aside:
        convert(parquet, aside, ending)


def convert(parquet: Path, aside: Path, ending: str) -> None:
    """Write the rows of a Parquet file to `aside` in the format of an ending, in the same order and with the same columns.

    As text, times are RFC 3339 in UTC with microseconds. In CSV and TSV lists and structs are JSON, and a null is an empty field.
    """
    with connect() as connection:
        source = f"read_parquet({quoted(str(parquet))})"
        columns = ", ".join(_as_text(connection, source, nested=ending.startswith(".json")))
        connection.execute(f"COPY (SELECT {columns} FROM {source}) TO {quoted(str(aside))} ({TABLE_FORMATS[ending]})")


def _as_text(connection: duckdb.DuckDBPyConnection, source: str, *, nested: bool) -> list[str]:
    rows = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    return [_column(identifier(name), str(sql_type), nested) for name, sql_type, *_ in rows]


def _column(name: str, sql_type: str, nested: bool) -> str:
    if sql_type == "TIMESTAMP WITH TIME ZONE":
        return f"strftime({name}, '%Y-%m-%dT%H:%M:%S.%fZ') AS {name}"
    if not nested and ("[]" in sql_type or sql_type.startswith(("STRUCT", "MAP"))):
        return f"CAST(to_json({name}) AS VARCHAR) AS {name}"
    return name
