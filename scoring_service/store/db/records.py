"""The tables of the service itself: the ledger of decisions, which nobody can change, and the API keys.

The database holds the ledger to it: triggers refuse UPDATE and DELETE, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import sqlalchemy as sa

from claimvet.scoring_service.store.db.schema import METADATA

__all__ = ["APPEND_ONLY", "METADATA", "api_keys", "decisions"]

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

APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
        "CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION decisions_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$",
        "CREATE TRIGGER decisions_no_change BEFORE UPDATE OR DELETE ON decisions "
        "FOR EACH ROW EXECUTE FUNCTION decisions_append_only()",
        "CREATE TRIGGER decisions_no_truncate BEFORE TRUNCATE ON decisions "
        "FOR EACH STATEMENT EXECUTE FUNCTION decisions_append_only()",
    ),
}
"""Statements that make the ledger append-only, by dialect; the migration that makes the table runs them."""
