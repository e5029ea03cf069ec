"""Every table of the store's database, declared once; `scoring_service/migrations` makes them.

The tables of the contract have the contract's names and columns, times in microseconds since 1970 UTC and money in cents. What is
derived of them to answer fast (`deltas`, `checkpoints`, `repeats`, `narratives`) is filled with them and can be made anew from them.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from claimvet.data.contract.tables import TABLES, Kind, Table
from claimvet.features.online.layout import EXTREMES, TOTALS

METADATA = sa.MetaData()

VERSION = "0005"
"""The revision of `scoring_service/migrations` that this code works with."""

BYTES_TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Text that compares byte by byte, as in SQLite, DuckDB and Python, whatever the database's own collation."""

TOTAL_COLUMNS = tuple(f"t{place}" for place in range(TOTALS))
EXTREME_COLUMNS = tuple(f"e{place}" for place in range(EXTREMES))

_FOUND_BY: dict[str, tuple[tuple[str, ...], ...]] = {
    "products": (("listed_at",),),
    "orders": (("product_id",),),
    "returns": (("product_id",), ("inspected_at",)),
    "claims": (("product_id",), ("customer_id",)),
    "evidence": (("claim_id", "submitted_at"), ("content_hash", "submitted_at", "customer_id")),
    "outcomes": (("claim_id",),),
    "identity_links": (("kind", "token", "seen_at", "customer_id"),),
}
"""Columns by which rows are looked up, beside the key and the time at which they were known."""


def _contract_table(table: Table) -> sa.Table:
    columns = [
        sa.Column(c.name, sa.BigInteger if c.kind in {Kind.TIME, Kind.MONEY} else sa.Text, nullable=c.nullable)
        for c in table.columns
    ]
    extra = [sa.Column("extra", sa.Text)] if table.name == "claims" else []
    found_by = dict.fromkeys(((table.known_at,), *_FOUND_BY.get(table.name, ())))
    indexes = [sa.Index(f"{table.name}_by_{'_'.join(names)}", *names) for names in found_by]
    return sa.Table(table.name, METADATA, *columns, *extra, sa.PrimaryKeyConstraint(*table.key), *indexes)


EVENT_TABLES: dict[str, sa.Table] = {name: _contract_table(table) for name, table in TABLES.items()}
"""The contract's tables; `claims.extra` is a JSON object of a claim's own `x_` and `group_` columns, null where it has none."""

DERIVATION = sa.Table(
    "derivation",
    METADATA,
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.PrimaryKeyConstraint("fingerprint"),
    comment="one row: what the derived tables mean; see claimvet.scoring_service.store.derived.fingerprint",
)

DELTAS = sa.Table(
    "deltas",
    METADATA,
    sa.Column("history", sa.Integer, nullable=False),
    sa.Column("key", BYTES_TEXT, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("row_id", BYTES_TEXT, nullable=False),
    *(sa.Column(name, sa.BigInteger) for name in (*TOTAL_COLUMNS, *EXTREME_COLUMNS)),
    sa.PrimaryKeyConstraint("history", "key", "position", "row_id"),
    sqlite_with_rowid=False,
    comment="what is added to the running totals of a key at a position; see claimvet.features.online.deltas",
)

CHECKPOINTS = sa.Table(
    "checkpoints",
    METADATA,
    sa.Column("history", sa.Integer, nullable=False),
    sa.Column("key", BYTES_TEXT, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    *(sa.Column(name, sa.BigInteger) for name in (*TOTAL_COLUMNS, *EXTREME_COLUMNS)),
    sa.PrimaryKeyConstraint("history", "key", "position"),
    sqlite_with_rowid=False,
    comment="running totals of all deltas before a position, and the extremes of those since the checkpoint before",
)

REPEATS = sa.Table(
    "repeats",
    METADATA,
    sa.Column("history", sa.Integer, nullable=False),
    sa.Column("key", BYTES_TEXT, nullable=False),
    sa.Column("value", BYTES_TEXT, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("row_id", BYTES_TEXT, nullable=False),
    sa.PrimaryKeyConstraint("history", "key", "value", "position", "row_id"),
    sqlite_with_rowid=False,
    comment="when each value of a distinct count was seen",
)

COMPONENT_MEMBERS = sa.Table(
    "component_members",
    METADATA,
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("component", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("customer_id"),
    sa.Index("component_members_by_component", "component"),
    sqlite_with_rowid=False,
    comment="which component a customer is in; who shares no token is in none",
)

COMPONENTS = sa.Table(
    "components",
    METADATA,
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("customers", sa.BigInteger, nullable=False),
    sa.Column("whole_since", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("component"),
    comment="customers whom chains of shared tokens tie together; see claimvet.scoring_service.store.derived.connected_components",
)

NARRATIVES = sa.Table(
    "narratives",
    METADATA,
    sa.Column("bucket", sa.BigInteger, nullable=False),
    sa.Column("filed_at", sa.BigInteger, nullable=False),
    sa.Column("claim_id", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("bucket", "filed_at", "claim_id"),
    sqlite_with_rowid=False,
    comment="the buckets of every claim's narrative; see claimvet.features.links.minhash",
)
