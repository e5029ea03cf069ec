"""Who else is tied to one claim: the features of `features.links`, read for one claim at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from features.declaration import Entity
from features.links import TOKEN_EVENTS
from features.one_claim.layout import TOKEN, token_key
from scoring_service.store.narratives import buckets_of
from scoring_service.store.statements import run

_OWN_HASHES = "SELECT DISTINCT content_hash FROM evidence WHERE claim_id = ? AND submitted_at <= ?"
_OTHERS_WITH_HASH = f"""
SELECT count(DISTINCT e.customer_id) FROM ({_OWN_HASHES}) own
JOIN evidence e ON e.content_hash = own.content_hash AND e.submitted_at < ? AND e.customer_id <> ?
"""
_CLAIMS_WITH_HASH = f"""
SELECT count(DISTINCT e.claim_id) FROM ({_OWN_HASHES}) own
JOIN evidence e ON e.content_hash = own.content_hash AND e.submitted_at < ? AND e.customer_id = ? AND e.claim_id <> ?
"""
_TOKENS = """
SELECT kind, token FROM identity_links own WHERE customer_id = ? AND seen_at < ? AND EXISTS (
    SELECT 1 FROM identity_links other WHERE other.kind = own.kind AND other.token = own.token
    AND other.seen_at < ? AND other.customer_id <> own.customer_id)
"""

Parts = Mapping[tuple[str, str, str], Mapping[str, Any]]
"""Values of parts by name, for every source, entity and key."""


def evidence_links(connection: sa.Connection, claim: Mapping[str, Any], filed_at: int) -> dict[str, int]:
    """Others, and other claims of the customer, that handed in a piece of the claim's evidence before."""
    own = claim["claim_id"], filed_at
    others = run(connection, _OTHERS_WITH_HASH, (*own, filed_at, claim["customer_id"]))
    again = run(connection, _CLAIMS_WITH_HASH, (*own, filed_at, claim["customer_id"], claim["claim_id"]))
    return {
        "evidence_hash_other_customers_count": int(others[0][0]),
        "evidence_hash_own_claims_count": int(again[0][0]),
    }


def shared_tokens(connection: sa.Connection, customer: str, filed_at: int) -> list[str]:
    """The keys (`features.one_claim.layout.token_key`) of the customer's tokens that others hold too, both seen before."""
    rows = run(connection, _TOKENS, (customer, filed_at, filed_at))
    return [token_key(kind, token) for kind, token in rows]


def token_links(parts: Parts, customer: str, tokens: Sequence[str]) -> dict[str, int]:
    """The most of what other holders of one token did: what all holders did less what the customer did, all known by now."""
    found = {}
    for name, (source, part) in TOKEN_EVENTS.items():
        mine = parts.get((source, Entity.CUSTOMER.value, customer))
        if mine is not None:
            others = [parts[source, TOKEN, token][part.name] - mine[part.name] for token in tokens]
            found[name] = max(others, default=0)
    return found


def narrative_links(connection: sa.Connection, claim: Mapping[str, Any], filed_at: int) -> dict[str, int]:
    """Others with an earlier narrative that reads nearly the same: the most of any of the narrative's buckets."""
    name = "narrative_similar_customers_count"
    buckets = buckets_of(claim["narrative"] or "")
    if not buckets:
        return {name: 0}
    places = ", ".join("?" * len(buckets))
    sql = f"""SELECT count(DISTINCT customer_id) FROM narratives
              WHERE bucket IN ({places}) AND filed_at < ? AND customer_id <> ? GROUP BY bucket"""
    counts = run(connection, sql, (*buckets, filed_at, claim["customer_id"]))
    return {name: max((int(row[0]) for row in counts), default=0)}
