"""What Alembic runs: the revisions, in the transaction of the connection that it is given (`scoring_service.store.db.database`)."""

from __future__ import annotations

from alembic import context

from claimvet.scoring_service.store.db.records import METADATA


def run() -> None:
    """Run the revisions on the connection in the configuration's attributes."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


if getattr(context, "config", None) is not None and "connection" in context.config.attributes:
    run()
