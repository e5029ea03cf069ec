"""The first form of the store: the contract's tables, what is derived of them, the ledger and the keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_APPEND_ONLY = {
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


def upgrade() -> None:
    """Make all tables; the ledger refuses changes from then on."""
    _parties()
    _orders()
    _claims()
    _sellers_matters()
    _derived()
    _rings()
    _service()
    for statement in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def _numbers() -> list[sa.Column[int]]:
    names = [f"t{number}" for number in range(10)] + ["e0", "e1"]
    return [sa.Column(name, sa.BigInteger(), nullable=True) for name in names]


def _parties() -> None:
    """Make customers, sellers, products and identity links."""
    op.create_table(
        "customers",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id"),
    )
    op.create_index("customers_by_created_at", "customers", ["created_at"], unique=False)
    op.create_table(
        "sellers",
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seller_id"),
    )
    op.create_index("sellers_by_created_at", "sellers", ["created_at"], unique=False)
    op.create_table(
        "products",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("category_id", sa.Text(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("listed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("product_id"),
    )
    op.create_index("products_by_listed_at", "products", ["listed_at"], unique=False)
    op.create_table(
        "identity_links",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "kind", "token"),
    )
    op.create_index(
        "identity_links_by_kind_token_seen_at_customer_id",
        "identity_links",
        ["kind", "token", "seen_at", "customer_id"],
        unique=False,
    )
    op.create_index("identity_links_by_seen_at", "identity_links", ["seen_at"], unique=False)


def _orders() -> None:
    """Make orders and returns."""
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("ordered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id"),
    )
    op.create_index("orders_by_ordered_at", "orders", ["ordered_at"], unique=False)
    op.create_index("orders_by_product_id", "orders", ["product_id"], unique=False)
    op.create_table(
        "returns",
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("inspected_at", sa.BigInteger(), nullable=True),
        sa.Column("condition", sa.Text(), nullable=True),
        sa.Column("refund_amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("return_id"),
    )
    op.create_index("returns_by_inspected_at", "returns", ["inspected_at"], unique=False)
    op.create_index("returns_by_product_id", "returns", ["product_id"], unique=False)
    op.create_index("returns_by_requested_at", "returns", ["requested_at"], unique=False)


def _claims() -> None:
    """Claims, their evidence and outcomes."""
    op.create_table(
        "claims",
        sa.Column("claim_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("incident_at", sa.BigInteger(), nullable=True),
        sa.Column("filed_at", sa.BigInteger(), nullable=False),
        sa.Column("claim_type", sa.Text(), nullable=False),
        sa.Column("amount_claimed", sa.BigInteger(), nullable=True),
        sa.Column("narrative", sa.Text(), nullable=True),
        sa.Column("extra", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("claim_id"),
    )
    op.create_index("claims_by_customer_id", "claims", ["customer_id"], unique=False)
    op.create_index("claims_by_filed_at", "claims", ["filed_at"], unique=False)
    op.create_index("claims_by_product_id", "claims", ["product_id"], unique=False)
    op.create_table(
        "evidence",
        sa.Column("evidence_id", sa.Text(), nullable=False),
        sa.Column("claim_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("submitted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("evidence_id"),
    )
    op.create_index("evidence_by_claim_id_submitted_at", "evidence", ["claim_id", "submitted_at"], unique=False)
    op.create_index(
        "evidence_by_content_hash_submitted_at_customer_id",
        "evidence",
        ["content_hash", "submitted_at", "customer_id"],
        unique=False,
    )
    op.create_index("evidence_by_submitted_at", "evidence", ["submitted_at"], unique=False)
    op.create_table(
        "outcomes",
        sa.Column("outcome_id", sa.Text(), nullable=False),
        sa.Column("claim_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("amount_paid", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("outcome_id"),
    )
    op.create_index("outcomes_by_claim_id", "outcomes", ["claim_id"], unique=False)
    op.create_index("outcomes_by_decided_at", "outcomes", ["decided_at"], unique=False)


def _sellers_matters() -> None:
    """Make reports and insurance of sellers."""
    op.create_table(
        "seller_reports",
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("report_id"),
    )
    op.create_index("seller_reports_by_reported_at", "seller_reports", ["reported_at"], unique=False)
    op.create_table(
        "insurance_policies",
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=False),
        sa.Column("coverage_amount", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("policy_id"),
    )
    op.create_index("insurance_policies_by_valid_from", "insurance_policies", ["valid_from"], unique=False)


def _derived() -> None:
    """Make running totals."""
    op.create_table(
        "histories",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        comment="what the numbers of changes and marks mean; see claimvet.features.online.layout",
    )
    op.create_table(
        "changes",
        sa.Column("history", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("row_id", sa.Text(), nullable=False),
        *_numbers(),
        sa.PrimaryKeyConstraint("history", "key", "position", "row_id"),
        comment="what is added to the running totals of a key at a position; see claimvet.features.online.deltas",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "marks",
        sa.Column("history", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        *_numbers(),
        sa.PrimaryKeyConstraint("history", "key", "position"),
        comment="running totals of all changes before a position, and the extremes of those since the mark before",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "repeats",
        sa.Column("history", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("row_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("history", "key", "value", "position", "row_id"),
        comment="when each value of a distinct count was seen",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "narratives",
        sa.Column("bucket", sa.BigInteger(), nullable=False),
        sa.Column("filed_at", sa.BigInteger(), nullable=False),
        sa.Column("claim_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "filed_at", "claim_id"),
        comment="the buckets of every claim's narrative; see claimvet.features.links.minhash",
        sqlite_with_rowid=False,
    )


def _rings() -> None:
    """Rings of customers."""
    op.create_table(
        "rings",
        sa.Column("ring", sa.Text(), nullable=False),
        sa.Column("customers", sa.BigInteger(), nullable=False),
        sa.Column("whole_since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ring"),
        comment="customers whom chains of shared tokens tie together; see claimvet.scoring_service.store.derived.connected_components",
    )
    op.create_table(
        "ring_members",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("ring", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id"),
        comment="which ring a customer is in; who shares no token is in none",
        sqlite_with_rowid=False,
    )
    op.create_index("ring_members_by_ring", "ring_members", ["ring"], unique=False)


def _service() -> None:
    """Make the ledger and the API keys."""
    op.create_table(
        "decisions",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("decision_id", sa.String(length=64), nullable=False),
        sa.Column("claim_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.Text(), nullable=False),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("features", sa.Text(), nullable=True),
        sa.Column("model_version", sa.String(length=64), nullable=True),
        sa.Column("model_uri", sa.Text(), nullable=True),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("code_version", sa.String(length=64), nullable=False),
        sa.Column("scored_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("degraded", sa.Text(), nullable=True),
        sa.Column("shadow", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("decision_id"),
    )
    op.create_index(
        "decisions_one_score_a_claim",
        "decisions",
        ["claim_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'score'"),
        postgresql_where=sa.text("kind = 'score'"),
    )
    op.create_index("ix_decisions_claim_id", "decisions", ["claim_id"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key_id"),
    )
