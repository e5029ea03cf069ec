"""Rows from JSON: what is taken, and what is refused with the name of its field."""

from __future__ import annotations

from typing import Any

import pytest

from claimvet.data.contract.errors import RowError
from claimvet.data.contract.rules import MONEY_BOUND_USD
from claimvet.data.contract.tables import TABLES
from claimvet.scoring_service.http.parsing.rows import ignored_columns, parse_row
from claimvet.scoring_service.store.events.contract_rows import normalised

CLAIM: dict[str, Any] = {
    "claim_id": "k",
    "customer_id": "c",
    "seller_id": "s",
    "product_id": "p",
    "filed_at": "2026-01-01T00:00:00Z",
    "claim_type": "personal_injury",
    "x_score": 1,
    "group_age": None,
    "colour": "red",
}


def test_a_row_that_holds_what_it_must_is_taken_with_nulls_for_the_rest() -> None:
    event = parse_row("claims", CLAIM)
    assert event.row["filed_at"] == 1_767_225_600_000_000
    assert event.row["narrative"] is None
    assert event.extra == {"x_score": 1, "group_age": None}
    assert ignored_columns("claims", CLAIM) == ["colour"]
    assert ignored_columns("customers", {"customer_id": "c", "x_score": 1}) == ["x_score"]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("filed_at", "2026-01-01T00:00:00", "expected an RFC 3339 time with its zone"),
        ("filed_at", "2026-02-30T00:00:00Z", "expected an RFC 3339 time with its zone"),
        ("filed_at", "2026-01-01T00:00:00.1234567890Z", "expected an RFC 3339 time"),
        ("filed_at", "1899-12-31T00:00:00Z", "and a year from 1900 to 2199"),
        ("amount_claimed", 1e9, "amount_claimed is 1000000000.0, expected a .* less than 1,000,000,000 US dollars"),
        ("amount_claimed", 10**400, "a whole number of more than 80 digits, expected a finite number"),
        ("x_site", "s" * 513, "expected a finite number, a boolean, a string of at most 512 characters or null"),
        ("filed_at", "2026-01-01T00:00:00+24:00", "expected an RFC 3339 time"),
        ("filed_at", "٢026-01-01T00:00:00Z", "expected an RFC 3339 time"),
        ("filed_at", 1_767_225_600, "expected an RFC 3339 time"),
        ("claim_id", "", "claim_id is '', expected a string of 1 to 64 characters"),
        ("claim_id", "k" * 65, "expected a string of 1 to 64 characters"),
        ("claim_id", 5, "claim_id is 5, expected a string"),
        ("claim_id", "a\0b", "expected a string"),
        ("claim_id", "\ud800", "expected a string"),
        ("customer_id", None, "customer_id is null, expected a string"),
        ("claim_type", "theft", "expected one of property_damage, personal_injury"),
        ("claim_type", ["theft"], "expected one of property_damage, personal_injury"),
        ("amount_claimed", -0.01, "amount_claimed is -0.01, expected a finite number of US dollars"),
        ("amount_claimed", float("nan"), "amount_claimed is nan, expected a finite number"),
        ("amount_claimed", float("inf"), "amount_claimed is inf, expected a finite number"),
        ("amount_claimed", 999_999_999.995, "amount_claimed is 999999999.995, expected a finite number of US dollars"),
        ("amount_claimed", True, "amount_claimed is True, expected a finite number"),
        ("amount_claimed", "5", "amount_claimed is '5', expected a finite number"),
        ("incident_at", "2026-01-01T00:00:00.000001Z", "expected incident_at at or before filed_at"),
        ("x_score", [1], "x_score is .1., expected a finite number, a boolean, a string of at"),
        ("x_score", float("nan"), "x_score is nan, expected a finite number"),
        ("narrative", {}, "narrative is {}, expected a string"),
    ],
)
def test_what_breaks_the_contract_is_refused_by_the_name_of_its_field(field: str, value: Any, reason: str) -> None:
    with pytest.raises(RowError, match=reason) as error:
        parse_row("claims", {**CLAIM, field: value})
    assert error.value.field == field


def test_a_number_too_long_to_be_written_down_is_refused_all_the_same() -> None:
    with pytest.raises(RowError, match="a whole number of more than 80 digits, expected a finite number"):
        parse_row("claims", {**CLAIM, "amount_claimed": 10**5_000})


def test_what_is_no_row_of_a_table_is_refused() -> None:
    with pytest.raises(RowError, match="claim_id is missing, expected a string"):
        parse_row("claims", {})
    with pytest.raises(RowError, match=r"the row of claims is \[\], expected an object"):
        parse_row("claims", [])
    with pytest.raises(RowError, match="table is 'claim', expected one of customers, sellers"):
        parse_row("claim", CLAIM)


def test_what_ties_two_columns_together_holds() -> None:
    policy = {
        "policy_id": "p",
        "seller_id": "s",
        "valid_from": "2026-01-02T00:00:00Z",
        "valid_to": "2026-01-01T00:00:00Z",
    }
    with pytest.raises(RowError, match="valid_to is '2026-01-01T00:00:00Z', expected valid_from at or before valid_to"):
        parse_row("insurance_policies", policy)
    returned = {
        **{f"{name}_id": "x" for name in ("return", "order", "customer", "seller", "product")},
        "reason": "other",
    }
    returned |= {"requested_at": "2026-01-01T00:00:00Z", "refund_amount": 5, "condition": "used"}
    with pytest.raises(RowError, match="condition is 'used', expected inspected_at wherever condition is given"):
        parse_row("returns", returned)


@pytest.mark.parametrize(
    ("table", "field"), [("identity_links", "token"), ("evidence", "content_hash"), ("products", "category_id")]
)
def test_a_text_is_bounded_and_the_bound_is_told(table: str, field: str) -> None:
    texts = {"kind": {"identity_links": "device", "evidence": "photo"}.get(table)}
    row = {c.name: "x" if c.kind.name != "TIME" else "2026-01-01T00:00:00Z" for c in TABLES[table].columns}
    row |= {"price": None} | {name: value for name, value in texts.items() if value}
    assert parse_row(table, {**row, field: "é" * 512}).row[field] == "é" * 512
    with pytest.raises(RowError, match=f"{field} is .* of at most 512 characters") as caught:
        parse_row(table, {**row, field: "x" * 513})
    assert caught.value.field == field


def test_the_greatest_amount_is_below_the_bound_when_it_is_kept_to_the_cent() -> None:
    greatest = normalised(parse_row("claims", {**CLAIM, "amount_claimed": 999_999_999.994}))["amount_claimed"]
    assert greatest == MONEY_BOUND_USD * 100 - 1
