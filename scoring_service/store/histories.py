"""Whether what the store derives of its events is what the features at hand need."""

from __future__ import annotations

import sqlalchemy as sa

from features.one_claim.changes import Changes
from scoring_service.store.database import writing
from scoring_service.store.statements import run, run_many


def ensure_histories(engine: sa.Engine, changes: Changes) -> None:
    """Make a new store ready, and fill anew one that was filled for other features."""
    wanted = list(enumerate(changes.layout.description))
    with writing(engine) as connection:
        found = [tuple(row) for row in run(connection, "SELECT number, description FROM histories ORDER BY number")]
        if found != wanted:
            run_many(connection, "INSERT INTO histories (number, description) VALUES (?, ?)", wanted)
