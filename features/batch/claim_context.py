"""The claim with what was known of its order, product, category, customer and seller just before it was filed.

One row per claim to build: `row` (int64, place in the input), the claim's keys, and what features need of the claim and
its parties. A party that the platform did not know strictly before `filed_at` is null, as is one whose table is
missing.
"""

from __future__ import annotations

from collections.abc import Collection

import ibis
import ibis.expr.types as ir

from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX
from claimvet.data.reference import category_table
from claimvet.features.catalogue.lookups import HAZARDS, LOOKUPS
from claimvet.features.engines.protocol import Engine

KEYS = ("row", "claim_id", "customer_id", "seller_id", "product_id", "order_id", "filed_at")
"""Columns that every context has."""


def claim_context(engine: Engine, needed: Collection[str]) -> ir.Table:
    """Return the claims to build, kept in the engine: their keys, `filed_at`, `x_` columns, and of all else the columns
    of `needed`.
    """
    hazards = bool(set(HAZARDS) & set(needed))
    needed = {*needed, "category_id"} if hazards else set(needed)
    targets = engine.targets().rename(amount="amount_claimed")
    own = [column for column in targets.columns if column in needed and column not in KEYS]
    context = targets.select(*KEYS, *extra_columns(targets), *own)
    for name, (key, known_at, found_columns) in LOOKUPS.items():
        columns = {column: found for column, found in found_columns.items() if column in needed}
        if not columns:
            continue
        if engine.has(name):
            found = _looked_up(targets, engine.table(name), key, known_at, columns)
            context = context.left_join(found, "row").drop("row_right")
        else:
            types = {column: "string" if column.endswith("_id") else "int64" for column in columns}
            context = context.mutate(**{column: ibis.null(dtype) for column, dtype in types.items()})
    return engine.keep(_with_hazards(engine, context) if hazards else context)


def extra_columns(context: ir.Table) -> list[str]:
    """Return the user's own `x_` columns, in the input's order."""
    return [name for name in context.columns if name.startswith(FEATURE_COLUMN_PREFIX)]


def _looked_up(targets: ir.Table, table: ir.Table, key: str, known_at: str, columns: dict[str, str]) -> ir.Table:
    """Return what was known of one party of the claims: `row` and `columns`, for the claims where something was."""
    asked = targets.select("row", "filed_at", asked=key)
    found = table.select(found=key, known=known_at, **columns)
    return asked.inner_join(found, [asked.asked == found.found, found.known < asked.filed_at]).select("row", *columns)


def _with_hazards(engine: Engine, context: ir.Table) -> ir.Table:
    hazards = engine.hold(category_table().select(["category_id", *HAZARDS])).rename(reference_id="category_id")
    joined = context.left_join(hazards, context.category_id == hazards.reference_id)
    return joined.select(*context.columns, *HAZARDS)
