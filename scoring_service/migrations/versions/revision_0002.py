"""The ledger keeps how reviews were allocated after each decision (`scoring_service.decisions.review_allocation`)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One more column, null in the decisions made so far; adding it changes none of them."""
    op.add_column("decisions", sa.Column("experts", sa.Text(), nullable=True))
