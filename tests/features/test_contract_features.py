"""The features that the contract names, each worked out by hand on a history that fits on a page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from claimvet.features.catalogue.features import BY_NAME
from tests.features.worlds import DAY, Row, World, build, instant

FILED = instant("2024-03-01T12:00:00")


def ago(days: float, micros: int = 0) -> int:
    """So many days before the claim `now` was filed, and so many microseconds after that."""
    return FILED - round(days * DAY) + micros


def order(number: int, days: float, amount: float, customer: str = "ann", product: str = "lamp") -> Row:
    ids = {"order_id": f"o{number}", "customer_id": customer, "seller_id": "shop", "product_id": product}
    return {**ids, "amount": amount, "ordered_at": ago(days)}


def claim(name: str, days: float, amount: float | None, customer: str = "ann", product: str = "lamp") -> Row:
    parties = {"claim_id": name, "customer_id": customer, "seller_id": "shop", "product_id": product}
    kind = {"claim_type": "property_damage", "narrative": None, "incident_at": ago(days + 3)}
    return {**parties, **kind, "order_id": None, "filed_at": ago(days), "amount_claimed": amount}


def returned(
    number: int, days: float, refund: float, inspected: float | None = None, condition: str | None = None
) -> Row:
    parties = {
        "return_id": f"r{number}",
        "order_id": "o1",
        "customer_id": "ann",
        "seller_id": "shop",
        "product_id": "lamp",
    }
    found = {"inspected_at": None if inspected is None else ago(inspected), "condition": condition}
    return {**parties, "reason": "defective", "requested_at": ago(days), "refund_amount": refund, **found}


def outcome(number: int, of: str, days: float, label: str) -> Row:
    decided = {"label": label, "decided_by": "expert", "decided_at": ago(days), "amount_paid": None}
    return {"outcome_id": f"d{number}", "claim_id": of, **decided}


def evidence(number: int, of: str, customer: str, content_hash: str, at: int) -> Row:
    ids = {"evidence_id": f"e{number}", "claim_id": of, "customer_id": customer}
    return {**ids, "kind": "photo", "content_hash": content_hash, "submitted_at": at}


def link(customer: str, token: str, at: int, kind: str = "device") -> Row:
    return {"customer_id": customer, "kind": kind, "token": token, "seen_at": at}


def report(number: int, customer: str, at: int) -> Row:
    ids = {"report_id": f"s{number}", "seller_id": "shop", "customer_id": customer, "order_id": None}
    return {**ids, "reason": "lies", "reported_at": at}


HISTORY: World = {
    "products": [
        {"product_id": product, "seller_id": "shop", "category_id": category, "price": 50.0, "listed_at": ago(900)}
        for product, category in (("lamp", "lighting"), ("torch", "lighting"), ("chair", "furniture"))
    ],
    "orders": [
        order(1, 10, 200.0),
        order(2, 365, 40.0),  # on the edge: in
        {**order(3, 365, 1000.0), "ordered_at": ago(365, -1)},  # a microsecond earlier: out
        order(4, 0, 3000.0),  # at the very instant of filing: not before
        order(5, 90, 60.0, customer="bob"),
        order(6, 91, 70.0, customer="bob"),
    ],
    "returns": [
        returned(1, 20, 30.0, inspected=15, condition="empty_box"),
        returned(2, 90, 20.0, inspected=0, condition="empty_box"),  # opened when the claim was filed: not known before
        returned(3, 100, 10.0, inspected=95, condition="like_new"),
        returned(4, 400, 5.0, inspected=300, condition="not_received"),  # asked for too early, opened in time
    ],
    "claims": [
        {**claim("now", 0, 500.0), "order_id": "o1"},
        claim("twin", 0, 77.0),  # at the same instant
        claim("last month", 30, 100.0),
        claim("last year", 200, 50.0),
        claim("long ago", 400, 25.0),
        claim("unstated", 300, None),
        claim("of bob", 89, 10.0, customer="bob"),
        claim("of a torch", 91, 10.0, customer="cid", product="torch"),
        claim("of a chair", 91, 10.0, customer="cid", product="chair"),
    ],
    "outcomes": [
        outcome(1, "last year", 190, "valid"),
        outcome(2, "last year", 50, "abusive"),  # overturned
        outcome(3, "last month", 20, "abusive"),
        outcome(4, "last month", 0, "valid"),  # overturned too late to be known
        outcome(5, "long ago", 366, "abusive"),  # decided before the window
        outcome(6, "unstated", 10, "valid"),
        outcome(7, "of a torch", 60, "abusive"),
        outcome(8, "of a chair", 60, "abusive"),
    ],
    "evidence": [
        evidence(1, "now", "ann", "receipt", FILED),  # with the claim
        evidence(2, "now", "ann", "photo", FILED + 1),  # after it
        evidence(3, "of bob", "bob", "receipt", ago(89)),
        evidence(4, "of bob", "bob", "receipt", ago(88)),
        evidence(5, "of a torch", "cid", "receipt", FILED),  # not before
        evidence(6, "of a chair", "cid", "photo", ago(91)),
        evidence(7, "last year", "ann", "receipt", ago(200)),
        evidence(8, "someone", "dan", "receipt", FILED - 1),
    ],
    "identity_links": [
        link("ann", "tablet", ago(500)),
        link("bob", "tablet", ago(1)),
        link("bob", "card", ago(1), "payment"),
        link("ann", "card", ago(1), "payment"),  # bob counts once
        link("cid", "tablet", FILED),  # not before
        link("dan", "tablet", ago(5), "phone"),  # the same token of another kind
        link("ann", "flat", FILED, "address"),  # not before
        link("eve", "flat", ago(9), "address"),
    ],
    "seller_reports": [
        report(1, "ann", ago(365)),
        report(2, "ann", ago(365, -1)),
        report(3, "bob", ago(3)),
        report(4, "ann", FILED),
    ],
}

EXPECTED = {
    "customer_orders_count_365d": 2,
    "customer_orders_amount_sum_365d": 240.0,
    "customer_returns_count_90d": 2,
    "customer_returns_count_365d": 3,
    "customer_returns_refund_sum_365d": 60.0,
    "customer_returns_bad_condition_count_365d": 2,
    "customer_return_rate_365d": 1.5,
    "customer_claims_count_30d": 1,
    "customer_claims_count_365d": 3,
    "customer_claims_amount_sum_365d": 150.0,
    "customer_abusive_outcomes_count_365d": 2,
    "customer_valid_outcomes_count_365d": 1,
    "seller_orders_count_90d": 2,
    "seller_claims_count_90d": 2,
    "seller_claims_count_365d": 6,
    "product_claims_count_365d": 4,
    "category_claims_count_365d": 5,
    "category_abusive_outcomes_count_365d": 3,
    "evidence_hash_other_customers_count": 2,
    "identity_shared_customers_count": 1,
    "customer_seller_reports_count_365d": 1,
    "claim_amount": 500.0,
    "claim_type": "property_damage",
    "claim_days_since_order": 10.0,
    "claim_days_since_incident": 3.0,
    "claim_amount_to_order_amount": 2.5,
}

LISTED = ("name", "description", "entity", "source", "aggregation", "column", "window_days", "filter", "dtype")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    features = [BY_NAME[name] for name in EXPECTED]
    return build(HISTORY, tmp_path_factory.mktemp("history"), features=features)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_feature_of_the_contract_is_what_it_is_by_hand(name: str, built: pd.DataFrame) -> None:
    assert built.loc["now", name] == EXPECTED[name]


def test_a_rate_is_null_without_orders(built: pd.DataFrame) -> None:
    assert built.loc["of a torch", "customer_orders_count_365d"] == 0
    assert pd.isna(built.loc["of a torch", "customer_return_rate_365d"])


def test_a_claim_without_order_has_no_order_to_compare_with(built: pd.DataFrame) -> None:
    assert built.loc["last year", ["claim_days_since_order", "claim_amount_to_order_amount"]].isna().all()


@pytest.mark.slow
def test_a_claim_older_than_any_event_counts_nothing(tmp_path: Path) -> None:
    first = {"claims": [claim("first", 2000, 1.0), *HISTORY["claims"]]}
    counts = [
        BY_NAME[name]
        for name in EXPECTED
        if name.endswith(("d", "count")) and "rate" not in name and not name.startswith("claim")
    ]
    built = build(HISTORY | first, tmp_path, features=counts)
    assert built.loc["first"].eq(0).all()


def test_a_listing_has_the_contracts_fields() -> None:
    for name in EXPECTED:
        assert set(LISTED) <= set(BY_NAME[name].listing())


def test_a_listing_says_what_the_feature_is() -> None:
    listing = BY_NAME["customer_returns_bad_condition_count_365d"].listing()
    assert {field: listing[field] for field in LISTED} == {
        "name": "customer_returns_bad_condition_count_365d",
        "description": "number of the customer's returns that came back empty, swapped or not at all "
        "in the 365 days before the claim was filed",
        "entity": "customer",
        "source": "inspections",
        "aggregation": "count",
        "column": None,
        "window_days": 365,
        "filter": "condition in (empty_box, different_item, not_received)",
        "dtype": "int64",
    }


@pytest.mark.parametrize("name", EXPECTED)
def test_a_name_tells_entity_and_window(name: str) -> None:
    listing = BY_NAME[name].listing()
    assert listing["name"] == name
    assert name.startswith(f"{listing['entity']}_")
    window = listing["window_days"]
    assert name.endswith(f"_{window}d") if window is not None else not name.endswith("d")
