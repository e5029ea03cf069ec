"""Whose words are to go? The texts of a customer, or of before an instant, erased from the store; their hashes stay.

What goes: the narratives of claims, those in the ledger, and the bodies of requests as they were received. What stays: every other value,
each text's SHA-256 and length, the MinHash buckets of narratives (numbers, by which later claims that read the same are found), and
a line in `erasures` that says when, whose (a hash) and how many. A claim that is sent again after that is known by its hash.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from claimvet.scoring_service.json_text import canonical
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.store.db.erased import digest, placeholder
from claimvet.scoring_service.store.db.statements import run, run_many
from claimvet.scoring_service.store.derived.minhash import buckets_of_all

_DAY = 24 * 3600 * 1_000_000
"""Microseconds."""
MAX_AT_ONCE = 500
"""Claims whose texts go in one transaction where they are too old, so that no claim that is being scored waits long."""

_HAVE_TEXT = "narrative IS NOT NULL AND claim_id NOT IN (SELECT claim_id FROM erased_texts)"
_NOTE = "INSERT INTO erasures (erased_at, customer_digest, older_than, claims, decisions) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class Erased:
    """How many narratives of claims, and how many texts of decisions, are gone."""

    claims: int
    decisions: int


def erase_customer(customer_id: str, now: int, connection: sa.Connection) -> Erased:
    """Erase the texts of a customer's claims, all or none; a second time finds nothing left. `now` in microseconds since 1970."""
    claims = _erase_claims("customer_id = ?", [customer_id], now, connection)
    named = canonical({"customer_id": customer_id})[1:-1]
    contains = "instr(claim, ?) > 0" if connection.dialect.name == "sqlite" else "strpos(claim, ?) > 0"
    of_customer = f"(claim_id IN (SELECT claim_id FROM claims WHERE customer_id = ?) OR {contains})"
    decisions = _erase_decisions(of_customer, [customer_id, named], now, connection)
    run_many(connection, _NOTE, [(now, digest(customer_id), None, claims, decisions)])
    return Erased(claims, decisions)


def erase_older(before: int, now: int, connection: sa.Connection, most: int = MAX_AT_ONCE) -> Erased:
    """Erase texts of claims filed, and of decisions made, before an instant, `most` of each; nothing is noted where there is none."""
    claims = _erase_claims(f"filed_at < ? ORDER BY filed_at LIMIT {most}", [before], now, connection)
    oldest = f"SELECT number FROM decisions WHERE scored_at < ? AND erased_at IS NULL ORDER BY number LIMIT {most}"
    decisions = _erase_decisions(f"number IN ({oldest})", [before], now, connection)
    if claims or decisions:
        run_many(connection, _NOTE, [(now, None, before, claims, decisions)])
    return Erased(claims, decisions)


def erase_all_older(store: EventStore, days: int, now: int) -> Erased:
    """Erase all texts that are older than so many days at `now`, in as many transactions as it takes."""
    claims = decisions = 0
    while True:
        with store.begin() as connection:
            forget_for_good(connection)
            gone = erase_older(now - days * _DAY, now, connection)
        claims, decisions = claims + gone.claims, decisions + gone.decisions
        if max(gone.claims, gone.decisions) < MAX_AT_ONCE:
            return Erased(claims, decisions)


def forget_for_good(connection: sa.Connection) -> None:
    """Have SQLite write zeros over what this connection erases; PostgreSQL does so when it is vacuumed."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def empty_log(store: EventStore) -> bool:
    """Have SQLite write its log, which has old pages, into the file, and cut it; whether nobody was in the way."""
    if store.engine.dialect.name != "sqlite":
        return True
    with store.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")  # a checkpoint is not for a transaction
        busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        connection.exec_driver_sql("BEGIN")
    return not busy


def was_erased(customer_id: str, since: int, connection: sa.Connection) -> bool:
    """Return whether a customer's texts were erased at or after an instant: what waited elsewhere must not bring them back."""
    sql = "SELECT count(*) FROM erasures WHERE customer_digest = ? AND erased_at >= ?"
    return bool(run(connection, sql, (digest(customer_id), since))[0][0])


def _erase_claims(condition: str, parameters: Sequence[Any], now: int, connection: sa.Connection) -> int:
    found = run(connection, f"SELECT claim_id, narrative FROM claims WHERE {_HAVE_TEXT} AND {condition}", parameters)
    buckets = buckets_of_all(narrative for _, narrative in found)
    run_many(
        connection,
        "INSERT INTO erased_texts (claim_id, narrative_digest, buckets, erased_at) VALUES (?, ?, ?, ?)",
        [(name, digest(text), json.dumps(buckets[text]), now) for name, text in found],
    )
    run_many(
        connection,
        "UPDATE claims SET narrative = ? WHERE claim_id = ?",
        [(placeholder(len(text)), name) for name, text in found],
    )
    return len(found)


def _erase_decisions(condition: str, parameters: Sequence[Any], now: int, connection: sa.Connection) -> int:
    found = run(connection, f"SELECT number FROM decisions WHERE erased_at IS NULL AND {condition}", parameters)
    run_many(
        connection,
        "UPDATE decisions SET received = '', narrative = NULL, erased_at = ? WHERE number = ?",
        [(now, row[0]) for row in found],
    )
    return len(found)
