"""The first form of the store."""

from __future__ import annotations

from alembic import op

from scoring_service.store.schema import METADATA

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    METADATA.create_all(op.get_bind())
