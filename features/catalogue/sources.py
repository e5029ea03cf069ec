"""Which histories can be looked at, and which tables of the contract does each come from?

A source is a table of events: entity keys, `known` (int64, microseconds since 1970 UTC, when the platform knew the
event), and the columns that features read (money in int64 cents). Two optional columns bound an event's life:
`appears`, where it can be seen only later than `known`, and `ends`, from which on it no longer counts (an outcome until
the next one on the same claim, a policy until it lapses, a violation until it is lifted). An event is seen by a claim
filed at T where `known < T`, `appears < T` and `T <= ends`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from claimvet.data.contract.tables import CONCESSION_LIMIT_USD, FINDINGS
from claimvet.features.catalogue.declaration import Entity

TableReader = Callable[[str], ir.Table]
"""Gives a table of the contract by name, times in int64 microseconds and money in int64 cents."""

JUST_UNDER_LIMIT_SHARE = 0.1
"""A claim is `just_under_limit` from 90 % of the concession limit up to it: where claims are gamed. Assumption."""

_PARTIES = frozenset({Entity.CUSTOMER, Entity.SELLER, Entity.PRODUCT, Entity.CATEGORY})


@dataclass(frozen=True)
class Source:
    """One history: its tables, the entities that have it, its columns, and how it is read."""

    name: str
    tables: tuple[str, ...]
    entities: frozenset[Entity]
    columns: tuple[str, ...]
    read: Callable[[TableReader], ir.Table]
    has_end: bool = False

    def has_bounds(self, entity: Entity) -> bool:
        """Return whether an event of the entity may end, or be seen only later than known: a product's category, once
        it is listed.
        """
        return self.has_end or entity is Entity.CATEGORY


def _orders(table: TableReader) -> ir.Table:
    return table("orders").rename(known="ordered_at")


def _returns(table: TableReader) -> ir.Table:
    returns = table("returns")
    refused = (returns.refund_amount == 0).ifelse("yes", "no")
    return returns.mutate(refused=refused).rename(known="requested_at", refund="refund_amount")


def _inspections(table: TableReader) -> ir.Table:
    returns = table("returns")
    return returns.filter(returns.inspected_at.notnull()).rename(known="inspected_at", refund="refund_amount")


def _claims(table: TableReader) -> ir.Table:
    claims = table("claims")
    limit = int(CONCESSION_LIMIT_USD * 100)
    low = int(limit * (1 - JUST_UNDER_LIMIT_SHARE))
    band = ((claims.amount_claimed >= low) & (claims.amount_claimed < limit)).ifelse("just_under_limit", "other")
    return claims.mutate(band=band).rename(known="filed_at", amount="amount_claimed")


def _outcomes(table: TableReader) -> ir.Table:
    """Return each outcome with its claim's parties; it ends when the claim's next one is decided."""
    outcomes, claims = table("outcomes"), table("claims")
    by_claim = ibis.window(group_by=outcomes.claim_id, order_by=[outcomes.decided_at, outcomes.outcome_id])
    parties = claims.select("claim_id", "customer_id", "seller_id", "product_id")
    found = outcomes.decided_by.isin(FINDINGS)
    decided = outcomes.mutate(
        ends=outcomes.decided_at.lead().over(by_claim),
        finding=found.ifelse(outcomes.label, "none"),
        paid=outcomes.amount_paid,
    )
    return decided.inner_join(parties, "claim_id").rename(known="decided_at")


def _seller_reports(table: TableReader) -> ir.Table:
    return table("seller_reports").rename(known="reported_at")


def _claim_evidence(table: TableReader) -> ir.Table:
    """Return a claim's own evidence, which counts from `submitted_at <= filed_at`: one microsecond earlier makes that a
    `<`.
    """
    evidence = table("evidence")
    return evidence.mutate(known=evidence.submitted_at - 1)


def _identity_links(table: TableReader) -> ir.Table:
    return table("identity_links").rename(known="seen_at")


def _insurance_policies(table: TableReader) -> ir.Table:
    return table("insurance_policies").rename(known="valid_from", ends="valid_to", coverage="coverage_amount")


def _seller_violations(table: TableReader) -> ir.Table:
    return table("seller_violations").rename(known="recorded_at", ends="lifted_at")


def _listings(table: TableReader) -> ir.Table:
    return table("products").rename(known="listed_at")


_DECLARED = (
    Source("orders", ("orders",), _PARTIES, ("amount", "seller_id", "product_id", "customer_id"), _orders),
    Source("returns", ("returns",), _PARTIES | {Entity.ORDER}, ("refund", "reason", "refused", "seller_id"), _returns),
    Source("inspections", ("returns",), _PARTIES | {Entity.ORDER}, ("refund", "condition"), _inspections),
    Source(
        "claims",
        ("claims",),
        _PARTIES | {Entity.ORDER},
        ("amount", "claim_type", "band", "customer_id", "seller_id"),
        _claims,
    ),
    Source(
        "outcomes",
        ("outcomes", "claims"),
        _PARTIES,
        ("label", "finding", "decided_by", "paid"),
        _outcomes,
        has_end=True,
    ),
    Source(
        "seller_reports",
        ("seller_reports",),
        frozenset({Entity.CUSTOMER, Entity.SELLER}),
        ("seller_id", "customer_id"),
        _seller_reports,
    ),
    Source("claim_evidence", ("evidence",), frozenset({Entity.CLAIM}), ("kind",), _claim_evidence),
    Source("identity_links", ("identity_links",), frozenset({Entity.CUSTOMER}), ("kind",), _identity_links),
    Source(
        "insurance_policies",
        ("insurance_policies",),
        frozenset({Entity.SELLER}),
        ("coverage",),
        _insurance_policies,
        has_end=True,
    ),
    Source(
        "seller_violations",
        ("seller_violations",),
        frozenset({Entity.SELLER}),
        (),
        _seller_violations,
        has_end=True,
    ),
    Source("listings", ("products",), frozenset({Entity.SELLER}), (), _listings),
)

SOURCES: dict[str, Source] = {source.name: source for source in _DECLARED}
"""All sources by name."""
