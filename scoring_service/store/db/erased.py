"""What stands where a narrative was erased: a placeholder of the same length, which has no word, and the hash of what was there.

The length is an input of models, so a placeholder keeps the features of the claim as they were; a claim that is sent again is held
against the hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from claimvet.scoring_service.store.db.statements import run, run_many, where_in

ERASED_CHARACTER = "\u2588"


def placeholder(characters: int) -> str:
    """Return what stands in the place of so many characters.

    >>> len(placeholder(13)), is_placeholder(placeholder(13)), is_placeholder("A rung broke.")
    (13, True, False)
    """
    return ERASED_CHARACTER * characters


def is_placeholder(text: str | None) -> bool:
    """Return whether a text can be what stands where another was."""
    return bool(text) and not str(text).strip(ERASED_CHARACTER)


def digest(text: str) -> str:
    """Return the hash by which an erased text is known again, SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def erased_digests(connection: sa.Connection, claim_ids: Iterable[str]) -> dict[str, str]:
    """Return the hash of the narrative that was erased, by claim; claims of which none was are left out."""
    if not (asked := list(claim_ids)):
        return {}
    found = where_in(connection, "SELECT claim_id, narrative_digest FROM erased_texts", "claim_id", asked)
    return {row[0]: row[1] for row in found}


def erased_buckets(connection: sa.Connection, claim_ids: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the MinHash buckets of the narrative that was erased, by claim; claims of which none was are left out."""
    if not claim_ids:
        return {}
    found = where_in(connection, "SELECT claim_id, buckets FROM erased_texts", "claim_id", claim_ids)
    return {row[0]: tuple(json.loads(row[1])) for row in found}


def incomparable_features(connection: sa.Connection) -> frozenset[str]:
    """Return the features that the batch cannot compute of an export any more, since texts were erased and their
    buckets are not exported.
    """
    erased = run(connection, "SELECT EXISTS (SELECT 1 FROM erased_texts)")[0][0]
    return frozenset({"narrative_similar_customers_count"} if erased else ())


def restore_erased_buckets(connection: sa.Connection) -> None:
    """Put the buckets of erased narratives back where all others have been derived anew: no text is left to derive them from."""
    sql = "SELECT e.buckets, c.filed_at, c.claim_id, c.customer_id FROM erased_texts e JOIN claims c ON c.claim_id = e.claim_id"
    rows = [(bucket, *claim) for buckets, *claim in run(connection, sql) for bucket in json.loads(buckets)]
    run_many(connection, "INSERT INTO narratives (bucket, filed_at, claim_id, customer_id) VALUES (?, ?, ?, ?)", rows)
