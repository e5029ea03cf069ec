"""Which columns of a claim's order, product, category, customer and seller features may read, and since when they were
known."""

from __future__ import annotations

HAZARDS = ("injury_rate", "severity", "incident_index")
"""Columns of the category reference that become features."""

LOOKUPS: dict[str, tuple[str, str, dict[str, str]]] = {
    "orders": ("order_id", "ordered_at", {"ordered_at": "ordered_at", "order_amount": "amount"}),
    "products": ("product_id", "listed_at", {"listed_at": "listed_at", "price": "price", "category_id": "category_id"}),
    "customers": ("customer_id", "created_at", {"customer_created_at": "created_at"}),
    "sellers": ("seller_id", "created_at", {"seller_created_at": "created_at"}),
}
"""Per table: key, known-at column, and the context columns taken from it."""
