"""What the write queue can be asked to do: score a claim, score it again, take in events."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from claimvet.scoring_service.json_text import canonical
from claimvet.scoring_service.store import StoredEvent


@dataclass(frozen=True)
class ScoreRequest:
    """A claim and its evidence, validated; `received` is the body as it came."""

    claim: StoredEvent
    evidence: tuple[StoredEvent, ...]
    received: str

    @property
    def events(self) -> tuple[StoredEvent, ...]:
        """The claim and its evidence, which become events of the store."""
        return (self.claim, *self.evidence)

    @property
    def claim_id(self) -> str:
        """The claim's id."""
        return str(self.claim.row["claim_id"])

    @property
    def digest(self) -> str:
        """SHA-256 of what the body says, whatever the order of its fields and the zone of its times."""
        evidence = sorted((dict(event.row) for event in self.evidence), key=lambda row: str(row["evidence_id"]))
        whole = {"claim": {**self.claim.row, **self.claim.extra}, "evidence": evidence}
        return hashlib.sha256(canonical(whole).encode()).hexdigest()


@dataclass(frozen=True)
class RescoreRequest:
    """A claim that was scored before, and the instant (microseconds since 1970; None: now) to look from."""

    claim_id: str
    as_of: int | None
    received: str
    events: tuple[StoredEvent, ...] = ()


@dataclass(frozen=True)
class EventsRequest:
    """Validated rows of any tables, all or none of which are taken in."""

    events: tuple[StoredEvent, ...]
    claim_id: str | None = None
