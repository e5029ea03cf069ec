"""A table of the contract more: violations of the marketplace's rules by sellers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; what is derived of events follows at the next start, since its fingerprint is another."""
    op.create_table(
        "seller_violations",
        sa.Column("violation_id", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("violation_id"),
    )
    op.create_index("seller_violations_by_recorded_at", "seller_violations", ["recorded_at"], unique=False)
