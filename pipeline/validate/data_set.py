"""Judges a data set against the contract: finds its tables, runs every check that can be run, and says what is wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from claimvet.data.contract.dataset import TableFile, connect, find_table, identifier, quoted, types_beside
from claimvet.data.contract.errors import InvalidDataError, UsageError
from claimvet.data.contract.reading.options import AS_IT_LIES, ReadOptions
from claimvet.data.contract.rules import Rule
from claimvet.data.contract.tables import NEEDED_TO_SCORE, TABLES
from claimvet.pipeline.validate.checks import (
    column_checks,
    key_check,
    known_columns,
    known_view,
    relation_checks,
    shape_checks,
    type_checks,
)
from claimvet.pipeline.validate.engine import run_checks
from claimvet.pipeline.validate.notes import foreign_detail, foreign_table, notes_on_file, unreadable, with_cause
from claimvet.pipeline.validate.repeats import repeated_load
from claimvet.pipeline.validate.report import Check, CheckResult, TableResult, ValidationReport, Violation
from claimvet.pipeline.validate.sources import Source, open_source

MEMORY_LIMIT = "2GB"
"""What the engine may use before it spills to disk: half of the 4 GiB that the whole process may take."""


@dataclass
class _Judgement:
    """What has been found so far."""

    connection: duckdb.DuckDBPyConnection
    on_table: Callable[[str], None]
    needed: tuple[str, ...]
    read: ReadOptions
    sources: list[Source] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    sound: dict[str, frozenset[str]] = field(default_factory=dict)
    results: dict[str, list[CheckResult]] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def judge(
    folder: Path,
    claims: Path | None = None,
    *,
    read: ReadOptions = AS_IT_LIES,
    memory_limit: str = MEMORY_LIMIT,
    on_table: Callable[[str], None] | None = None,
) -> ValidationReport:
    """Run every check of the contract over the tables below `folder`, and over a file of new claims beside them.

    Memory is bounded by `memory_limit` (the engine spills to a temporary directory) and does not grow with the tables otherwise.
    `read` says what is known of the user's own columns, and which moment no event may come after.
    `on_table` is told the name of each table when its turn comes.

    Raises:
        UsageError: where `folder` is no directory or `claims` does not exist.
    """
    if not folder.is_dir():
        raise UsageError(
            f"the data set {folder} is no directory, expected one with a file per table such as claims.parquet"
        )
    if claims is not None and not claims.exists():
        raise UsageError(f"the file of claims {claims} does not exist")
    with tempfile.TemporaryDirectory(prefix="claimvet-") as spill, connect(memory_limit) as connection:
        connection.execute(f"SET temp_directory = {quoted(spill)}")
        connection.execute("SET enable_progress_bar = false")
        needed = () if claims else NEEDED_TO_SCORE
        judgement = _Judgement(connection, on_table or (lambda name: None), needed, read)
        _find_tables(judgement, folder)
        if claims is not None:
            own = next((source.file for source in judgement.sources if source.name == "claims"), None)
            file = TableFile(TABLES["claims"], claims, types_beside(read.types, own))
            _open(judgement, file, f"claims of {claims.name}")
        return _run(judgement)


def _find_tables(judgement: _Judgement, folder: Path) -> None:
    seen: set[Path] = set()
    for table in TABLES.values():
        found = find_table(folder, table)
        seen.update(found)
        if len(found) == 1:
            _open(judgement, TableFile(table, found[0], judgement.read.types), table.name)
        elif found:
            names = " and ".join(path.name for path in found)
            judgement.violations.append(
                Violation(table.name, "", Rule.TABLE_TWICE, 0, detail=f"found {names}; expected one of them")
            )
        elif table.name in judgement.needed:
            expected = f"expected {table.name}.parquet or {table.name}.csv"
            judgement.violations.append(Violation(table.name, "", Rule.MISSING_TABLE, 0, detail=expected))
    for path in sorted(folder.iterdir()):
        if (
            path not in seen
            and (name := foreign_table(path))
            and not any(source.table.name == name for source in judgement.sources)
        ):
            judgement.violations.append(Violation(name, "", Rule.NO_TABLE, 0, detail=foreign_detail(path, name)))
            seen.add(path)
    ignored = sorted(path.name for path in folder.iterdir() if path not in seen and path.name[0] not in "._")
    if ignored:
        judgement.notes.append(f"ignored, as the contract has no such table: {', '.join(ignored)}")


def _open(judgement: _Judgement, file: TableFile, name: str) -> None:
    try:
        source = open_source(judgement.connection, file, name)
    except InvalidDataError as error:
        judgement.violations.append(Violation(name, "", Rule.NO_TABLE, 0, detail=str(error)))
    else:
        judgement.sources.append(source)


def _run(judgement: _Judgement) -> ValidationReport:
    for source in list(judgement.sources):
        _guarded(judgement, source, _judge_shape)
    _make_known_views(judgement)
    for source in list(judgement.sources):
        judgement.on_table(source.name)
        _guarded(judgement, source, _judge_rows)
    _note_absent(judgement)
    tables = tuple(
        TableResult(source.table, source.name, judgement.rows[source.name], tuple(judgement.results[source.name]))
        for source in judgement.sources
    )
    broken = tuple(violation for table in tables for violation in table.violations)
    return ValidationReport(tables, (*judgement.violations, *broken), tuple(judgement.notes))


def _guarded(judgement: _Judgement, source: Source, work: Callable[[_Judgement, Source], None]) -> None:
    """Do the work; a file that breaks while it is read is no table."""
    try:
        work(judgement, source)
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.Error, OSError) as error:
        detail = unreadable(source.file, error)
        judgement.violations.append(Violation(source.name, "", Rule.NO_TABLE, 0, detail=detail))
        judgement.sources.remove(source)


def _judge_shape(judgement: _Judgement, source: Source) -> None:
    checks = [*shape_checks(source), *type_checks(source)]
    rows, results = run_checks(judgement.connection, source, checks)
    wrong = {result.check.columns[0] for result in results if result.failed}
    judgement.rows[source.name] = rows
    if rows == 0 and source.name in judgement.needed:
        judgement.violations.append(Violation(source.name, "", Rule.EMPTY_TABLE, 0, detail="expected at least one row"))
    judgement.results[source.name] = results
    judgement.sound[source.name] = source.names.intersection(source.table.column_names) - wrong
    judgement.notes += notes_on_file(judgement.connection, source)


def _judge_rows(judgement: _Judgement, source: Source) -> None:
    sound = judgement.sound[source.name]
    known = _known_columns(judgement)
    key = key_check(source)
    checks: list[Check] = [
        *column_checks(source, sound, judgement.read.latest),
        *([key] if key else []),
        *relation_checks(source, sound, known),
    ]
    results = run_checks(judgement.connection, source, checks)[1]
    judgement.results[source.name] += [with_cause(judgement.connection, source, result) for result in results]
    repeated = repeated_load(judgement.connection, source, sound, judgement.rows[source.name])
    judgement.notes += [repeated] if repeated else []


def _known_columns(judgement: _Judgement) -> dict[str, frozenset[str]]:
    """Sound columns of the tables that have rows, over all sources of each."""
    known: dict[str, frozenset[str]] = {}
    for source in judgement.sources:
        if judgement.rows[source.name]:
            known[source.table.name] = known.get(source.table.name, frozenset()) | judgement.sound[source.name]
    return known


def _make_known_views(judgement: _Judgement) -> None:
    """One view per table that others refer to, over all its sources: those of the data set and the file of new claims."""
    for table in TABLES.values():
        parts = [_known(source, judgement.sound[source.name]) for source in judgement.sources if source.table is table]
        selects = [part for part in parts if part]
        if selects:
            judgement.connection.execute(
                f"CREATE VIEW {known_view(table.name)} AS {' UNION ALL BY NAME '.join(selects)}"
            )


def _known(source: Source, sound: frozenset[str]) -> str:
    columns = [
        f"{source.value(name)} AS {identifier(name)}" for name in known_columns(source.table.name) if name in sound
    ]
    return f"SELECT {', '.join(columns)} FROM {source.view} AS t" if columns else ""


def _note_absent(judgement: _Judgement) -> None:
    there = {source.table.name for source in judgement.sources}
    broken = {violation.table for violation in judgement.violations}
    missing = [name for name in TABLES if name not in there and name not in broken]
    empty = [
        source.name for source in judgement.sources if judgement.rows[source.name] == 0 and source.name not in broken
    ]
    for names, state in ((missing, "not there"), (empty, "empty")):
        if names:
            judgement.notes.append(f"tables {state}, so the features from them will be null: {', '.join(names)}")
