"""Where claims are kept while the store is gone: a file of this instance, on the disk before the claim is answered.

A claim in it has been answered: recorded, referred to an expert. When the store is back, its events and its decision are moved there,
and it leaves the outage queue. The store's own word comes first: a claim that it had decided before keeps that as its first decision.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from claimvet.data.contract.errors import StoreError
from claimvet.scoring_service.decisions.ledger import Decision
from claimvet.scoring_service.json_text import canonical, parsed
from claimvet.scoring_service.store import StoredEvent

_TABLE = "CREATE TABLE IF NOT EXISTS waiting (claim_id TEXT PRIMARY KEY, decision TEXT NOT NULL, events TEXT NOT NULL)"


@dataclass(frozen=True)
class QueuedDecision:
    """A decision that was answered while the store was gone, and its events, to be moved into the store."""

    decision: Decision
    events: tuple[StoredEvent, ...]

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
            for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", _TABLE):
                self._file.execute(statement)
            rows = self._file.execute("SELECT decision, events FROM waiting ORDER BY rowid").fetchall()
        except sqlite3.Error as error:
            raise StoreError(
                f"the outage queue {path} cannot be opened ({error}), expected a file that can be written"
            ) from error
        self._waiting = {request.claim_id: request for request in (_queued(*row) for row in rows)}

    def kept(self, claim_id: str) -> Decision | None:
        """The decision that waits for the store, if there is one on that claim."""
        request = self._waiting.get(claim_id)
        return None if request is None else request.decision

    def waiting(self) -> list[QueuedDecision]:
        """All that waits, oldest first."""
        return list(self._waiting.values())

    def keep(self, decision: Decision, events: Sequence[StoredEvent]) -> Decision:
        """Puts a decision on the disk; the one that is there already where another request was faster.

        Raises `StoreError` where it cannot be written; then nothing is kept.
        """
        with self._lock:
            there = self.kept(decision.claim_id)
            if there is not None:
                return there
            row = decision.claim_id, canonical(vars(decision)), canonical([vars(event) for event in events])
            try:
                self._file.execute("INSERT INTO waiting VALUES (?, ?, ?)", row)
            except sqlite3.Error as error:
                raise StoreError(f"the outage queue cannot be written to ({error})") from error
            self._waiting[decision.claim_id] = QueuedDecision(decision, tuple(events))
            return decision

    def moved(self, request: QueuedDecision) -> None:
        """The store has it now."""
        with self._lock:
            self._file.execute("DELETE FROM waiting WHERE claim_id = ?", (request.claim_id,))
            self._waiting.pop(request.claim_id, None)

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()


def _queued(decision: str, events: str) -> QueuedDecision:
    return QueuedDecision(Decision(**parsed(decision)), tuple(StoredEvent(**event) for event in parsed(events)))
