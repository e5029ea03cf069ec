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
    value_rules,
)
from claimvet.data.contract.tables import NEEDED_TO_SCORE, NEEDED_TO_TRAIN, TABLES, Column, Kind, Table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "contract.md"
"""Where the page lies in a checkout."""

_HEAD = """# The tables and what must hold in them

<!-- Written by `python -m claimvet.pipeline.validate.reference_page` from data/contract/; change it there. -->

A data set is a directory with one Parquet file, one directory of Parquet files, or one CSV file a table: `claims.parquet`, `orders.csv`, …
The name of a file says its format in any case (`.parquet`, `.csv`, `.csv.gz`); where its first bytes say otherwise they count, and a note
says so. In CSV the first line names the columns, fields are separated by commas, text is UTF-8 (or UTF-16 with its mark), and an empty
field is a null. Directories `key=value` inside a table's own directory are columns of strings, and no file may have a column of that name;
no name above the table means anything. What spreadsheets make of a table (other separators, `sep=;`, names in capitals, `$1,234.50`) is
named and not repaired.
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
“{wrong}”. A number that is not finite counts as missing, and a note says how many do. Columns of `claims` whose name begins with
`group_` only split the fairness report. Any other column, and any other table, is ignored, and said so once.

{types}
## Choices made where the contract leaves one

- A column without any value has every type: a Parquet file of nulls alone need not say what they are nulls of.
- A key that is null is “{null}” and not “{duplicate}” as well.
- Rows that break a rule are counted; of “{duplicate}”, all rows of the repeated key.
- NaN is no money: “{money}”. In Parquet a missing amount is a null.
- A Parquet timestamp of the old INT96 kind does not say its zone: “{zone}”.
- A `claims` table without rows is “{empty}”, for there is nothing to do; a file of new claims without rows is not.
- “{ahead}” allows for clocks that differ by `validate.clock_tolerance_hours` of params.yaml; a policy may begin and end later.
- Where a table cannot be read, nothing else is said about it, and nothing about the tables that refer to it.
"""

_TYPES = """### Types of `x_` columns

Parquet says the type of a column itself. In CSV it is never guessed from the first rows. At scoring it is the type that the model learned,
in both formats: a text is then text whatever it looks like (`02139`, `1.50`, `true`), and a value that is no number in a column of numbers
is “wrong type” with the value. A file of claims beside a data set whose own claims are Parquet has the types of those. Where nobody knows
the type (`features build`, `train`, `backtest`, `events load` of CSV) this rule looks at all values that are not empty:

1. all are `true` or `false`, in any case: booleans;
2. all are written as quantities are: digits without leading zeros, with a minus sign and a decimal point where needed (`-12.50`),
   integers of at most 15 digits, an exponent only in lower case and with a sign, as programs write very small and very large numbers
   (`1e-05`): numbers; `inf` and `nan` may be among them, and are missing;
3. else text: `02139`, `+49301234`, `1E5`, `1234567890123456` are codes. A note says so where most of the values look like numbers.

A person overrides it in params.yaml, and then no column of another type passes:

    read:
      types: {x_zip: text, x_floor: number, x_gift: boolean}
"""


def page() -> str:
    """Return the whole page as Markdown."""
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
        ahead=Rule.TIME_AFTER_NOW,
        types=_TYPES,
    )
    return head + columns + kinds + "".join(map(_section, TABLES.values())) + _relations() + tail


def _named(tables: tuple[str, ...]) -> str:
    return " and ".join(f"`{name}`" for name in tables)


def _kind_row(kind: Kind) -> str:
    nameless = Column("", kind, "")
    expected = "one of the values listed" if kind is Kind.CHOICE else expected_value(nameless)
    rules = "; ".join(rule.value for rule in value_rules(nameless))
    return f"| {kind.value} | {expected} | {rules} | {' | '.join(_STORED[kind])} |\n"


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
