"""The ledger: every decision with the claim as received, the features it saw, model, policy and code version, and the answer.

Entries are added and read, never changed. A claim is scored once (`kind` score), also when two instances get it at once: the
database lets no second one in. Later evidence makes further entries beside it.

A person's words lie apart in an entry, in `received` and `narrative`, where they can be erased
(`scoring_service.decisions.erase`); the rest of it has their hashes, and stays.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any

import sqlalchemy as sa

from claimvet.scoring_service.json_text import canonical, parsed
from claimvet.scoring_service.store.db.erased import digest as sha256
from claimvet.scoring_service.store.db.erased import placeholder
from claimvet.scoring_service.store.db.statements import run, run_many, stream, where_in

_DAY = 24 * 3600 * 1_000_000
"""Microseconds."""
_IDS_AT_ONCE = 10_000
"""Ids that are held in memory at once while some of a day's decisions are drawn."""

SCORE, RESCORE, OUTAGE = "score", "rescore", "outage"
"""The first decision on a claim; a later one; one that was answered while the store, which had decided before, was gone."""


@dataclass(frozen=True)
class Decision:
    """One entry; instants in microseconds since 1970, `claim`, `features`, `policy` and `shadow` as JSON text.

    `features` is None where they could not be had; `degraded` says why there is no score, None where there is one. `experts` is the
    state of `scoring_service.decisions.review_allocation` after the decision, None where there was no model. `claim` has the hash and the
    length of the narrative in its place. `erased_at` is when `received` and `narrative` were erased, None while they are there.
    """

    decision_id: str
    claim_id: str
    kind: str
    as_of: int
    received: str
    body_digest: str
    claim: str
    features: str | None
    model_version: str | None
    model_uri: str | None
    policy: str | None
    code_version: str
    scored_at: int
    answer: str
    degraded: str | None
    shadow: str | None
    experts: str | None = None
    narrative: str | None = None
    received_digest: str | None = None
    erased_at: int | None = None

    @property
    def claim_row(self) -> dict[str, Any]:
        """The claim's row with its narrative; with a placeholder of the same length where that was erased."""
        row: dict[str, Any] = parsed(self.claim)
        told = row["narrative"]
        if isinstance(told, dict):
            row["narrative"] = placeholder(told["characters"]) if self.narrative is None else self.narrative
        return row


def text_apart(claim: Mapping[str, Any], received: str) -> dict[str, Any]:
    """Return the fields `claim`, `narrative`, `received` and `received_digest` of an entry on a claim's row that came in a body.

    >>> parsed(text_apart({"claim_id": "c1", "narrative": "A rung broke."}, "{}")["claim"])["narrative"]["characters"]
    13
    """
    narrative = claim["narrative"]
    told = None if narrative is None else {"sha256": sha256(narrative), "characters": len(narrative)}
    return {
        "claim": canonical({**claim, "narrative": told}),
        "narrative": narrative,
        "received": received,
        "received_digest": sha256(received),
    }


def with_text_apart(entry: Decision) -> Decision:
    """Return an entry of an older version, whose claim has its narrative in its midst, as one of this version."""
    if entry.received_digest is not None:
        return entry
    return replace(entry, **text_apart(parsed(entry.claim), entry.received))


_NAMES = tuple(field.name for field in fields(Decision))
_SELECT = f"SELECT {', '.join(_NAMES)} FROM decisions"
_INSERT = f"INSERT INTO decisions ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))})"


def add(entries: Sequence[Decision], connection: sa.Connection) -> None:
    """Write entries, in order; `sqlalchemy.exc.IntegrityError` where a claim has been scored already."""
    run_many(connection, _INSERT, [tuple(vars(entry).values()) for entry in entries])


def first_decisions(claim_ids: Iterable[str], connection: sa.Connection) -> dict[str, Decision]:
    """Return the decision that scored each claim first, by claim; claims without one are left out."""
    found = where_in(connection, _SELECT, "claim_id", claim_ids)
    entries = [Decision(*row) for row in found]
    return {entry.claim_id: entry for entry in entries if entry.kind == SCORE}


def decisions_of(claim_id: str, connection: sa.Connection) -> list[Decision]:
    """Return all decisions on a claim, oldest first."""
    return _found(connection, "WHERE claim_id = ? ORDER BY number", claim_id)


def rescored(claim_id: str, as_of: int, connection: sa.Connection) -> Decision | None:
    """Return the latest decision on a claim that was scored again as of that instant."""
    condition = "WHERE claim_id = ? AND kind = ? AND as_of = ? ORDER BY number DESC LIMIT 1"
    found = _found(connection, condition, claim_id, RESCORE, as_of)
    return found[0] if found else None


def decision(decision_id: str, connection: sa.Connection) -> Decision | None:
    """Return the decision of that id."""
    found = _found(connection, "WHERE decision_id = ?", decision_id)
    return found[0] if found else None


def latest_allocation(connection: sa.Connection, before: str | None = None) -> str | None:
    """Return how reviews are allocated now; with `before`, how they were when the decision of that id was made."""
    earlier = "" if before is None else "AND number < (SELECT number FROM decisions WHERE decision_id = ?)"
    sql = f"SELECT experts FROM decisions WHERE experts IS NOT NULL {earlier} ORDER BY number DESC LIMIT 1"
    found = run(connection, sql, () if before is None else (before,))
    return str(found[0][0]) if found else None


def day_of(kind: str, count: int, connection: sa.Connection) -> list[Decision]:
    """Return a share of the decisions of that kind with features that were made in the day before the latest of them, `count` at most.

    Which they are follows from a hash of how many decisions there are: it moves on with the ledger, and no order of requests hides any.
    """
    ours = f"features IS NOT NULL AND kind = '{kind}'"
    latest, number = run(connection, f"SELECT max(scored_at), max(number) FROM decisions WHERE {ours}")[0]
    if latest is None:
        return []
    sql = f"SELECT decision_id FROM decisions WHERE {ours} AND scored_at > {int(latest) - _DAY}"
    ids = chain.from_iterable(stream(connection, sql, _IDS_AT_ONCE))
    drawn = heapq.nsmallest(count, (row[0] for row in ids), key=lambda name: _drawn(number, name))
    return [Decision(*row) for row in where_in(connection, _SELECT, "decision_id", drawn)]


def _drawn(number: int, decision_id: str) -> str:
    return hashlib.sha256(f"{number} {decision_id}".encode()).hexdigest()


def _found(connection: sa.Connection, condition: str, *parameters: Any) -> list[Decision]:
    return [Decision(*row) for row in run(connection, f"{_SELECT} {condition}", parameters)]
