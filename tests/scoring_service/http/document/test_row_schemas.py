"""What the documentation says of a row is what the parser takes: two readings of one declaration, each checked by the other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from claimvet.data.contract.errors import RowError, TimeOrderError
from claimvet.data.contract.rules import MONEY_BOUND_USD, TEXT_LENGTH
from claimvet.data.contract.tables import TABLES, Column
from claimvet.scoring_service.errors import ConflictError, ProblemError
from claimvet.scoring_service.http.document.openapi import document
from claimvet.scoring_service.http.parsing.column_schemas import TIME
from claimvet.scoring_service.http.parsing.request_parsing import score_request
from claimvet.scoring_service.http.parsing.rows import parse_row
from tests.examples import examples
from tests.scoring_service.http.document.from_schema import as_ecma, values_of

SCHEMAS = as_ecma(document()["components"]["schemas"])
VALIDATORS = {name: Draft202012Validator(SCHEMAS[f"row_{name}"]) for name in TABLES}
WHOLE = Draft202012Validator({"$ref": "#/components/schemas/ClaimToScore", "components": {"schemas": SCHEMAS}})
TEXT = st.text(st.characters(codec="utf-8"), max_size=70)
ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.sampled_from(["", "\0", "\n", "a\n", "x" * 64, "x" * 65, "x" * TEXT_LENGTH, "x" * (TEXT_LENGTH + 1), "é" * 64])
    | st.sampled_from(
        [
            "2026-01-01T00:00:00",
            "2026-13-01T00:00:00Z",
            "2024-02-29T00:00:00z",
            "2023-02-29T00:00:00Z",
            "2026-01-01 00:00:00.123456789+23:59",
            "2026-01-01T00:00:00.1234567890Z",
            "1899-12-31T23:59:59Z",
            "2200-01-01T00:00:00Z",
            "2026-01-01T00:00:00Z\n",
        ]
    )
    | st.sampled_from(
        [-0.01, -0.0, 0, MONEY_BOUND_USD, MONEY_BOUND_USD - 0.01, 1e300, 2**63, -(2**63), 2.0**63, 10**400]
    )
    | st.lists(st.none(), max_size=1)
    | st.dictionaries(TEXT, st.none(), max_size=1)
)
"""Anything that JSON can hold, and what stands at the edges of the contract."""
EVERY_COLUMN = [(name, column) for name, table in TABLES.items() for column in table.columns]


def takes(name: str, row: dict[str, Any]) -> bool:
    try:
        parse_row(name, row)
    except TimeOrderError:
        return True  # a schema cannot compare two times: the endpoint answers that with 409
    except RowError:
        return False
    return True


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=examples(12))
@given(data=st.data())
def test_rows_as_they_are_described_are_taken(name: str, data: st.DataObject) -> None:
    row = data.draw(values_of(SCHEMAS[f"row_{name}"], SCHEMAS))
    assert VALIDATORS[name].is_valid(row) == takes(name, row)


@pytest.mark.parametrize(("name", "column"), EVERY_COLUMN, ids=lambda part: getattr(part, "name", part))
@settings(max_examples=examples(12))
@given(data=st.data())
def test_an_odd_value_is_refused_by_both_or_by_neither(name: str, column: Column, data: st.DataObject) -> None:
    row = {**data.draw(values_of(SCHEMAS[f"row_{name}"], SCHEMAS)), column.name: data.draw(ODD)}
    assert VALIDATORS[name].is_valid(row) == takes(name, row)


@pytest.mark.slow
@settings(max_examples=examples(150))
@given(time=values_of(TIME, {}), data=st.data())
def test_a_time_with_one_other_character_is_refused_by_both_or_by_neither(time: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(time) - 1))
    time = time[:place] + data.draw(st.sampled_from("0123456789-+:.TtZz \n")) + time[place + 1 :]
    row = {"customer_id": "c", "created_at": time}
    assert VALIDATORS["customers"].is_valid(row) == takes("customers", row)


@pytest.mark.parametrize(("name", "column"), EVERY_COLUMN, ids=lambda part: getattr(part, "name", part))
@settings(max_examples=examples(3))
@given(data=st.data())
def test_a_column_may_be_left_out_where_it_may_be_null(name: str, column: Column, data: st.DataObject) -> None:
    row = data.draw(values_of(SCHEMAS[f"row_{name}"], SCHEMAS))
    row.pop(column.name, None)
    assume(column.name != "inspected_at" or row.get("condition") is None)
    assert VALIDATORS[name].is_valid(row) == takes(name, row) == column.nullable


@given(st.sampled_from(["x_a", "group_a", "x_", "y_a"]), ODD)
@settings(max_examples=examples(100))
def test_a_claims_own_column_is_refused_by_both_or_by_neither(name: str, value: Any) -> None:
    row = {"claim_id": "k", "customer_id": "c", "seller_id": "s", "product_id": "p", name: value}
    row |= {"filed_at": "2026-01-01T00:00:00Z", "claim_type": "personal_injury"}
    assert VALIDATORS["claims"].is_valid(row) == takes("claims", row)


@settings(max_examples=examples(30))
@given(data=st.data())
def test_a_whole_claim_with_its_evidence_is_refused_by_both_or_by_neither(data: st.DataObject) -> None:
    body = data.draw(values_of(SCHEMAS["ClaimToScore"], SCHEMAS))
    if body.get("evidence") and data.draw(st.booleans()):
        piece = body["evidence"][0]
        piece[data.draw(st.sampled_from([*SCHEMAS["EvidenceOfClaim"]["properties"], "more"]))] = data.draw(ODD)
    assert WHOLE.is_valid(body) == scored(dict(body))


def scored(body: dict[str, Any]) -> bool:
    try:
        score_request(body, "")
    except ConflictError:
        return True
    except ProblemError:
        return False
    return True
