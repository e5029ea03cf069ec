"""The claim with what was known of its order, product, category, customer and seller just before it was filed.

One row per claim to build: `row` (int64, place in the input), the contract's claim columns, and the columns of `CONTEXT_COLUMNS`.
A party that the platform did not know strictly before `filed_at` is null, as is one whose table is missing.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from data.contract.tables import FEATURE_COLUMN_PREFIX
from data.reference import load_categories
from features.engine import Engine

HAZARDS = ("injury_rate", "severity", "incident_index")
"""Columns of the category reference that become features."""

LOOKUPS: dict[str, tuple[str, str, dict[str, str]]] = {
    "orders": ("order_id", "ordered_at", {"ordered_at": "ordered_at", "order_amount": "amount"}),
    "products": ("product_id", "listed_at", {"listed_at": "listed_at", "price": "price", "category_id": "category_id"}),
    "customers": ("customer_id", "created_at", {"customer_created_at": "created_at"}),
    "sellers": ("seller_id", "created_at", {"seller_created_at": "created_at"}),
}
"""Per table: key, known-at column, and the context columns taken from it."""


def claim_context(engine: Engine) -> ir.Table:
    """The claims to build with their context, kept in the engine."""
    context = engine.targets().rename(amount="amount_claimed")
    for name, (key, known_at, columns) in LOOKUPS.items():
        context = _look_up(engine, context, name, key, known_at, columns)
    return engine.keep(_with_hazards(context))


def extra_columns(context: ir.Table) -> list[str]:
    """The user's own `x_` columns, in the input's order."""
    return [name for name in context.columns if name.startswith(FEATURE_COLUMN_PREFIX)]


def _look_up(
    engine: Engine, context: ir.Table, table: str, key: str, known_at: str, columns: dict[str, str]
) -> ir.Table:
    if not engine.has(table):
        types = {name: "string" if name.endswith("_id") else "int64" for name in columns}
        return context.mutate(**{name: ibis.null(type_) for name, type_ in types.items()})
    found = engine.table(table).select(
        looked_up=key, known=known_at, **{f"found_{name}": column for name, column in columns.items()}
    )
    joined = context.left_join(found, [context[key] == found.looked_up, found.known < context.filed_at])
    return joined.select(*context.columns, **{name: joined[f"found_{name}"] for name in columns})


def _with_hazards(context: ir.Table) -> ir.Table:
    reference = load_categories()[["category_id", *HAZARDS]]
    hazards = ibis.memtable(pa.Table.from_pandas(reference, preserve_index=False)).rename(reference_id="category_id")
    joined = context.left_join(hazards, context.category_id == hazards.reference_id)
    return joined.select(*context.columns, *HAZARDS)
