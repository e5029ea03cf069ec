"""What every contender computes: 72 features, and how they are called. Imports nothing, since every contender reads it.

For customer and seller, over orders, returns and earlier claims, in four windows: count, sum in dollars and mean in dollars of what was
known in `[filed_at - window, filed_at)`. Counts and sums of nothing are 0, the mean of nothing is null. Money is summed in cents.
"""

from __future__ import annotations

from dataclasses import dataclass

ENTITIES = ("customer", "seller")
WINDOWS = (7, 30, 90, 365)
"""Days."""
MICROSECONDS_PER_DAY = 86_400_000_000


@dataclass(frozen=True)
class Events:
    """A table whose rows are counted: its key, when a row was known, its money, and what features call that."""

    table: str
    key: str
    known_at: str
    money: str
    noun: str


SOURCES = (
    Events("orders", "order_id", "ordered_at", "amount", "amount"),
    Events("returns", "return_id", "requested_at", "refund_amount", "refund"),
    Events("claims", "claim_id", "filed_at", "amount_claimed", "amount"),
)


def feature_name(entity: str, source: Events, aggregation: str, window: int) -> str:
    """As `features.catalogue.declaration` derives it.

    >>> feature_name("seller", SOURCES[0], "sum", 7), feature_name("seller", SOURCES[0], "count", 7)
    ('seller_orders_amount_sum_7d', 'seller_orders_count_7d')
    """
    column = "" if aggregation == "count" else f"{source.noun}_"
    return f"{entity}_{source.table}_{column}{aggregation}_{window}d"


def feature_names() -> tuple[str, ...]:
    """All 72, in the order of the output.

    >>> len(feature_names())
    72
    """
    return tuple(
        feature_name(entity, source, aggregation, window)
        for entity in ENTITIES
        for source in SOURCES
        for window in WINDOWS
        for aggregation in ("count", "sum", "mean")
    )
