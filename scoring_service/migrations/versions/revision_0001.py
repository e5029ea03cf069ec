"""The first form of the store."""

from __future__ import annotations

from alembic import op

from scoring_service.store.records import APPEND_ONLY, METADATA

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables; the ledger can only be added to."""
    connection = op.get_bind()
    METADATA.create_all(connection)
    for statement in APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement)
