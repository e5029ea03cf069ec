"""The event store: opened once a process, used by all its threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from scoring_service.store.event import StoredEvent

Value = int | float | str | bool | None


class EventStore:
    """A database of events; thread-safe, one per process."""

    engine: sa.Engine

    @classmethod
    def open(cls, url: str) -> EventStore:
        """Open the store, created where it is new.

        Raises:
            StoreError: where it cannot be reached, or is of another version.
        """
        raise NotImplementedError

    def begin(self) -> AbstractContextManager[sa.Connection]:
        """A write transaction; what it did is durable when it ends, and undone where it ends with an error."""
        raise NotImplementedError

    def append(self, events: Sequence[StoredEvent], connection: sa.Connection) -> None:
        """Add the events, all or none.

        A key seen before with the same row changes nothing; a row that only fills what was null fills it.

        Raises:
            EventConflictError: where a key was seen with another row.
        """
        raise NotImplementedError

    def claim_features(self, claim: Mapping[str, Any], as_of: int | None, connection: sa.Connection) -> dict[str, Value]:
        """Every feature of the claim, as `features build` makes it of the same rows; then its `x_` columns.

        Parameters:
            claim: a row of `claims` (`StoredEvent.row`, with its `extra`); append its evidence before.
            as_of: microseconds since 1970 that take the place of `filed_at`.
        """
        raise NotImplementedError

    def staleness(self, connection: sa.Connection) -> dict[str, int | None]:
        """Per table, when its latest event was known, in microseconds since 1970; None where it has none."""
        raise NotImplementedError

    def export(self, folder: Path, connection: sa.Connection) -> None:
        """Write all events as a data set of Parquet files."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of all connections."""
