"""A small data set that keeps the contract, to be spoiled one way at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

Tables = dict[str, pd.DataFrame]


def at(*days: str | None) -> pd.Series:
    """Instants in UTC, microseconds."""
    return pd.Series(pd.to_datetime(list(days), utc=True, format="ISO8601")).dt.as_unit("us")


def make_tables() -> Tables:
    """Every table of the contract, a few rows each, with every nullable column null somewhere."""
    ids: dict[str, list[Any]] = {
        "customer_id": ["c1", "c2", "c3"],
        "seller_id": ["s1", "s2", "s1"],
        "product_id": ["p1", "p2", "p1"],
    }
    early = at("2024-01-01", "2024-01-02", "2024-01-03")
    return {
        "customers": pd.DataFrame({"customer_id": ["c1", "c2"], "created_at": early[:2]}),
        "sellers": pd.DataFrame({"seller_id": ["s1", "s2"], "created_at": early[:2]}),
        "products": pd.DataFrame(
            {
                "product_id": ["p1", "p2"],
                "seller_id": ["s1", "s2"],
                "category_id": ["kitchen", "a category " * 9],
                "price": [9.5, None],
                "listed_at": early[:2],
            }
        ),
        "orders": pd.DataFrame(
            {"order_id": ["o1", "o2", "o3"], **ids, "amount": [9.5, 0.0, 1200.0], "ordered_at": early},
        ),
        "returns": pd.DataFrame(
            {
                "return_id": ["r1", "r2", "r3"],
                "order_id": ["o1", "o2", "o9"],
                **ids,
                "reason": ["defective", "other", "damaged"],
                "requested_at": early,
                "inspected_at": at("2024-02-01", None, "2024-01-03"),
                "condition": ["used", None, "empty_box"],
                "refund_amount": [9.5, 0.0, 3.25],
            }
        ),
        "claims": pd.DataFrame(
            {
                "claim_id": ["k1", "k2", "k3"],
                "order_id": ["o1", None, "o3"],
                **ids,
                "incident_at": at("2024-03-01", None, "2024-03-03"),
                "filed_at": at("2024-03-02", "2024-03-02T10:00:00.123456", "2024-03-03"),
                "claim_type": ["property_damage", "personal_injury", "property_damage"],
                "amount_claimed": [99.99, None, 2500.0],
                "narrative": ['It said "bang",\nand broke', None, ""],
            }
        ),
        "evidence": pd.DataFrame(
            {
                "evidence_id": ["e1", "e2"],
                "claim_id": ["k1", "k9"],
                "customer_id": ["c1", "c2"],
                "kind": ["photo", "receipt"],
                "content_hash": ["h1", "h1"],
                "submitted_at": early[:2],
            }
        ),
        "outcomes": pd.DataFrame(
            {
                "outcome_id": ["d1", "d2", "d3"],
                "claim_id": ["k1", "k1", "k3"],
                "label": ["abusive", "valid", "frivolous"],
                "decided_by": ["expert", "appeal", "concession"],
                "decided_at": at("2024-03-05", "2024-04-01", "2024-03-03"),
                "amount_paid": [None, 99.99, 0.0],
            }
        ),
        "identity_links": pd.DataFrame(
            {
                "customer_id": ["c1", "c1", "c2"],
                "kind": ["device", "phone", "device"],
                "token": ["t1", "t1", "t1"],
                "seen_at": early,
            }
        ),
        "seller_reports": pd.DataFrame(
            {
                "report_id": ["q1", "q2"],
                "seller_id": ["s1", "s2"],
                "customer_id": ["c1", "c2"],
                "order_id": ["o1", None],
                "reason": ["returns used goods", "rude"],
                "reported_at": early[:2],
            }
        ),
        "insurance_policies": pd.DataFrame(
            {
                "policy_id": ["i1", "i2"],
                "seller_id": ["s1", "s2"],
                "valid_from": early[:2],
                "valid_to": at("2025-01-01", "2024-01-02"),
                "coverage_amount": [1e6, None],
            }
        ),
        "seller_violations": pd.DataFrame(
            {
                "violation_id": ["v1", "v2"],
                "seller_id": ["s1", "s2"],
                "rule": ["late shipment rate", "restricted product"],
                "recorded_at": early[:2],
                "lifted_at": at("2024-01-02", None),
            }
        ),
    }


def write_parquet(tables: Tables, folder: Path) -> Path:
    """One Parquet file a table."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def write_directories(tables: Tables, folder: Path) -> Path:
    """A directory of Parquet files a table, one row each, as Spark leaves them."""
    for name, frame in tables.items():
        (folder / f"{name}.parquet").mkdir(parents=True)
        (folder / f"{name}.parquet" / "_SUCCESS").touch()
        for part in range(len(frame)):
            frame[part : part + 1].to_parquet(folder / f"{name}.parquet" / f"part-{part:03}.parquet", index=False)
    return folder


def write_csv(tables: Tables, folder: Path) -> Path:
    """One CSV file a table."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


WRITERS: dict[str, Callable[[Tables, Path], Path]] = {
    "parquet": write_parquet,
    "directories": write_directories,
    "csv": write_csv,
}
