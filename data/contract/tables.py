"""The twelve tables of the contract, declared once.

Everything else that knows a table, a column, a type or an allowed value derives it from here. A claim's own table is `claims`;
only that one is needed to score, and `claims` with `outcomes` to train.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

FEATURE_COLUMN_PREFIX = "x_"
"""Extra columns of `claims` with this prefix become features as they are."""

GROUP_COLUMN_PREFIX = "group_"
"""Extra columns with this prefix never become features; they only split the fairness report."""

CONCESSION_LIMIT_USD = 1000.0
"""Valid claims below this amount are paid by the marketplace itself (the guarantee's own figure); a policy may configure another."""


class Kind(StrEnum):
    """What a column holds, which decides its type and its rules."""

    IDENTIFIER = "identifier"
    """String of 1 to 64 characters."""
    CATEGORY = "category"
    """The user's own string, not empty."""
    CHOICE = "choice"
    """One of a fixed list of strings."""
    TEXT = "text"
    """Free string; a token or a hash where the contract says so."""
    TIME = "time"
    """Instant in UTC, microseconds."""
    MONEY = "money"
    """US dollars to the cent, float64, finite, never negative."""


@dataclass(frozen=True)
class Column:
    """One column: its name, kind, whether null is allowed, the allowed values of a choice, and what it means."""

    name: str
    kind: Kind
    meaning: str
    nullable: bool = False
    values: tuple[str, ...] = ()
    may_lie_ahead: bool = False
    """Whether a time may be later than now, as the end of a policy that is in force."""
    unbounded: bool = False
    """Whether a text may have any number of characters."""


@dataclass(frozen=True)
class Table:
    """One table: what a row is, its key, and the column that says when the platform knew it."""

    name: str
    meaning: str
    key: tuple[str, ...]
    known_at: str
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """Return the column of that name; raises `KeyError` where the contract has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"the contract's table {self.name} has no column {name}")

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns, in the contract's order."""
        return tuple(column.name for column in self.columns)


def _identifier(name: str, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name, Kind.IDENTIFIER, meaning, nullable)


def _time(name: str, meaning: str, *, nullable: bool = False, may_lie_ahead: bool = False) -> Column:
    return Column(name, Kind.TIME, meaning, nullable, may_lie_ahead=may_lie_ahead)


def _money(name: str, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name, Kind.MONEY, meaning, nullable)


def _choice(name: str, meaning: str, values: tuple[str, ...], *, nullable: bool = False) -> Column:
    return Column(name, Kind.CHOICE, meaning, nullable, values)


RETURN_REASONS = (
    "defective",
    "damaged",
    "not_as_described",
    "no_longer_needed",
    "wrong_item",
    "missing_parts",
    "other",
)
RETURN_CONDITIONS = ("like_new", "used", "damaged", "empty_box", "different_item", "not_received")
BAD_RETURN_CONDITIONS = ("empty_box", "different_item", "not_received")
CLAIM_TYPES = ("property_damage", "personal_injury")
EVIDENCE_KINDS = ("photo", "receipt", "medical_report", "police_report", "repair_estimate", "other")
IDENTITY_KINDS = ("device", "payment", "address", "phone")
LABELS = ("valid", "frivolous", "abusive")
PROBABILITIES = tuple(f"p_{label}" for label in LABELS)
"""Columns of the probability of each label."""
PROBABILITIES = tuple(f"p_{label}" for label in LABELS)
"""Columns of the probability of each label."""
FINDINGS = ("expert", "investigator", "seller_defense", "appeal")
"""`decided_by` values where somebody looked; `concession` is the fifth: paid without anyone looking."""
DECIDERS = (*FINDINGS, "concession")

_CUSTOMER = _identifier("customer_id", "the customer")
_SELLER = _identifier("seller_id", "the seller")
_PRODUCT = _identifier("product_id", "the product")
_CLAIM = _identifier("claim_id", "the claim")

_DECLARED = (
    Table(
        "customers",
        "someone who buys",
        key=("customer_id",),
        known_at="created_at",
        columns=(_CUSTOMER, _time("created_at", "when the account was opened")),
    ),
    Table(
        "sellers",
        "someone who sells",
        key=("seller_id",),
        known_at="created_at",
        columns=(_SELLER, _time("created_at", "when the seller joined")),
    ),
    Table(
        "products",
        "something on sale",
        key=("product_id",),
        known_at="listed_at",
        columns=(
            _PRODUCT,
            _SELLER,
            Column("category_id", Kind.CATEGORY, "the user's own name of the category"),
            _money("price", "listed price", nullable=True),
            _time("listed_at", "when it went on sale"),
        ),
    ),
    Table(
        "orders",
        "one product bought once",
        key=("order_id",),
        known_at="ordered_at",
        columns=(
            _identifier("order_id", "the order"),
            _CUSTOMER,
            _SELLER,
            _PRODUCT,
            _money("amount", "what the customer paid"),
            _time("ordered_at", "when it was bought"),
        ),
    ),
    Table(
        "returns",
        "a request to send an order back",
        key=("return_id",),
        known_at="requested_at",
        columns=(
            _identifier("return_id", "the return"),
            _identifier("order_id", "the order sent back"),
            _CUSTOMER,
            _SELLER,
            _PRODUCT,
            _choice("reason", "what the customer said", RETURN_REASONS),
            _time("requested_at", "when the customer asked"),
            _time("inspected_at", "when the parcel was opened", nullable=True),
            _choice("condition", "what was found in it; known at inspected_at", RETURN_CONDITIONS, nullable=True),
            _money("refund_amount", "what was refunded"),
        ),
    ),
    Table(
        "claims",
        "a customer's claim for damage or injury by a product",
        key=("claim_id",),
        known_at="filed_at",
        columns=(
            _CLAIM,
            _identifier("order_id", "the order it is about", nullable=True),
            _CUSTOMER,
            _SELLER,
            _PRODUCT,
            _time("incident_at", "when it happened, as the customer says", nullable=True),
            _time("filed_at", "when the claim was filed"),
            _choice("claim_type", "what was harmed", CLAIM_TYPES),
            _money("amount_claimed", "what the customer asks for; null where not stated yet", nullable=True),
            Column("narrative", Kind.TEXT, "the customer's own words", nullable=True, unbounded=True),
        ),
    ),
    Table(
        "evidence",
        "a document or picture handed in for a claim",
        key=("evidence_id",),
        known_at="submitted_at",
        columns=(
            _identifier("evidence_id", "the piece of evidence"),
            _CLAIM,
            _CUSTOMER,
            _choice("kind", "what it is", EVIDENCE_KINDS),
            Column("content_hash", Kind.TEXT, "hash of its content"),
            _time("submitted_at", "when it was handed in"),
        ),
    ),
    Table(
        "outcomes",
        "a decision on a claim; the latest one known counts",
        key=("outcome_id",),
        known_at="decided_at",
        columns=(
            _identifier("outcome_id", "the decision"),
            _CLAIM,
            _choice("label", "what the claim was found or assumed to be", LABELS),
            _choice("decided_by", "who found it; a concession is an assumption, the others are findings", DECIDERS),
            _time("decided_at", "when it was decided"),
            _money("amount_paid", "what was paid", nullable=True),
        ),
    ),
    Table(
        "identity_links",
        "a device, payment, address or phone token seen with a customer",
        key=("customer_id", "kind", "token"),
        known_at="seen_at",
        columns=(
            _CUSTOMER,
            _choice("kind", "what the token stands for", IDENTITY_KINDS),
            Column("token", Kind.TEXT, "the token"),
            _time("seen_at", "when it was first seen with the customer"),
        ),
    ),
    Table(
        "seller_reports",
        "a seller's report of a customer for abuse",
        key=("report_id",),
        known_at="reported_at",
        columns=(
            _identifier("report_id", "the report"),
            _SELLER,
            _CUSTOMER,
            _identifier("order_id", "the order it is about", nullable=True),
            Column("reason", Kind.TEXT, "what the seller said"),
            _time("reported_at", "when it was reported"),
        ),
    ),
    Table(
        "insurance_policies",
        "a seller's liability insurance",
        key=("policy_id",),
        known_at="valid_from",
        columns=(
            _identifier("policy_id", "the policy"),
            _SELLER,
            _time("valid_from", "when cover begins", may_lie_ahead=True),
            _time("valid_to", "when cover ends", may_lie_ahead=True),
            _money("coverage_amount", "most that it pays", nullable=True),
        ),
    ),
    Table(
        "seller_violations",
        "a rule of the marketplace that a seller broke; the seller keeps the rules where none is in force",
        key=("violation_id",),
        known_at="recorded_at",
        columns=(
            _identifier("violation_id", "the violation"),
            _SELLER,
            Column("rule", Kind.TEXT, "the user's own name of the rule"),
            _time("recorded_at", "when it was recorded"),
            _time("lifted_at", "when it was lifted, known then; null while it is in force", nullable=True),
        ),
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _DECLARED})
"""All tables of the contract by name."""

NEEDED_TO_SCORE = ("claims",)
NEEDED_TO_TRAIN = ("claims", "outcomes")
