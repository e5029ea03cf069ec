"""Runs checks on the embedded engine: one statement for all conditions on a table's rows, few more for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

import duckdb

from claimvet.data.contract.dataset import identifier
from claimvet.data.contract.rules import Relation
from claimvet.pipeline.validate.report import KEYS_SHOWN, Check, CheckResult
from claimvet.pipeline.validate.row_hashes import all_distinct
from claimvet.pipeline.validate.sources import Source

_ROWS_PROBED = 1000
"""How many offending rows are read to find `KEYS_SHOWN` different keys."""

_NUMBER = '"number of the row, from 1"'
"""A column name that no file has."""


def run_checks(
    connection: duckdb.DuckDBPyConnection, source: Source, checks: Sequence[Check]
) -> tuple[int, list[CheckResult]]:
    """Return number of rows of the table, and the result of every check in the given order.

    The source's view has to be there. Raises `duckdb.Error` where the file cannot be read to its end.
    """
    together = [check for check in checks if check.violated and not check.alone and not check.source]
    total, broken = _counts_together(connection, source, together)
    return total, [_result(connection, source, check, total, broken.get(id(check))) for check in checks]


def _counts_together(
    connection: duckdb.DuckDBPyConnection, source: Source, checks: list[Check]
) -> tuple[int, dict[int, int]]:
    """Return the number of rows, and by the `id` of each check how many rows break it."""
    groups = [checks] if source.file.is_csv else _by_columns(checks)
    if source.file.is_csv:  # to read it is what takes the time
        total, suspects = 0, [1]
    else:
        total, *suspects = _counts_of_any(connection, source, groups)
    broken = dict.fromkeys(map(id, checks), 0)
    for group in compress(groups, suspects):
        total, *counts = _counts(connection, source.view, [check.violated for check in group])
        broken |= zip(map(id, group), counts, strict=True)
    return total, broken


def _by_columns(checks: list[Check]) -> list[list[Check]]:
    """Return checks of the same columns together: the engine pushes a condition on one column alone down into the scan of a Parquet
    file, where statistics answer it, or it is asked once for each entry of a dictionary; that takes a third of the time.
    """
    groups: dict[tuple[object, ...], list[Check]] = {}
    for check in checks:
        groups.setdefault((check.columns, isinstance(check.basis, Relation)), []).append(check)
    return list(groups.values())


def _counts_of_any(connection: duckdb.DuckDBPyConnection, source: Source, groups: list[list[Check]]) -> list[int]:
    """Return the number of rows, and of each group of checks how many rows break any of it."""
    wheres = ["true", *(" OR ".join(f"({check.violated})" for check in group) for group in groups)]
    counts = ", ".join(f"(SELECT count(*) FROM {source.view} AS t WHERE {where})" for where in wheres)
    row = connection.execute(f"SELECT {counts}").fetchone()
    return [int(count) for count in row or ()]


def _counts(connection: duckdb.DuckDBPyConnection, relation: str, conditions: list[str]) -> list[int]:
    filters = "".join(f", count(*) FILTER (WHERE {condition})" for condition in conditions)
    row = connection.execute(f"SELECT count(*){filters} FROM {relation} AS t").fetchone()
    return [int(count) for count in row or ()]


def _result(
    connection: duckdb.DuckDBPyConnection, source: Source, check: Check, total: int, counted: int | None
) -> CheckResult:
    if not check.violated:
        return CheckResult(check, failed=False, rows=0, of=total)
    relation = check.source or source.view
    rows = _count_alone(connection, relation, check, total) if counted is None else counted
    if rows == 0:
        return CheckResult(check, failed=check.violated == "true", rows=0, of=total)
    keys, values = _offenders(connection, source, relation, check)
    return CheckResult(check, True, rows, total, keys, values)


def _count_alone(connection: duckdb.DuckDBPyConnection, relation: str, check: Check, total: int) -> int:
    if check.hashed and all_distinct(connection, relation, check.hashed, total):
        return 0
    return _counts(connection, relation, [check.violated])[1]


def _offenders(
    connection: duckdb.DuckDBPyConnection, source: Source, relation: str, check: Check
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys of the first offending rows in the order of the file, and the values that they break the rule with."""
    key = source.table.key if source.names.issuperset(source.table.key) else ()
    columns = "".join(f", CAST(t.{identifier(name)} AS VARCHAR)" for name in key)
    shown = f"CAST({check.shown or 'NULL'} AS VARCHAR)"
    if key and not check.alone:
        # Rows come in the order of the file, and the scan ends with the last one that is wanted.
        query = f"SELECT 0, {shown}{columns} FROM {relation} AS t WHERE {check.violated} LIMIT {_ROWS_PROBED}"
    else:
        numbered = f"(SELECT row_number() OVER () AS {_NUMBER}, * FROM {relation}) AS t"
        query = (
            f"SELECT t.{_NUMBER}, {shown}{columns} FROM {numbered} WHERE {check.violated} "
            f"ORDER BY t.{_NUMBER} LIMIT {_ROWS_PROBED}"
        )
    rows = connection.execute(query).fetchall()
    first: dict[str, str | None] = {}
    for number, value, *parts in rows:
        name = " / ".join("null" if part is None else part for part in parts) if parts else f"row {number}"
        first.setdefault(name, value)
    keys = tuple(first)[:KEYS_SHOWN]
    return keys, tuple(value for value in list(first.values())[:KEYS_SHOWN] if value is not None)
