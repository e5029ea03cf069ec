"""Examples for the documentation; they run in the order of this page: events, claim, later."""

from __future__ import annotations

from typing import Any

EVENTS: list[dict[str, Any]] = [
    {"table": "customers", "row": {"customer_id": "C-1", "created_at": "2025-01-02T10:00:00Z"}},
    {"table": "sellers", "row": {"seller_id": "S-1", "created_at": "2024-05-06T08:30:00Z"}},
    {
        "table": "products",
        "row": {
            "product_id": "P-1",
            "seller_id": "S-1",
            "category_id": "ladders",
            "price": 129.0,
            "listed_at": "2024-06-01T00:00:00Z",
        },
    },
    {
        "table": "orders",
        "row": {
            "order_id": "O-1",
            "customer_id": "C-1",
            "seller_id": "S-1",
            "product_id": "P-1",
            "amount": 129.0,
            "ordered_at": "2026-02-03T14:15:16Z",
        },
    },
]
"""What the platform knew before the claim."""

CLAIM: dict[str, Any] = {
    "claim_id": "CL-1",
    "order_id": "O-1",
    "customer_id": "C-1",
    "seller_id": "S-1",
    "product_id": "P-1",
    "incident_at": "2026-02-20T18:00:00+01:00",
    "filed_at": "2026-02-21T09:30:00Z",
    "claim_type": "property_damage",
    "amount_claimed": 240.0,
    "narrative": "A rung broke and the ladder fell on my bicycle.",
    "evidence": [
        {"evidence_id": "E-1", "kind": "photo", "content_hash": "9f2c4b", "submitted_at": "2026-02-21T09:29:00Z"}
    ],
}
"""A claim with a piece of evidence."""

LATER = "2026-03-01T00:00:00Z"
"""An instant to score it again at."""
