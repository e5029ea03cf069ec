"""Whose derived tables does a store hold? Their fingerprint stands in the store, and every transaction that uses them compares it.

Whoever derives anew locks the table that holds it, so on PostgreSQL a transaction that has compared it is waited for, and one that comes
meanwhile waits, and then finds another fingerprint. SQLite shows a transaction one state of the store anyway.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from claimvet.features.online import fingerprint
from claimvet.features.online.layout import Layout
from claimvet.scoring_service.errors import SupersededError
from claimvet.scoring_service.store.db.statements import run, run_many
from claimvet.scoring_service.store.derived.totals import EVENTS_PER_CHECKPOINT

DERIVATION = 1
"""To be raised when the code in this folder derives something else of the same declarations."""


def fingerprint_of(layout: Layout) -> str:
    """Return the hash of all that derived tables depend on: what histories mean, and how the store keeps them."""
    kept = f"{fingerprint.fingerprint(layout)} {DERIVATION} {EVENTS_PER_CHECKPOINT}"
    return hashlib.sha256(kept.encode()).hexdigest()


def stored_fingerprint(connection: sa.Connection) -> str | None:
    """Return the fingerprint of what the derived tables hold; None where nothing was derived yet."""
    found = run(connection, "SELECT fingerprint FROM derivation")
    return str(found[0][0]) if found else None


def require_fingerprint(connection: sa.Connection, expected: str) -> None:
    """Raise `SupersededError` where the derived tables are not those that this process would read and write."""
    found = stored_fingerprint(connection)
    if found != expected:
        raise SupersededError(
            f"the event store was derived anew for another version of the features (fingerprint {str(found)[:8]}, "
            f"expected {expected[:8]}); start this instance again with the version that serves"
        )


def note_fingerprint(connection: sa.Connection, fingerprint: str) -> None:
    """Say what the derived tables hold from now on."""
    run_many(connection, "DELETE FROM derivation", [()])
    run_many(connection, "INSERT INTO derivation (fingerprint) VALUES (?)", [(fingerprint,)])


def lock_derivation(connection: sa.Connection) -> None:
    """Wait for all who use derived tables, and keep them waiting until the transaction ends; before anything else in it."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE derivation IN ACCESS EXCLUSIVE MODE")
