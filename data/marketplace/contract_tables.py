"""The world as the contract's twelve tables, and the truth beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pyarrow as pa

from claimvet.data.contract.tables import (
    CLAIM_TYPES,
    DECIDERS,
    EVIDENCE_KINDS,
    IDENTITY_KINDS,
    LABELS,
    RETURN_CONDITIONS,
    RETURN_REASONS,
)
from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace.randomness import Ints
from claimvet.data.marketplace.reports import REPORT_REASONS
from claimvet.data.marketplace.tables import choices, hashes, identifiers, money, references, slices, times
from claimvet.data.marketplace.violations import BROKEN_RULES
from claimvet.data.marketplace.world import World
from claimvet.data.reference import load_categories

Batches = Iterator[Mapping[str, pa.Array]]


def _customers(world: World) -> Batches:
    made = world.customers
    for part in slices(len(made)):
        numbers = np.arange(part.start, part.stop)
        yield {"customer_id": identifiers("c", numbers), "created_at": times(made.created_at[part])}


def _sellers(world: World) -> Batches:
    made = world.sellers
    yield {"seller_id": identifiers("s", np.arange(len(made))), "created_at": times(made.created_at)}


def _products(world: World) -> Batches:
    made = world.products
    yield {
        "product_id": identifiers("p", np.arange(len(made))),
        "seller_id": identifiers("s", made.seller),
        "category_id": choices(load_categories()["category_id"], made.category),
        "price": money(made.price),
        "listed_at": times(made.listed_at),
    }


def _parties(world: World, order: Ints) -> dict[str, pa.Array]:
    """Return the customer, seller and product of each of these orders."""
    product = world.orders.product[order]
    return {
        "customer_id": references("c", world.orders.customer[order], len(world.customers)),
        "seller_id": references("s", world.products.seller[product], len(world.sellers)),
        "product_id": references("p", product, len(world.products)),
    }


def _orders(world: World) -> Batches:
    made = world.orders
    for part in slices(len(made)):
        rows = np.arange(part.start, part.stop)
        yield {
            "order_id": identifiers("o", rows),
            **_parties(world, rows),
            "amount": money(made.amount[part]),
            "ordered_at": times(made.ordered_at[part]),
        }


def _returns(world: World) -> Batches:
    made = world.returns
    for part in slices(len(made.order)):
        yield {
            "return_id": identifiers("r", np.arange(part.start, part.stop)),
            "order_id": identifiers("o", made.order[part]),
            **_parties(world, made.order[part]),
            "reason": choices(RETURN_REASONS, made.reason[part]),
            "requested_at": times(made.requested_at[part]),
            "inspected_at": times(made.inspected_at[part]),
            "condition": choices(RETURN_CONDITIONS, made.condition[part]),
            "refund_amount": money(made.refund[part]),
        }


def _claims(world: World) -> Batches:
    made = world.claims
    yield {
        "claim_id": identifiers("k", np.arange(len(made))),
        "order_id": identifiers("o", made.order, absent=~made.order_named),
        **_parties(world, made.order),
        "incident_at": times(made.incident_at),
        "filed_at": times(made.filed_at),
        "claim_type": choices(CLAIM_TYPES, made.injury.astype(np.int64)),
        "amount_claimed": money(made.amount),
        "narrative": pa.array(world.narratives, type=pa.string()),
    }


def _evidence(world: World) -> Batches:
    made = world.evidence
    buyer = world.orders.customer[world.claims.order[made.claim]]
    yield {
        "evidence_id": identifiers("e", np.arange(len(made.claim))),
        "claim_id": identifiers("k", made.claim),
        "customer_id": references("c", buyer, len(world.customers)),
        "kind": choices(EVIDENCE_KINDS, made.kind),
        "content_hash": hashes("h", made.content),
        "submitted_at": times(made.submitted_at),
    }


def _outcomes(world: World) -> Batches:
    made = world.outcomes
    yield {
        "outcome_id": identifiers("d", np.arange(len(made))),
        "claim_id": identifiers("k", made.claim),
        "label": choices(LABELS, made.label),
        "decided_by": choices(DECIDERS, made.decided_by),
        "decided_at": times(made.decided_at),
        "amount_paid": money(made.paid),
    }


def _identity_links(world: World) -> Batches:
    made = world.identity_links
    for part in slices(len(made.customer)):
        yield {
            "customer_id": identifiers("c", made.customer[part]),
            "kind": choices(IDENTITY_KINDS, made.kind[part]),
            "token": hashes("t", made.token[part] * len(IDENTITY_KINDS) + made.kind[part]),
            "seen_at": times(made.seen_at[part]),
        }


def _seller_reports(world: World) -> Batches:
    made = world.seller_reports
    parties = _parties(world, made.order)
    yield {
        "report_id": identifiers("b", np.arange(len(made.order))),
        "seller_id": parties["seller_id"],
        "customer_id": parties["customer_id"],
        "order_id": identifiers("o", made.order, absent=~made.order_named),
        "reason": choices(REPORT_REASONS, made.reason),
        "reported_at": times(made.reported_at),
    }


def _insurance_policies(world: World) -> Batches:
    made = world.policies
    yield {
        "policy_id": identifiers("i", np.arange(len(made.seller))),
        "seller_id": identifiers("s", made.seller),
        "valid_from": times(made.valid_from),
        "valid_to": times(made.valid_to),
        "coverage_amount": money(made.coverage),
    }


def _seller_violations(world: World) -> Batches:
    made = world.violations
    yield {
        "violation_id": identifiers("v", np.arange(len(made.seller))),
        "seller_id": identifiers("s", made.seller),
        "rule": choices(BROKEN_RULES, made.rule),
        "recorded_at": times(made.recorded_at),
        "lifted_at": times(made.lifted_at),
    }


CONTRACT_TABLES: Mapping[str, Callable[[World], Batches]] = {
    "customers": _customers,
    "sellers": _sellers,
    "products": _products,
    "orders": _orders,
    "returns": _returns,
    "claims": _claims,
    "evidence": _evidence,
    "outcomes": _outcomes,
    "identity_links": _identity_links,
    "seller_reports": _seller_reports,
    "insurance_policies": _insurance_policies,
    "seller_violations": _seller_violations,
}
"""By table of the contract: what writes it."""


def _true_labels(world: World) -> Batches:
    numbers = np.arange(len(world.claims))
    yield {"claim_id": identifiers("k", numbers), "true_label": choices(LABELS, world.claims.label)}


def _true_kinds(world: World) -> Batches:
    numbers = np.arange(len(world.customers))
    yield {"customer_id": identifiers("c", numbers), "kind": choices(c.KINDS, world.customers.kind.astype(np.int64))}


TRUTH_TABLES: Mapping[str, Callable[[World], Batches]] = {"claims": _true_labels, "customers": _true_kinds}
"""What is true; written apart, and no table of the contract."""
