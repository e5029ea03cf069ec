"""What the write queue can be asked to do: score a claim, score it again, take in events."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from claimvet.scoring_service.decisions.idempotency import Idempotency
from claimvet.scoring_service.json_text import canonical
from claimvet.scoring_service.store import StoredEvent


@dataclass(frozen=True)
class ScoreRequest:
    """A claim and its evidence, validated; `received` is the body as it came."""

    claim: StoredEvent
    evidence: tuple[StoredEvent, ...]
    received: str
    idempotency: Idempotency | None = None

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
        """SHA-256 of what the body says, however it is spelt: order of fields and evidence, zones of times, forms of numbers, repeats
        of a piece of evidence and nulls that may be left out make no difference.
        """
        pieces = {canonical(dict(event.row)): dict(event.row) for event in self.evidence}
        evidence = sorted(pieces.values(), key=lambda row: str(row["evidence_id"]))
        return _digest({**self.claim.row, **_plain(self.claim.extra)}, evidence)

    def is_of(self, body_digest: str) -> bool:
        """Return whether the decision with that digest was made on the same body; also where an older version, which
        minded forms, made it.
        """
        if self.digest == body_digest:
            return True
        evidence = sorted((dict(event.row) for event in self.evidence), key=lambda row: str(row["evidence_id"]))
        return _digest({**self.claim.row, **self.claim.extra}, evidence) == body_digest

    def filled_from(self, row: Mapping[str, Any]) -> ScoreRequest:
        """Return the request with what another row of the claim says where this one says null."""
        claim, extra = dict(self.claim.row), dict(self.claim.extra)
        for name, value in row.items():
            said = claim if name in claim else extra
            if said.get(name) is None:
                said[name] = value
        return replace(self, claim=replace(self.claim, row=claim, extra=extra))

    def only_fills(self, row: Mapping[str, Any]) -> bool:
        """Return whether it says all that the row says and something where that says null: then it is the same claim, known better."""
        given = {**self.claim.row, **self.claim.extra}
        agrees = all(value is None or given.get(name) in (None, value) for name, value in row.items())
        return agrees and any(value is not None and row.get(name) is None for name, value in given.items())


@dataclass(frozen=True)
class RescoreRequest:
    """A claim that was scored before, and the instant (microseconds since 1970; None: now) to look from."""

    claim_id: str
    as_of: int | None
    received: str
    events: tuple[StoredEvent, ...] = ()
    idempotency: Idempotency | None = None


@dataclass(frozen=True)
class EventsRequest:
    """Validated rows of any tables, all or none of which are taken in."""

    events: tuple[StoredEvent, ...]
    claim_id: str | None = None
    idempotency: Idempotency | None = None


def _digest(claim: Mapping[str, Any], evidence: list[dict[str, Any]]) -> str:
    return hashlib.sha256(canonical({"claim": claim, "evidence": evidence}).encode()).hexdigest()


def _plain(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return a claim's own columns without those that are null; a whole number is one, however it was written."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in extra.items()
        if value is not None
    }
