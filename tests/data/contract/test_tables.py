"""The twelve tables as the contract's page has them."""

from __future__ import annotations

import re

import pytest

from claimvet.data.contract.tables import (
    DECIDERS,
    FINDINGS,
    NEEDED_TO_SCORE,
    NEEDED_TO_TRAIN,
    TABLES,
    Column,
    Kind,
    Table,
)

PAGE = """
customers           | customer_id             | created_at   |
sellers             | seller_id               | created_at   |
products            | product_id              | listed_at    | seller_id, category_id, price
orders              | order_id                | ordered_at   | customer_id, seller_id, product_id, amount
returns             | return_id               | requested_at | order_id, customer_id, seller_id, product_id, reason, inspected_at, condition, refund_amount
claims              | claim_id                | filed_at     | order_id, customer_id, seller_id, product_id, incident_at, claim_type, amount_claimed, narrative
evidence            | evidence_id             | submitted_at | claim_id, customer_id, kind, content_hash
outcomes            | outcome_id              | decided_at   | claim_id, label, decided_by, amount_paid
identity_links      | customer_id, kind, token | seen_at     |
seller_reports      | report_id               | reported_at  | seller_id, customer_id, order_id, reason
insurance_policies  | policy_id               | valid_from   | seller_id, valid_to, coverage_amount
seller_violations   | violation_id            | recorded_at  | seller_id, rule, lifted_at
"""  # noqa: E501
LINES = [[cell.strip() for cell in line.split("|")] for line in PAGE.strip().splitlines()]
CHOICES = {
    ("returns", "reason"): "defective, damaged, not_as_described, no_longer_needed, wrong_item, missing_parts, other",
    ("returns", "condition"): "like_new, used, damaged, empty_box, different_item, not_received",
    ("claims", "claim_type"): "property_damage, personal_injury",
    ("evidence", "kind"): "photo, receipt, medical_report, police_report, repair_estimate, other",
    ("identity_links", "kind"): "device, payment, address, phone",
    ("outcomes", "label"): "valid, frivolous, abusive",
    ("outcomes", "decided_by"): "expert, investigator, seller_defense, appeal, concession",
}
NULLABLE = {
    "claims": {"order_id", "incident_at", "amount_claimed", "narrative"},
    "products": {"price"},
    "returns": {"inspected_at", "condition"},
    "insurance_policies": {"coverage_amount"},
    "outcomes": {"amount_paid"},
    "seller_reports": {"order_id"},
    "seller_violations": {"lifted_at"},
}
COLUMNS = [(table, column) for table in TABLES.values() for column in table.columns]


def test_the_tables_are_those_of_the_contract() -> None:
    assert list(TABLES) == [line[0] for line in LINES]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[0])
def test_a_table_has_the_contracts_key_time_and_columns(line: list[str]) -> None:
    name, key, known_at, others = line
    table = TABLES[name]
    assert table.key == tuple(key.split(", "))
    assert table.known_at == known_at
    assert set(table.column_names) == {*table.key, known_at, *filter(None, others.split(", "))}
    assert len(set(table.column_names)) == len(table.columns)


@pytest.mark.parametrize(("table", "column"), CHOICES)
def test_a_choice_has_the_contracts_values(table: str, column: str) -> None:
    assert TABLES[table].column(column).values == tuple(CHOICES[table, column].split(", "))


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_only_what_the_contract_names_may_be_null(table: Table) -> None:
    assert {column.name for column in table.columns if column.nullable} == NULLABLE.get(table.name, set())
    assert not NULLABLE.get(table.name, set()) & {*table.key, table.known_at}


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda part: part.name)
def test_a_columns_kind_fits_its_name(table: Table, column: Column) -> None:
    assert (column.kind is Kind.TIME) == column.name.endswith(("_at", "valid_from", "valid_to"))
    assert (column.kind is Kind.MONEY) == bool(re.search("amount|price", column.name))
    assert (column.kind in {Kind.IDENTIFIER, Kind.CATEGORY}) == column.name.endswith("_id")
    assert (column.kind is Kind.CHOICE) == bool(column.values) == ((table.name, column.name) in CHOICES)
    assert column.meaning


def test_a_concession_is_no_finding() -> None:
    assert (*FINDINGS, "concession") == DECIDERS


def test_claims_score_and_outcomes_train() -> None:
    assert NEEDED_TO_SCORE == ("claims",)
    assert NEEDED_TO_TRAIN == ("claims", "outcomes")


def test_a_column_that_the_contract_lacks_is_named() -> None:
    with pytest.raises(KeyError, match="the contract's table orders has no column colour"):
        TABLES["orders"].column("colour")


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(TypeError, match="does not support item assignment"):
        TABLES["orders"] = TABLES["claims"]  # type: ignore[index]
