"""Writes `docs/contract.md` from the declaration of the contract.

    python -m claimvet.pipeline.validate.reference_page [--check]

`--check` writes nothing and exits with 1 where the page is not what the declaration says.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from claimvet.data.contract.rules import (
    RELATIONS,
    Reference,
    Relation,
    Rule,
    TimeOrderAcross,
    expected_value,
    value_rule,
)
from claimvet.data.contract.tables import NEEDED_TO_SCORE, NEEDED_TO_TRAIN, TABLES, Column, Kind, Table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "contract.md"
"""Where the page lies in a checkout."""

_HEAD = """# The tables and what must hold in them

<!-- Written by `python -m claimvet.pipeline.validate.reference_page` from data/contract/; change it there. -->

A data set is a directory with one Parquet file, one directory of Parquet files, or one CSV file a table: `claims.parquet`, `orders.csv`, …
In CSV the first line names the columns, fields are separated by commas, and an empty field is a null.
Scoring needs {score}; training needs {train}. Any other table may be missing or empty: the features from it are then null.
Events may name customers, sellers, products and, but for claims, orders that their tables lack.

`claimvet data validate DIR` checks all of this and names each broken rule with table, column, number of rows and up to five keys.
"""

_COLUMNS = """
## Types

A column of the contract that is not there is “{missing}”, a value of another type “{wrong}”, a time whose zone is not told
“{zone}”, a null in a column that may not have any “{null}”, and a key that occurs twice “{duplicate}”.

| kind | has to be | else | Parquet | CSV |
|---|---|---|---|---|
"""

_STORED = {
    Kind.IDENTIFIER: ("any string type, dictionaries too", "text"),
    Kind.CATEGORY: ("any string type, dictionaries too", "text"),
    Kind.CHOICE: ("any string type, dictionaries too", "text"),
    Kind.TEXT: ("any string type, dictionaries too", "text"),
    Kind.TIME: ("a timestamp that is adjusted to UTC, of any unit", "`2026-01-31T09:00:00Z`, or with another offset"),
    Kind.MONEY: ("any number type", "`12.50`"),
}

_TAIL = """
## Extra columns

Columns of `claims` whose name begins with `x_` become features as they are: numbers, booleans or strings; anything else is
“{wrong}”. Columns of `claims` whose name begins with `group_` only split the fairness report. Any other column, and any other table, is
ignored, and said so once.

## Choices made where the contract leaves one

- A column without any value has every type: a Parquet file of nulls alone need not say what they are nulls of.
- A key that is null is “{null}” and not “{duplicate}” as well.
- Rows that break a rule are counted; of “{duplicate}”, all rows of the repeated key.
- NaN is no money: “{money}”. In Parquet a missing amount is a null.
- A Parquet timestamp of the old INT96 kind does not say its zone: “{zone}”.
- A `claims` table without rows is “{empty}”, for there is nothing to do; a file of new claims without rows is not.
- Where a table cannot be read, nothing else is said about it, and nothing about the tables that refer to it.
"""


def page() -> str:
    """The whole page as Markdown."""
    head = _HEAD.format(score=_named(NEEDED_TO_SCORE), train=_named(NEEDED_TO_TRAIN))
    kinds = "".join(_kind_row(kind) for kind in Kind)
    columns = _COLUMNS.format(
        missing=Rule.MISSING_COLUMN,
        wrong=Rule.WRONG_TYPE,
        zone=Rule.NO_ZONE,
        null=Rule.NULL,
        duplicate=Rule.DUPLICATE_KEY,
    )
    tail = _TAIL.format(
        wrong=Rule.WRONG_TYPE,
        null=Rule.NULL,
        duplicate=Rule.DUPLICATE_KEY,
        money=Rule.BAD_MONEY,
        zone=Rule.NO_ZONE,
        empty=Rule.EMPTY_TABLE,
    )
    return head + columns + kinds + "".join(map(_section, TABLES.values())) + _relations() + tail


def _named(tables: tuple[str, ...]) -> str:
    return " and ".join(f"`{name}`" for name in tables)


def _kind_row(kind: Kind) -> str:
    nameless = Column("", kind, "")
    expected = "one of the values listed" if kind is Kind.CHOICE else expected_value(nameless)
    rule = value_rule(nameless)
    return f"| {kind.value} | {expected} | {rule.value if rule else ''} | {' | '.join(_STORED[kind])} |\n"


def _section(table: Table) -> str:
    key = ", ".join(f"`{name}`" for name in table.key)
    head = f"\n## {table.name}\n\nA row is {table.meaning}. Key: {key}. Known at: `{table.known_at}`.\n\n"
    return (
        head
        + "| column | kind | null | what it is |\n|---|---|---|---|\n"
        + "".join(_row(column) for column in table.columns)
    )


def _row(column: Column) -> str:
    kind = (
        f"one of {', '.join(f'`{value}`' for value in column.values)}"
        if column.kind is Kind.CHOICE
        else column.kind.value
    )
    return f"| `{column.name}` | {kind} | {'may be' if column.nullable else 'no'} | {column.meaning} |\n"


def _relations() -> str:
    head = "\n## Between columns and tables\n\n| table | column | rule that may break | what has to hold |\n|---|---|---|---|\n"
    return head + "".join(f"| {each.table} | `{each.culprit}` | {each.rule} | {_holds(each)} |\n" for each in RELATIONS)


def _holds(relation: Relation) -> str:
    across = f", where `{relation.other}` has rows" if isinstance(relation, Reference | TimeOrderAcross) else ""
    return relation.expected + across


def main(arguments: list[str]) -> int:
    """Write the page, or only compare it with `--check`; the exit status."""
    if "--check" in arguments:
        return 0 if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page() else 1
    aside = PAGE.with_suffix(".md.part")
    aside.write_text(page(), encoding="utf-8")
    os.replace(aside, PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
