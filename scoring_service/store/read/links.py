"""Who else is tied to one claim: the features of `features.links.link_tables`, read for one claim at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from claimvet.features.catalogue.declaration import Entity
from claimvet.features.links.link_tables import TOKEN_EVENTS
from claimvet.features.online.layout import TOKEN, token_key
from claimvet.scoring_service.store.db.erased import erased_buckets, is_placeholder
from claimvet.scoring_service.store.db.statements import Rows, run, values
from claimvet.scoring_service.store.derived.minhash import buckets_of_all
from claimvet.scoring_service.store.read.reading import Aggregates

_WITH_HASH = """
WITH p (number, claim_id, customer_id, filed_at) AS ({asked}),
own AS (SELECT DISTINCT p.*, e.content_hash FROM p CROSS JOIN evidence e WHERE e.claim_id = p.claim_id AND e.submitted_at <= p.filed_at)
SELECT own.number, count(DISTINCT {what}) FROM own CROSS JOIN evidence e
WHERE e.content_hash = own.content_hash AND e.submitted_at < own.filed_at AND {which} GROUP BY own.number
"""
_OTHERS = {"what": "e.customer_id", "which": "e.customer_id <> own.customer_id"}
_AGAIN = {"what": "e.claim_id", "which": "e.customer_id = own.customer_id AND e.claim_id <> own.claim_id"}
_TOKENS = """
WITH p (number, customer_id, filed_at) AS ({asked})
SELECT p.number, own.kind, own.token FROM p CROSS JOIN identity_links own
WHERE own.customer_id = p.customer_id AND own.seen_at < p.filed_at AND EXISTS (
    SELECT 1 FROM identity_links other WHERE other.kind = own.kind AND other.token = own.token
    AND other.seen_at < p.filed_at AND other.customer_id <> own.customer_id)
"""
_NARRATIVES = """
WITH p (number, bucket, filed_at, customer_id) AS ({asked})
SELECT p.number, count(DISTINCT n.customer_id) FROM p CROSS JOIN narratives n
WHERE n.bucket = p.bucket AND n.filed_at < p.filed_at AND n.customer_id <> p.customer_id GROUP BY p.number, p.bucket
"""

Asked = Sequence[Mapping[str, Any]]
"""Claims with their context; `filed_at` is the moment that is looked from."""


def evidence_links(connection: sa.Connection, claims: Asked) -> list[dict[str, int]]:
    """Of each claim, others and other claims of the customer that handed in a piece of its evidence before."""
    rows = [(number, claim["claim_id"], claim["customer_id"], claim["filed_at"]) for number, claim in enumerate(claims)]
    types = ("INTEGER", "TEXT", "TEXT", "BIGINT")
    others, again = (
        {int(number): int(count) for number, count in _asked(connection, _WITH_HASH, types, rows, **words)}
        for words in (_OTHERS, _AGAIN)
    )
    return [
        {
            "evidence_hash_other_customers_count": others.get(number, 0),
            "evidence_hash_own_claims_count": again.get(number, 0),
        }
        for number in range(len(claims))
    ]


def shared_tokens(connection: sa.Connection, claims: Sequence[tuple[str, int]]) -> list[list[str]]:
    """Of each customer at a moment, the keys (`features.online.layout.token_key`) of the tokens that others hold too, seen before."""
    rows = [(number, *one) for number, one in enumerate(claims)]
    found: list[list[str]] = [[] for _ in claims]
    for number, kind, token in _asked(connection, _TOKENS, ("INTEGER", "TEXT", "BIGINT"), rows):
        found[number].append(token_key(kind, token))
    return found


def token_links(aggregates: Aggregates, customer: str, tokens: Sequence[str]) -> dict[str, int]:
    """Return the most of what other holders of one token did: what all holders did less what the customer did, all known by now."""
    found = {}
    for name, (source, aggregate) in TOKEN_EVENTS.items():
        mine = aggregates.get((source, Entity.CUSTOMER.value, customer))
        if mine is not None:
            others = [aggregates[source, TOKEN, token][aggregate.name] - mine[aggregate.name] for token in tokens]
            found[name] = max(others, default=0)
    return found


def narrative_links(connection: sa.Connection, claims: Asked) -> list[dict[str, int]]:
    """Of each claim, others with an earlier narrative that reads nearly the same: the most of any of the narrative's buckets."""
    told = buckets_of_all(claim["narrative"] or "" for claim in claims)
    erased = erased_buckets(connection, [claim["claim_id"] for claim in claims if is_placeholder(claim["narrative"])])
    rows = [
        (number, bucket, claim["filed_at"], claim["customer_id"])
        for number, claim in enumerate(claims)
        for bucket in erased.get(claim["claim_id"], told[claim["narrative"] or ""])
    ]
    most = [0] * len(claims)
    for number, count in _asked(connection, _NARRATIVES, ("INTEGER", "BIGINT", "BIGINT", "TEXT"), rows):
        most[number] = max(most[number], int(count))
    return [{"narrative_similar_customers_count": count} for count in most]


def _asked(
    connection: sa.Connection, sql: str, types: Sequence[str], rows: Sequence[Sequence[Any]], **words: str
) -> Rows:
    """Return the answers to a question about each of the rows."""
    if not rows:
        return []
    asked = values(connection, types, len(rows))
    return run(connection, sql.format(asked=asked, **words), [value for row in rows for value in row])
