"""Where claims are kept while the store cannot be reached: a file of this instance, on the disk before the claim is answered.

A claim in it has been answered: recorded, referred to an expert. When the store is back, its events and its decision are moved there,
and it leaves the queue. The store's own word comes first: a claim that it had decided before keeps that as its first decision. A claim
that the store refuses is set aside with the reason, and can still be read; the ones behind it go on.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from claimvet.data.contract.errors import StoreError
from claimvet.scoring_service.decisions.idempotency import Idempotency
from claimvet.scoring_service.decisions.ledger import Decision, with_text_apart
from claimvet.scoring_service.json_text import canonical, parsed
from claimvet.scoring_service.store import StoredEvent

_TABLE = "CREATE TABLE IF NOT EXISTS waiting (claim_id TEXT PRIMARY KEY, decision TEXT NOT NULL, events TEXT NOT NULL)"
_LATER_COLUMNS = ("idempotency", "refused")
"""Columns that files of older versions lack."""
_SETTINGS = ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON")


@dataclass(frozen=True)
class QueuedDecision:
    """A decision that was answered while the store could not be reached, and its events, to be moved into the store.

    `refused` is the reason for which the store does not take it, None where it was not refused.
    """

    decision: Decision
    events: tuple[StoredEvent, ...]
    idempotency: Idempotency | None = None
    refused: str | None = None

    @property
    def claim_id(self) -> str:
        """The claim's id."""
        return self.decision.claim_id


class OutageQueue:
    """The file; safe to use from several threads. Raises `StoreError` where it cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            for setting in _SETTINGS:
                self._file.execute(f"PRAGMA {setting}")
            self._file.execute(_TABLE)
            self._add_later_columns()
            select = "SELECT decision, events, idempotency, refused FROM waiting ORDER BY rowid"
            rows = self._file.execute(select).fetchall()
        except sqlite3.Error as error:
            raise StoreError(
                f"the outage queue {path} cannot be opened ({error}), expected a file that can be written"
            ) from error
        self._queued = {one.claim_id: one for one in (_queued(*row) for row in rows)}

    def kept(self, claim_id: str) -> QueuedDecision | None:
        """Return the decision on that claim that is here, waiting or set aside."""
        return self._queued.get(claim_id)

    def waiting(self) -> list[QueuedDecision]:
        """Return all that wait for the store, oldest first."""
        return [one for one in self._queued.values() if one.refused is None]

    def refused(self) -> list[QueuedDecision]:
        """Return all that the store refused, oldest first."""
        return [one for one in self._queued.values() if one.refused is not None]

    def keep(
        self, decision: Decision, events: Sequence[StoredEvent], idempotency: Idempotency | None = None
    ) -> QueuedDecision:
        """Put a decision on the disk; the one that is there already where another request was faster.

        Raises:
            StoreError: where it cannot be written; then nothing is kept.
        """
        with self._lock:
            there = self.kept(decision.claim_id)
            if there is not None:
                return there
            queued = QueuedDecision(decision, tuple(events), idempotency)
            row = (
                decision.claim_id,
                canonical(vars(decision)),
                canonical([vars(event) for event in events]),
                None if idempotency is None else canonical(vars(idempotency)),
            )
            self._run("INSERT INTO waiting (claim_id, decision, events, idempotency) VALUES (?, ?, ?, ?)", row)
            self._queued[decision.claim_id] = queued
            return queued

    def moved(self, queued: QueuedDecision) -> None:
        """Forget a decision that the store has now."""
        with self._lock:
            self._run("DELETE FROM waiting WHERE claim_id = ?", (queued.claim_id,))
            self._queued.pop(queued.claim_id, None)

    def set_aside(self, queued: QueuedDecision, reason: str) -> None:
        """Keep a decision that the store refuses out of the way of the others, with the reason."""
        with self._lock:
            self._run("UPDATE waiting SET refused = ? WHERE claim_id = ?", (reason, queued.claim_id))
            self._queued[queued.claim_id] = replace(queued, refused=reason)

    def synchronous(self) -> int:
        """Return what SQLite says of the connection that writes: 2 (FULL) where every commit reaches the disk before it ends."""
        return int(self._file.execute("PRAGMA synchronous").fetchone()[0])

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _run(self, statement: str, parameters: Sequence[str | None]) -> None:
        try:
            self._file.execute(statement, parameters)
        except sqlite3.Error as error:
            raise StoreError(f"the outage queue cannot be written to ({error})") from error

    def _add_later_columns(self) -> None:
        there = {row[1] for row in self._file.execute("PRAGMA table_info(waiting)")}
        for name in _LATER_COLUMNS:
            if name not in there:
                self._file.execute(f"ALTER TABLE waiting ADD COLUMN {name} TEXT")


def _queued(decision: str, events: str, idempotency: str | None, refused: str | None) -> QueuedDecision:
    return QueuedDecision(
        with_text_apart(Decision(**parsed(decision))),
        tuple(StoredEvent(**event) for event in parsed(events)),
        None if idempotency is None else Idempotency(**parsed(idempotency)),
        refused,
    )
