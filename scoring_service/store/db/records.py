"""The tables of the service itself: the ledger of decisions, which nobody can change, API keys, idempotency keys, and erasures.

The database holds the ledger to it: triggers refuse UPDATE and DELETE, on SQLite and on PostgreSQL, but for one thing: the texts of a row
(`received`, `narrative`) may be erased, once, and everything else of it stays, their hashes too.
"""

from __future__ import annotations

import sqlalchemy as sa

from claimvet.scoring_service.store.db.schema import METADATA

__all__ = [
    "APPEND_ONLY",
    "METADATA",
    "NO_LONGER_APPEND_ONLY",
    "api_keys",
    "decisions",
    "erased_texts",
    "erasures",
    "idempotency_keys",
]

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

decisions = sa.Table(
    "decisions",
    METADATA,
    sa.Column("number", _BIG, primary_key=True, autoincrement=True),
    sa.Column("decision_id", sa.String(64), nullable=False, unique=True),
    sa.Column("claim_id", sa.String(64), nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),  # score, once a claim; rescore, any number
    sa.Column("as_of", sa.BigInteger, nullable=False),  # features saw what was known before; microseconds since 1970
    sa.Column("received", sa.Text, nullable=False),  # the body, as it came
    sa.Column("body_digest", sa.String(64), nullable=False),  # SHA-256 of the validated body
    sa.Column("claim", sa.Text, nullable=False),  # the claim's row, validated; JSON
    sa.Column("features", sa.Text),  # name to value, JSON; null where they could not be had
    sa.Column("model_version", sa.String(64)),
    sa.Column("model_uri", sa.Text),
    sa.Column("policy", sa.Text),
    sa.Column("code_version", sa.String(64), nullable=False),
    sa.Column("scored_at", sa.BigInteger, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),  # the bytes that were sent
    sa.Column("degraded", sa.Text),  # why there is no score
    sa.Column("shadow", sa.Text),  # what the challenger would have said; JSON
    sa.Column("experts", sa.Text),  # how reviews are allocated after it; JSON, null where there is no score
    sa.Column("narrative", sa.Text),  # the claim's narrative; `claim` has only its hash and its length
    sa.Column("received_digest", sa.String(64)),  # SHA-256 of `received`, which stays when that is erased
    sa.Column("erased_at", sa.BigInteger),  # when `received` and `narrative` were erased; microseconds since 1970
)
sa.Index(
    "decisions_one_score_a_claim",
    decisions.c.claim_id,
    unique=True,
    sqlite_where=decisions.c.kind == "score",
    postgresql_where=decisions.c.kind == "score",
)

api_keys = sa.Table(
    "api_keys",
    METADATA,
    sa.Column("key_id", sa.String(16), primary_key=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("secret_hash", sa.String(64), nullable=False),  # SHA-256; see claimvet.scoring_service.auth.keys
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
)

idempotency_keys = sa.Table(
    "idempotency_keys",
    METADATA,
    sa.Column("name", sa.String(64), primary_key=True),  # SHA-256 of caller, route and key
    sa.Column("digest", sa.String(64), nullable=False),  # SHA-256 of the body
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),  # the bytes that were sent
    sa.Column("decision_id", sa.String(64)),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
)

erased_texts = sa.Table(
    "erased_texts",
    METADATA,
    sa.Column("claim_id", sa.Text, primary_key=True),
    sa.Column("narrative_digest", sa.String(64), nullable=False),  # SHA-256 of what was erased
    sa.Column("buckets", sa.Text, nullable=False),  # its MinHash buckets; JSON
    sa.Column("erased_at", sa.BigInteger, nullable=False),
    comment="narratives that were erased from claims; see claimvet.scoring_service.decisions.erase",
)

erasures = sa.Table(
    "erasures",
    METADATA,
    sa.Column("number", _BIG, primary_key=True, autoincrement=True),
    sa.Column("erased_at", sa.BigInteger, nullable=False),
    sa.Column("customer_digest", sa.String(64)),  # SHA-256 of the customer's id; null where texts were too old
    sa.Column("older_than", sa.BigInteger),  # texts of before that instant; null where it was a customer
    sa.Column("claims", sa.BigInteger, nullable=False),
    sa.Column("decisions", sa.BigInteger, nullable=False),
    comment="when texts were erased, whose, and how many",
)

_ERASABLE = ("received", "narrative", "erased_at")
_KEPT = tuple(column.name for column in decisions.columns if column.name not in _ERASABLE)
_ERASES = "NEW.received = '' AND NEW.narrative IS NULL AND OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL"
"""All that may be done to a row: its texts go, and it is said when."""

APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions "
        f"WHEN NOT ({_ERASES} AND {' AND '.join(f'NEW.{name} IS OLD.{name}' for name in _KEPT)}) "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
        "CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION decisions_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'UPDATE' THEN IF {_ERASES} "
        f"AND ({', '.join(f'NEW.{name}' for name in _KEPT)}) IS NOT DISTINCT FROM ({', '.join(f'OLD.{name}' for name in _KEPT)}) "
        "THEN RETURN NEW; END IF; END IF; "
        "RAISE EXCEPTION 'the ledger is append-only'; END $$",
        "CREATE TRIGGER decisions_no_change BEFORE UPDATE OR DELETE ON decisions "
        "FOR EACH ROW EXECUTE FUNCTION decisions_append_only()",
        "CREATE TRIGGER decisions_no_truncate BEFORE TRUNCATE ON decisions "
        "FOR EACH STATEMENT EXECUTE FUNCTION decisions_append_only()",
    ),
}
"""Statements that hold the ledger to it, by dialect; the migration that makes the table, or changes it, runs them."""

NO_LONGER_APPEND_ONLY = {
    "sqlite": ("DROP TRIGGER decisions_no_update", "DROP TRIGGER decisions_no_delete"),
    "postgresql": (
        "DROP TRIGGER decisions_no_change ON decisions",
        "DROP TRIGGER decisions_no_truncate ON decisions",
        "DROP FUNCTION decisions_append_only()",
    ),
}
"""What a migration does before it changes the ledger's rows."""
