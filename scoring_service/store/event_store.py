"""The event store: opened once a process, used by all its threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from weakref import WeakSet

import sqlalchemy as sa

from claimvet.data.contract.errors import StoreError
from claimvet.data.contract.tables import TABLES
from claimvet.features.catalogue.declaration import Feature
from claimvet.features.catalogue.features import FEATURES
from claimvet.features.online.plan import OnlinePlan, compile_plan
from claimvet.features.online.values import Value
from claimvet.scoring_service.store.db import database
from claimvet.scoring_service.store.db.statements import run
from claimvet.scoring_service.store.derived.append import Appender
from claimvet.scoring_service.store.derived.fingerprint import fingerprint_of, require_fingerprint
from claimvet.scoring_service.store.derived.readiness import ensure_derived
from claimvet.scoring_service.store.events import contract_rows, export
from claimvet.scoring_service.store.events.event import StoredEvent
from claimvet.scoring_service.store.read.claim_reader import ClaimReader


class EventStore:
    """A database of events, and what is derived of them for a list of features; thread-safe, one per process."""

    def __init__(self, engine: sa.Engine, plan: OnlinePlan) -> None:
        self.engine = engine
        self.fingerprint = fingerprint_of(plan.layout)
        self._deltas = plan.deltas
        self._reader = ClaimReader(plan)
        self._compared: WeakSet[sa.Transaction] = WeakSet()

    @classmethod
    def open(cls, url: str, features: Sequence[Feature] = FEATURES, *, derive: bool = True) -> EventStore:
        """Open the store, made where it is new; what is derived of its events is derived anew where it was for other features.

        Without `derive` it stays as it is: a store for other features can be opened, but `append` and `claim_features` refuse.

        Raises:
            StoreError: where it cannot be reached, is of another version, or an unfinished load left it.
        """
        store = cls(database.open_engine(url), compile_plan(features))
        try:
            database.ensure_version(store.engine)
            if derive:
                ensure_derived(store.engine, store._deltas.layout, store.fingerprint)
            with store.engine.connect() as connection:
                store.staleness(connection)
        except StoreError:
            store.close()
            raise
        return store

    def require_fingerprint(self, connection: sa.Connection) -> None:
        """Compare what the derived tables mean with what this process takes them to mean, once a transaction.

        Raises:
            SupersededError: where they were derived anew for other features since.
        """
        transaction = connection.get_transaction()
        if transaction is None or transaction not in self._compared:
            require_fingerprint(connection, self.fingerprint)
            if transaction is not None:
                self._compared.add(transaction)

    def begin(self) -> AbstractContextManager[sa.Connection]:
        """Return a write transaction; what it did is durable when it ends, and undone where it ends with an error.

        Raises:
            StoreError: where the database fails.
        """
        return database.writing(self.engine)

    def append(self, events: Sequence[StoredEvent], connection: sa.Connection) -> dict[str, dict[str, Any]]:
        """Add the events, all or none; once a transaction, which is to be undone where this raises.

        A key seen before with the same row changes nothing. Null says nothing: a row that only fills what was null fills it, and one
        that has null for what is known changes nothing.

        Returns:
            The claims among the events by id, as `claim` gives them: with what other rows have said of them.

        Raises:
            EventConflictError: where a key was seen with another row, and for an outcome decided before its claim was filed; either
                may come without the other.
        """
        self.require_fingerprint(connection)
        appender = Appender(connection, self._deltas)
        appender.append(events)
        return {claim_id: contract_rows.as_given(row) for claim_id, row in appender.claims.items()}

    def claim_features(
        self, claim: Mapping[str, Any], as_of: int | None, connection: sa.Connection
    ) -> dict[str, Value]:
        """Return every feature of the claim, as `features build` makes it of the same rows; then its `x_` columns.

        Parameters:
            claim: `StoredEvent.row` of a claim, with its `extra`; append it and its evidence before.
            as_of: microseconds since 1970 that take the place of `filed_at`. The claim itself and its outcomes do not count then.
        """
        if as_of is None or as_of == claim["filed_at"]:
            return self.features_together([claim], connection)[0]
        self.require_fingerprint(connection)
        with _undone(connection):
            Appender(connection, self._deltas).without(claim["claim_id"])
            return self._reader.read(connection, [(claim, as_of)])[0]

    def features_together(
        self, claims: Sequence[Mapping[str, Any]], connection: sa.Connection
    ) -> list[dict[str, Value]]:
        """`claim_features` of several claims as they were filed; what it takes to ask is shared by all of them."""
        self.require_fingerprint(connection)
        return self._reader.read(connection, [(claim, claim["filed_at"]) for claim in claims])

    def claim(self, claim_id: str, connection: sa.Connection) -> dict[str, Any] | None:
        """Return the claim as it is known now, as `claim_features` takes it; None where no event has brought it."""
        rows = contract_rows.fetch(connection, "claims", "claim_id", [claim_id])
        return contract_rows.as_given(rows[0]) if rows else None

    def staleness(self, connection: sa.Connection) -> dict[str, int | None]:
        """Per table, when its latest event was known, in microseconds since 1970; None where it has none.

        Not within a transaction that may be undone: that a table has rows is remembered.
        """
        latest = ", ".join(f"(SELECT max({table.known_at}) FROM {name})" for name, table in TABLES.items())
        found = dict(zip(TABLES, run(connection, f"SELECT {latest}")[0], strict=True))
        self._reader.note_filled(name for name, instant in found.items() if instant is not None)
        return found

    def export(self, folder: Path, connection: sa.Connection) -> None:
        """Write all events as a data set of Parquet files."""
        export.export(connection, folder)

    def checkpoint(self) -> None:
        """Keep the write-ahead log of SQLite short, so that no writer has to; raises `StoreError` where the database fails."""
        database.checkpoint(self.engine)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


class _undone:  # noqa: N801
    """What happens inside is undone at its end."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.exec_driver_sql("SAVEPOINT undone")

    def __exit__(self, *_: object) -> None:
        self._connection.exec_driver_sql("ROLLBACK TO SAVEPOINT undone")
