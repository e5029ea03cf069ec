"""What the documentation says of a row is what the parser takes: two readings of the contract, each checked by the other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from claimvet.data.contract.errors import RowError
from claimvet.data.contract.rules import TimeOrder, relations_of
from claimvet.data.contract.tables import TABLES, Column, Kind
from claimvet.scoring_service.http.row_schemas import row_schema
from claimvet.scoring_service.http.rows import LARGEST_MONEY_USD, parse_row

VALIDATORS = {name: Draft202012Validator(row_schema(table)) for name, table in TABLES.items()}
TEXT = st.text(st.characters(codec="utf-8"), max_size=70)
GOOD: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.IDENTIFIER: st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=64),
    Kind.CATEGORY: st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
    Kind.TEXT: st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    Kind.TIME: st.builds(
        "{}-{:02}-{:02}T{:02}:{:02}:{:02}{}{}".format,
        st.integers(1900, 2199),
        st.integers(1, 12),
        st.integers(1, 28),
        st.integers(0, 23),
        st.integers(0, 59),
        st.integers(0, 59),
        st.sampled_from(["", ".5", ".123456"]),
        st.sampled_from(["Z", "+01:00", "-23:59"]),
    ),
    Kind.MONEY: st.integers(0, 10**10) | st.floats(0, LARGEST_MONEY_USD),
}
ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.sampled_from(
        ["", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00.1234567Z", "\0", "x" * 65]
    )
    | st.sampled_from([-0.01, LARGEST_MONEY_USD + 1, 2**63, -(2**63)])
    | st.lists(st.none(), max_size=1)
    | st.dictionaries(TEXT, st.none(), max_size=1)
)
"""Anything that JSON can hold, and what stands at the edges of the contract."""
EVERY_COLUMN = [(name, column) for name, table in TABLES.items() for column in table.columns]


def good(column: Column) -> st.SearchStrategy[Any]:
    return st.sampled_from(column.values) if column.kind is Kind.CHOICE else GOOD[column.kind]


def rows(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Rows of a table, of good values but for the order of two times; what may be null is null at times, or left out."""
    columns = TABLES[name].columns
    needed = {column.name: good(column) for column in columns if not column.nullable}
    others = {column.name: st.none() | good(column) for column in columns if column.nullable}
    return st.fixed_dictionaries(needed, optional=others)


def takes(name: str, row: dict[str, Any]) -> bool:
    try:
        parse_row(name, row)
    except RowError as error:
        orders = [relation for relation in relations_of(TABLES[name]) if isinstance(relation, TimeOrder)]
        # a schema cannot compare two times: the endpoint answers that with 409
        return any(str(error).endswith(relation.expected) for relation in orders)
    return True


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=25)
@given(data=st.data())
def test_rows_as_they_are_described_are_taken(name: str, data: st.DataObject) -> None:
    row = data.draw(rows(name))
    assert VALIDATORS[name].is_valid(row) == takes(name, row)


@pytest.mark.parametrize(("name", "column"), EVERY_COLUMN, ids=lambda part: getattr(part, "name", part))
@settings(max_examples=20)
@given(data=st.data())
def test_an_odd_value_is_refused_by_both_or_by_neither(name: str, column: Column, data: st.DataObject) -> None:
    value = data.draw(ODD)
    assume(not (column.kind is Kind.TIME and isinstance(value, str) and value[:2] not in {"19", "20", "21", "", "\0"}))
    row = {**data.draw(rows(name)), column.name: value}
    assert VALIDATORS[name].is_valid(row) == takes(name, row)


@pytest.mark.parametrize(("name", "column"), EVERY_COLUMN, ids=lambda part: getattr(part, "name", part))
@settings(max_examples=3)
@given(data=st.data())
def test_a_column_may_be_left_out_where_it_may_be_null(name: str, column: Column, data: st.DataObject) -> None:
    row = data.draw(rows(name))
    row.pop(column.name, None)
    assume(column.name != "inspected_at" or row.get("condition") is None)
    assert VALIDATORS[name].is_valid(row) == takes(name, row) == column.nullable


@given(st.sampled_from(["x_a", "group_a"]), ODD)
@settings(max_examples=60)
def test_a_claims_own_column_is_refused_by_both_or_by_neither(name: str, value: Any) -> None:
    row = {"claim_id": "k", "customer_id": "c", "seller_id": "s", "product_id": "p", name: value}
    row |= {"filed_at": "2026-01-01T00:00:00Z", "claim_type": "personal_injury"}
    assert VALIDATORS["claims"].is_valid(row) == takes("claims", row)
