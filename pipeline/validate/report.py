"""What validation found: checks with their counts, violations, notes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from claimvet.data.contract.rules import Relation, Rule
from claimvet.data.contract.tables import Column, Table

KEYS_SHOWN = 5
"""Most offending keys that a violation names (the contract's figure)."""

TEXT_SHOWN = 80
"""Longest key or value that is printed whole, in characters."""


@dataclass(frozen=True)
class Check:
    """One rule about one table, or about some of its columns.

    `violated` is a SQL condition over a row `t` of the table as it lies on disk, true for the rows that break the rule, and empty
    where the rule is about the table's shape. `shown` is the SQL of the value to show. `hashed` is the SQL of a hash of a row: no
    row breaks the rule where all are distinct. `source` is the relation to look at where it is not the whole table. `basis` is the
    declaration that the rule comes from, `bound` the moment that a time is held against.
    """

    table: Table
    columns: tuple[str, ...]
    rule: Rule
    expected: str
    violated: str = ""
    shown: str = ""
    hashed: str = ""
    source: str = ""
    alone: bool = False
    basis: Column | Relation | None = None
    bound: datetime | None = None


@dataclass(frozen=True)
class CheckResult:
    """A check with the number of rows that break it, of how many, and the first of them in the order of the file.

    `failed` may be true with no rows: a missing column of an empty table.
    """

    check: Check
    failed: bool
    rows: int
    of: int
    keys: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Violation:
    """A broken rule: table, column ('' where the whole table is meant), rule, number of rows, up to five keys, and a detail."""

    table: str
    column: str
    rule: Rule
    rows: int
    keys: tuple[str, ...] = ()
    key_columns: tuple[str, ...] = ()
    detail: str = ""

    def __str__(self) -> str:
        """Return one line: `orders.amount: negative or infinite money in 2 rows (found -3.0; expected …); order_id: o1, o7`."""
        where = f"{self.table}.{self.column}" if self.column else self.table
        count = f" in {self.rows:,} row{'' if self.rows == 1 else 's'}" if self.rows else ""
        detail = f" ({self.detail})" if self.detail else ""
        keys = f"; {', '.join(self.key_columns)}: {', '.join(self.keys)}" if self.keys else ""
        return f"{where}: {self.rule}{count}{detail}{keys}"


@dataclass(frozen=True)
class TableResult:
    """All checks of one table of `rows` rows; `name` is what reports call it."""

    table: Table
    name: str
    rows: int
    results: tuple[CheckResult, ...]

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Its broken rules, in the order of the checks."""
        return tuple(violation_of(result, self.name) for result in self.results if result.failed)


@dataclass(frozen=True)
class ValidationReport:
    """Everything that validation has to say about a data set. `notes` are no errors: missing tables, ignored columns.

    `docs` is the first page of the Data Docs, where they were written. As text it is one line per violation and note, then the verdict.
    """

    tables: tuple[TableResult, ...]
    violations: tuple[Violation, ...]
    notes: tuple[str, ...] = ()
    docs: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether the data set keeps the contract."""
        return not self.violations

    def __str__(self) -> str:
        lines = [str(violation) for violation in self.violations] + [f"note: {note}" for note in self.notes]
        rows, checks = sum(table.rows for table in self.tables), sum(len(table.results) for table in self.tables)
        judged = f"{len(self.tables)} tables, {rows:,} rows, {checks} checks"
        verdict = (
            "keep the contract"
            if self.ok
            else f"break the contract in {len(self.violations)} way{'' if len(self.violations) == 1 else 's'}"
        )
        lines.append(f"{judged}: the data {verdict}")
        return "\n".join([*lines, *([f"Data Docs: {self.docs}"] if self.docs else [])])


def shortened(text: str) -> str:
    """Return text that fits a line: cut after `TEXT_SHOWN` characters, without line breaks.

    >>> shortened("one\\ntwo")
    'one two'
    """
    line = " ".join(text.split())
    return line if len(line) <= TEXT_SHOWN else f"{line[: TEXT_SHOWN - 1]}…"


def violation_of(result: CheckResult, table: str) -> Violation:
    """Return the violation that a failed check of the table amounts to."""
    check = result.check
    values = dict.fromkeys(shortened(value) or "''" for value in result.values)
    found = f"found {', '.join(values)}; " if values else ""
    detail = result.detail or f"{found}expected {check.expected}"
    keys = tuple(shortened(key) for key in result.keys)
    columns = check.table.key if keys and not keys[0].startswith("row ") else ("at",) if keys else ()
    return Violation(table, ", ".join(check.columns), check.rule, result.rows, keys, columns, detail)
