"""Idempotency keys, and a ledger whose texts lie apart, where they can be erased (`scoring_service.decisions.erase`)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from claimvet.scoring_service.store.db.records import APPEND_ONLY, NO_LONGER_APPEND_ONLY

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_AT_ONCE = 500
_SELECT = sa.text("SELECT number, claim, received FROM decisions WHERE number > :after ORDER BY number LIMIT :most")
_UPDATE = sa.text(
    "UPDATE decisions SET claim = :claim, narrative = :narrative, received_digest = :received_digest WHERE number = :number"
)
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the new tables, and move the narrative of each decision out of its claim."""
    _new_tables()
    for column in (
        sa.Column("narrative", sa.Text(), nullable=True),
        sa.Column("received_digest", sa.String(length=64), nullable=True),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
    ):
        op.add_column("decisions", column)
    dialect = op.get_bind().dialect.name
    for statement in NO_LONGER_APPEND_ONLY[dialect]:
        op.execute(statement)
    _move_texts(op.get_bind())
    for statement in APPEND_ONLY[dialect]:
        op.execute(statement)


def _new_tables() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.String(length=64), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"], unique=False)
    op.create_table(
        "erased_texts",
        sa.Column("claim_id", sa.Text(), nullable=False),
        sa.Column("narrative_digest", sa.String(length=64), nullable=False),
        sa.Column("buckets", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("claim_id"),
        comment="narratives that were erased from claims; see claimvet.scoring_service.decisions.erase",
    )
    op.create_table(
        "erasures",
        sa.Column("number", _BIG, autoincrement=True, nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=False),
        sa.Column("customer_digest", sa.String(length=64), nullable=True),
        sa.Column("older_than", sa.BigInteger(), nullable=True),
        sa.Column("claims", sa.BigInteger(), nullable=False),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        comment="when texts were erased, whose, and how many",
    )


def _move_texts(connection: sa.Connection) -> None:
    after = -1
    while rows := connection.execute(_SELECT, {"after": after, "most": _AT_ONCE}).all():
        connection.execute(_UPDATE, [_apart(*row) for row in rows])
        after = rows[-1][0]


def _apart(number: int, claim: str, received: str) -> dict[str, Any]:
    row = json.loads(claim)
    narrative = row["narrative"]
    if narrative is not None:
        row["narrative"] = {"sha256": _sha256(narrative), "characters": len(narrative)}
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {"number": number, "claim": text, "narrative": narrative, "received_digest": _sha256(received)}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
