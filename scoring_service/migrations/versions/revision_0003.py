"""What is derived of events has a fingerprint, and the field's names; the next start derives it anew.

On PostgreSQL keys compare byte by byte, as the code that derives them does, whatever the database's own collation.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop what can be made anew, and make its tables under their new names."""
    for name in ("ring_members", "rings", "repeats", "marks", "changes", "histories"):
        op.drop_table(name)
    _derivation()
    _totals()
    _components()


def _text() -> sa.Text:
    return sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _history_and_key() -> list[sa.Column[Any]]:
    return [sa.Column("history", sa.Integer(), nullable=False), sa.Column("key", _text(), nullable=False)]


def _numbers() -> list[sa.Column[Any]]:
    names = [f"t{number}" for number in range(10)] + ["e0", "e1"]
    return [sa.Column(name, sa.BigInteger(), nullable=True) for name in names]


def _derivation() -> None:
    op.create_table(
        "derivation",
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint"),
        comment="one row: what the derived tables mean; see claimvet.scoring_service.store.derived.fingerprint",
    )


def _totals() -> None:
    op.create_table(
        "deltas",
        *_history_and_key(),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("row_id", _text(), nullable=False),
        *_numbers(),
        sa.PrimaryKeyConstraint("history", "key", "position", "row_id"),
        comment="what is added to the running totals of a key at a position; see claimvet.features.online.deltas",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "checkpoints",
        *_history_and_key(),
        sa.Column("position", sa.BigInteger(), nullable=False),
        *_numbers(),
        sa.PrimaryKeyConstraint("history", "key", "position"),
        comment="running totals of all deltas before a position, and the extremes of those since the checkpoint before",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "repeats",
        *_history_and_key(),
        sa.Column("value", _text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("row_id", _text(), nullable=False),
        sa.PrimaryKeyConstraint("history", "key", "value", "position", "row_id"),
        comment="when each value of a distinct count was seen",
        sqlite_with_rowid=False,
    )


def _components() -> None:
    op.create_table(
        "components",
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("customers", sa.BigInteger(), nullable=False),
        sa.Column("whole_since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("component"),
        comment="customers whom chains of shared tokens tie together; see claimvet.scoring_service.store.derived.connected_components",
    )
    op.create_table(
        "component_members",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id"),
        comment="which component a customer is in; who shares no token is in none",
        sqlite_with_rowid=False,
    )
    op.create_index("component_members_by_component", "component_members", ["component"], unique=False)
