"""What is no error but has to be said, once: how a file was read, what was left out, what looks like one load twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb

from claimvet.data.contract.dataset import TableFile, identifier
from claimvet.data.contract.reading.csv_files import not_utf8, plain_name
from claimvet.data.contract.reading.feature_types import not_finite
from claimvet.data.contract.reading.formats import ENDINGS, first_bytes, foreign_kind
from claimvet.data.contract.rules import Rule
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX, GROUP_COLUMN_PREFIX, TABLES
from claimvet.pipeline.validate.report import CheckResult
from claimvet.pipeline.validate.sources import Source, engine_reason

_DATA_ENDINGS = frozenset(
    {
        "arrow",
        "avro",
        "bz2",
        "feather",
        "gz",
        "htm",
        "html",
        "json",
        "jsonl",
        "ndjson",
        "ods",
        "orc",
        "parq",
        "pq",
        "tab",
        "tsv",
    }
    | {"xls", "xlsb", "xlsm", "xlsx", "xml", "xz", "zip", "zst"}
)
"""Endings of files that hold data in a format which is not the contract's."""


def notes_on_file(connection: duckdb.DuckDBPyConnection, source: Source) -> list[str]:
    """Return the notes on how a table was read, once its view is there."""
    return [
        *filter(None, [source.file.format.note]),
        *_ignored_columns(source),
        *(f"{feature.why_text} ({source.file.path.name})" for feature in source.file.csv_features if feature.why_text),
        *_not_finite(connection, source),
    ]


def _ignored_columns(source: Source) -> Iterator[str]:
    prefixes = (FEATURE_COLUMN_PREFIX, GROUP_COLUMN_PREFIX) if source.table.name == "claims" else ()
    extra = sorted(set().union(*(schema.columns for schema in source.schemas)) - set(source.table.column_names))
    ignored = [name for name in extra if not name.startswith(prefixes)] if prefixes else extra
    if ignored:
        yield f"ignored columns of {source.name}: {', '.join(ignored)}"
    for name in ignored:
        if prefixes and plain_name(name).startswith(prefixes):
            yield f"{name!r} of {source.name} is no feature, since its name is not spelt {plain_name(name)}"


def _not_finite(connection: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Yield how many numbers of features are not finite, and so count as missing."""
    if source.table.name != "claims":
        return
    types = {name: source.schemas[0].columns[name] for name in source.names if name.startswith(FEATURE_COLUMN_PREFIX)}
    asked = {name: not_finite(identifier(name), sql_type) for name, sql_type in sorted(types.items())}
    asked = {name: condition for name, condition in asked.items() if condition}
    if not asked:
        return
    counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in asked.values())
    found = connection.execute(f"SELECT {counts} FROM {source.view}").fetchone() or ()
    for name, count in zip(asked, found, strict=True):
        if count:
            yield f"{count:,} numbers of {name} of {source.name} are not finite, and count as missing"


def foreign_table(path: Path) -> str | None:
    """Return the table that a file is named after, where it ends as no file of the contract does: `orders.xlsx`, `orders.csv.parquet`.

    >>> foreign_table(Path("Orders.XLSX")), foreign_table(Path("orders.md"))
    ('orders', None)
    """
    name, *endings = path.name.lower().split(".")
    known = endings and (endings[-1] in _DATA_ENDINGS or f".{endings[-1]}" in ENDINGS)
    return name if name in TABLES and known and not path.is_dir() else None


def foreign_detail(path: Path, table: str) -> str:
    """Return why a file that is named after a table is none."""
    kind = foreign_kind(first_bytes(path)) if path.is_file() else ""
    what = f"{path.name} is {kind}" if kind else f"found {path.name}"
    return f"{what}; expected {', '.join(f'{table}{ending}' for ending in ENDINGS)}"


def unreadable(file: TableFile, error: BaseException) -> str:
    """Return why a file could be opened, and not read to its end."""
    reason = engine_reason(error)
    if file.is_csv and "utf-8" in reason.lower() and file.format.encoding == "utf-8":
        return not_utf8(file.path, file.format) or reason
    return f"{file.path.name} cannot be read to its end: {reason}"


def with_cause(connection: duckdb.DuckDBPyConnection, source: Source, result: CheckResult) -> CheckResult:
    """Return the result, of nulls in a key of a CSV file with how many rows are empty throughout: spreadsheets leave such rows."""
    check = result.check
    if not (source.file.is_csv and result.failed and check.rule is Rule.NULL and check.columns[0] in source.table.key):
        return result
    nothing = " AND ".join(f"{identifier(name)} IS NULL" for name in source.names)
    row = connection.execute(f"SELECT count(*) FROM {source.view} WHERE {nothing}").fetchone()
    if row is None or row[0] == 0:
        return result
    detail = f"{row[0]:,} rows are empty in every field, as spreadsheets leave them; expected {check.expected}"
    return replace(result, detail=detail)
