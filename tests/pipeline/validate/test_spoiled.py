"""Every way of being wrong, one spoiled copy of a good data set each: exactly that is reported, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from claimvet.data.contract.reading.options import ReadOptions
from claimvet.data.contract.rules import Rule
from claimvet.pipeline.validate.data_set import judge
from tests.pipeline.validate.good_data import WRITERS, Tables, at, make_tables

ALL = ("parquet", "directories", "csv")
TYPED = ("parquet", "directories")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
Seen = tuple[str, str, Rule, int, tuple[str, ...]]


@dataclass(frozen=True)
class Case:
    """A way to spoil the tables, and the violations that have to be found, in order."""

    name: str
    spoil: Callable[[Tables], Any]
    expected: tuple[Seen, ...]
    formats: tuple[str, ...] = ALL


def put(table: str, column: str, **rows: Any) -> Callable[[Tables], None]:
    """Put values into rows: `put("orders", "amount", r1=-1.0)`."""

    def spoil(tables: Tables) -> None:
        values = tables[table][column].astype(object)
        for row, value in rows.items():
            values[int(row[1:])] = value
        tables[table][column] = pd.Series(
            list(values), dtype=None if tables[table][column].dtype.kind in "fM" else object
        )

    return spoil


def column(table: str, name: str, change: Callable[[pd.Series], Any]) -> Callable[[Tables], None]:
    """Replace a whole column."""

    def spoil(tables: Tables) -> None:
        tables[table][name] = change(tables[table][name])

    return spoil


def without(table: str, name: str) -> Callable[[Tables], None]:
    """Drop a column."""

    def spoil(tables: Tables) -> None:
        del tables[table][name]

    return spoil


def table(name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Tables], None]:
    """Replace a whole table."""

    def spoil(tables: Tables) -> None:
        tables[name] = change(tables[name])

    return spoil


def shifted(days: int) -> Callable[[pd.Series], pd.Series]:
    """All times of a column moved by days."""
    return lambda times: times + pd.Timedelta(days=days)


O123, K123 = ("o1", "o2", "o3"), ("k1", "k2", "k3")

CASES = (
    Case("a column is missing", without("orders", "amount"), (("orders", "amount", Rule.MISSING_COLUMN, 3, O123),)),
    Case(
        "a nullable column is missing",
        without("claims", "narrative"),
        (("claims", "narrative", Rule.MISSING_COLUMN, 3, K123),),
    ),
    Case(
        "the key column is missing",
        without("evidence", "evidence_id"),
        (("evidence", "evidence_id", Rule.MISSING_COLUMN, 2, ("row 1", "row 2")),),
    ),
    Case(
        "a column is missing of a table that others refer to",
        without("claims", "filed_at"),
        (("claims", "filed_at", Rule.MISSING_COLUMN, 3, K123),),
    ),
    Case(
        "identifiers are integers",
        column("orders", "customer_id", lambda ids: [1, 2, 3]),
        (("orders", "customer_id", Rule.WRONG_TYPE, 3, O123),),
        TYPED,
    ),
    Case(
        "identifiers are bytes",
        column("orders", "customer_id", lambda ids: [b"c1", b"c2", b"c3"]),
        (("orders", "customer_id", Rule.WRONG_TYPE, 3, O123),),
        TYPED,
    ),
    Case(
        "a choice is an integer",
        column("claims", "claim_type", lambda types: [0, 1, 0]),
        (("claims", "claim_type", Rule.WRONG_TYPE, 3, K123),),
        TYPED,
    ),
    Case(
        "money is a string",
        column("orders", "amount", lambda money: ["9.5", "0", "1200"]),
        (("orders", "amount", Rule.WRONG_TYPE, 3, O123),),
        TYPED,
    ),
    Case(
        "money cannot be read as a number",
        column("orders", "amount", lambda money: ["9.5", "$3", "1,200"]),
        (("orders", "amount", Rule.WRONG_TYPE, 2, ("o2", "o3")),),
        ("csv",),
    ),
    Case(
        "a time is a string",
        column("claims", "incident_at", lambda times: times.astype(str)),
        (("claims", "incident_at", Rule.WRONG_TYPE, 2, ("k1", "k3")),),
        TYPED,
    ),
    Case(
        "a time is a date",
        column("orders", "ordered_at", lambda times: times.dt.date),
        (("orders", "ordered_at", Rule.WRONG_TYPE, 3, O123),),
        TYPED,
    ),
    Case(
        "a time is a number",
        column("orders", "ordered_at", lambda times: times.astype("int64")),
        (("orders", "ordered_at", Rule.WRONG_TYPE, 3, O123),),
    ),
    Case(
        "a time has no zone",
        column("claims", "filed_at", lambda times: times.dt.tz_localize(None)),
        (("claims", "filed_at", Rule.NO_ZONE, 3, K123),),
    ),
    Case(
        "a time has no zone in some rows",
        column("orders", "ordered_at", lambda times: ["2024-01-01T00:00:00Z", "2024-01-02", "2024-01-03 10:00:00"]),
        (("orders", "ordered_at", Rule.NO_ZONE, 2, ("o2", "o3")),),
        ("csv",),
    ),
    Case(
        "a time cannot be read",
        column(
            "orders", "ordered_at", lambda times: ["yesterday", "2024-01-02T00:00:00+01:00", "2024-13-01T00:00:00Z"]
        ),
        (("orders", "ordered_at", Rule.WRONG_TYPE, 2, ("o1", "o3")),),
        ("csv",),
    ),
    Case(
        "a spreadsheet has rounded or lost identifiers",
        column("orders", "customer_id", lambda ids: ["1.2E+15", "#N/A", "1E5"]),
        (("orders", "customer_id", Rule.WRONG_TYPE, 2, ("o1", "o2")),),
        ("csv",),
    ),
    Case(
        "money and times are written as in a spreadsheet",
        lambda tables: tables.update(
            orders=tables["orders"].assign(
                amount=["1.234,56", "$1,234.50", "1_000"], ordered_at=["31.12.2025", "12/31/2025 09:00", "45657.5"]
            )
        ),
        (
            ("orders", "amount", Rule.WRONG_TYPE, 3, O123),
            ("orders", "ordered_at", Rule.WRONG_TYPE, 3, O123),
        ),
        ("csv",),
    ),
    Case(
        "a key occurs twice",
        column("orders", "order_id", lambda ids: ["o1", "o1", "o3"]),
        (("orders", "order_id", Rule.DUPLICATE_KEY, 2, ("o1",)),),
    ),
    Case(
        "a key of several columns occurs twice",
        column("identity_links", "kind", lambda kinds: ["phone", "phone", "device"]),
        (("identity_links", "customer_id, kind, token", Rule.DUPLICATE_KEY, 2, ("c1 / phone / t1",)),),
    ),
    Case(
        "an identifier is null", put("orders", "seller_id", r1=None), (("orders", "seller_id", Rule.NULL, 1, ("o2",)),)
    ),
    Case(
        "a key is null",
        put("evidence", "evidence_id", r0=None),
        (("evidence", "evidence_id", Rule.NULL, 1, ("null",)),),
    ),
    Case("money is null", put("orders", "amount", r0=None), (("orders", "amount", Rule.NULL, 1, ("o1",)),)),
    Case("a time is null", put("orders", "ordered_at", r2=None), (("orders", "ordered_at", Rule.NULL, 1, ("o3",)),)),
    Case(
        "a token is null",
        put("identity_links", "token", r0=None),
        (("identity_links", "token", Rule.NULL, 1, ("c1 / device / null",)),),
    ),
    Case(
        "an identifier is empty",
        put("orders", "seller_id", r1=""),
        (("orders", "seller_id", Rule.IDENTIFIER_LENGTH, 1, ("o2",)),),
        TYPED,
    ),
    Case(
        "an empty field is a null",
        put("orders", "seller_id", r1=""),
        (("orders", "seller_id", Rule.NULL, 1, ("o2",)),),
        ("csv",),
    ),
    Case(
        "an identifier has 65 characters",
        put("orders", "seller_id", r0="é" * 64, r1="x" * 65),
        (("orders", "seller_id", Rule.IDENTIFIER_LENGTH, 1, ("o2",)),),
    ),
    Case(
        "a category is empty",
        put("products", "category_id", r1=""),
        (("products", "category_id", Rule.EMPTY_STRING, 1, ("p2",)),),
        TYPED,
    ),
    Case(
        "a claim type is unknown",
        put("claims", "claim_type", r0="theft", r2="Property_Damage"),
        (("claims", "claim_type", Rule.UNKNOWN_VALUE, 2, ("k1", "k3")),),
    ),
    Case(
        "a label is unknown",
        put("outcomes", "label", r0="fraud"),
        (("outcomes", "label", Rule.UNKNOWN_VALUE, 1, ("d1",)),),
    ),
    Case(
        "a condition is unknown",
        put("returns", "condition", r0=" used"),
        (("returns", "condition", Rule.UNKNOWN_VALUE, 1, ("r1",)),),
    ),
    Case("money is negative", put("orders", "amount", r1=-0.01), (("orders", "amount", Rule.BAD_MONEY, 1, ("o2",)),)),
    Case(
        "money is infinite",
        put("returns", "refund_amount", r1=np.inf),
        (("returns", "refund_amount", Rule.BAD_MONEY, 1, ("r2",)),),
    ),
    Case(
        "money is not a number",
        column("orders", "amount", lambda money: ["1", "nan", "-inf"]),
        (("orders", "amount", Rule.BAD_MONEY, 2, ("o2", "o3")),),
        ("csv",),
    ),
    Case(
        "money is beyond its bound",
        put("orders", "amount", r0=999_999_999.99, r1=1e9, r2=1e17),
        (("orders", "amount", Rule.MONEY_TOO_GREAT, 2, ("o2", "o3")),),
    ),
    Case(
        "a token has 513 characters",
        put("identity_links", "token", r0="é" * 512, r1="é" * 513),
        (("identity_links", "token", Rule.TEXT_LENGTH, 1, (f"c1 / phone / {'é' * 66}…",)),),
    ),
    Case(
        "a category has 513 characters",
        put("products", "category_id", r1="x" * 513),
        (("products", "category_id", Rule.TEXT_LENGTH, 1, ("p2",)),),
    ),
    Case(
        "a feature has 513 characters",
        lambda tables: tables.update(claims=tables["claims"].assign(x_site=["x" * 512, "x" * 513, None])),
        (("claims", "x_site", Rule.TEXT_LENGTH, 1, ("k2",)),),
    ),
    Case(
        "a narrative has a NUL character",
        put("claims", "narrative", r0="it broke\0"),
        (("claims", "narrative", Rule.NUL_CHARACTER, 1, ("k1",)),),
    ),
    Case(
        "a time is after now",
        put("outcomes", "decided_at", r2=pd.Timestamp("2205-01-01T00:00:00Z"), r1=pd.Timestamp("2199-01-01T00:00:00Z")),
        (
            ("outcomes", "decided_at", Rule.TIME_OUT_OF_RANGE, 1, ("d3",)),
            ("outcomes", "decided_at", Rule.TIME_AFTER_NOW, 1, ("d2",)),
        ),
    ),
    Case(
        "a time is before 1900",
        put("customers", "created_at", r1=pd.Timestamp("1899-12-31T23:59:59Z")),
        (("customers", "created_at", Rule.TIME_OUT_OF_RANGE, 1, ("c2",)),),
    ),
    Case(
        "an incident is after its filing",
        put("claims", "incident_at", r0=pd.Timestamp("2024-03-02T00:00:00.000001Z")),
        (("claims", "incident_at", Rule.INCIDENT_AFTER_FILING, 1, ("k1",)),),
    ),
    Case(
        "a condition has no inspected_at",
        put("returns", "condition", r1="used"),
        (("returns", "condition", Rule.CONDITION_UNINSPECTED, 1, ("r2",)),),
    ),
    Case(
        "a policy ends before it starts",
        column("insurance_policies", "valid_to", shifted(-1)),
        (("insurance_policies", "valid_to", Rule.POLICY_ENDS_BEFORE_START, 1, ("i2",)),),
    ),
    Case(
        "an outcome is before its claim",
        put("outcomes", "decided_at", r2=pd.Timestamp("2024-03-02T23:59:59Z")),
        (("outcomes", "decided_at", Rule.OUTCOME_BEFORE_CLAIM, 1, ("d3",)),),
    ),
    Case(
        "an outcome has no claim",
        put("outcomes", "claim_id", r1="k9"),
        (("outcomes", "claim_id", Rule.OUTCOME_WITHOUT_CLAIM, 1, ("d2",)),),
    ),
    Case(
        "a claim is on an order that orders lacks",
        put("claims", "order_id", r2="o9"),
        (("claims", "order_id", Rule.CLAIM_WITHOUT_ORDER, 1, ("k3",)),),
    ),
    Case("claims are missing", lambda tables: tables.pop("claims"), (("claims", "", Rule.MISSING_TABLE, 0, ()),)),
    Case(
        "claims are empty",
        table("claims", lambda claims: claims.head(0)),
        (("claims", "", Rule.EMPTY_TABLE, 0, ()),),
        ("parquet", "csv"),
    ),
    Case(
        "a feature column is a list",
        lambda tables: tables.update(claims=tables["claims"].assign(x_sizes=[[1], [2], None])),
        (("claims", "x_sizes", Rule.WRONG_TYPE, 2, ("k1", "k2")),),
        ("parquet",),
    ),
    Case(
        "a feature column is a time",
        lambda tables: tables.update(claims=tables["claims"].assign(x_seen=at("2024-01-01", None, "2024-01-01"))),
        (("claims", "x_seen", Rule.WRONG_TYPE, 2, ("k1", "k3")),),
        TYPED,
    ),
)

WRITTEN = [pytest.param(case, form, id=f"{case.name} ({form})") for case in CASES for form in case.formats]


@pytest.mark.parametrize(("case", "form"), WRITTEN)
def test_exactly_what_is_wrong_is_reported(case: Case, form: str, tmp_path: Path) -> None:
    tables = make_tables()
    case.spoil(tables)
    report = judge(WRITERS[form](tables, tmp_path / "data"), read=ReadOptions(latest=NOW))
    seen = tuple((each.table, each.column, each.rule, each.rows, each.keys) for each in report.violations)
    assert seen == case.expected
    assert not report.ok


def test_every_rule_has_a_spoiled_copy() -> None:
    by_file = {Rule.NO_TABLE, Rule.TABLE_TWICE}  # in test_files.py
    assert {seen[2] for case in CASES for seen in case.expected} | by_file == set(Rule)


def test_all_that_is_wrong_is_reported_at_once(write: Callable[[Tables, Path], Path], tmp_path: Path) -> None:
    tables = make_tables()
    for case in (
        "money is negative",
        "a label is unknown",
        "a policy ends before it starts",
        "an outcome has no claim",
    ):
        next(each for each in CASES if each.name == case).spoil(tables)
    rules = [violation.rule for violation in judge(write(tables, tmp_path)).violations]
    assert rules == [Rule.BAD_MONEY, Rule.UNKNOWN_VALUE, Rule.OUTCOME_WITHOUT_CLAIM, Rule.POLICY_ENDS_BEFORE_START]


def test_five_keys_at_most_are_named_and_they_are_the_first_ones(
    write: Callable[[Tables, Path], Path], tmp_path: Path
) -> None:
    tables = make_tables()
    orders = pd.concat([tables["orders"]] * 4, ignore_index=True)
    orders["order_id"] = [f"o{number}" for number in range(12)]
    tables["orders"] = orders.assign(amount=[1.0, -1.0] * 6)
    tables["claims"]["order_id"] = None
    (violation,) = judge(write(tables, tmp_path)).violations
    assert (violation.rows, violation.keys) == (6, ("o1", "o3", "o5", "o7", "o9"))
