"""What sellers say about customers: reports, true and false."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claimvet.data.marketplace.catalogue import Products, Sellers
from claimvet.data.marketplace.claims import Claims
from claimvet.data.marketplace.randomness import Flags, Ints, stream
from claimvet.data.marketplace.returns import Returns
from claimvet.data.marketplace.shopping import Orders
from claimvet.data.marketplace.timeline import days, end_of_period

REPORT_REASONS = ("false claim", "empty parcel returned", "used and returned", "threatened with a review", "other")
"""What sellers say (assumption)."""
REPORTED_CLAIM = (0.015, 0.10, 0.22)
"""Claims that an honest seller reports, by true label (assumption)."""
REPORTED_BY_DISHONEST = (0.25, 0.25, 0.30)
"""The same for a dishonest seller: true or not (assumption)."""
REPORTED_RETURN = 0.20
"""Empty, swapped or missing parcels that a seller reports (assumption)."""
SLANDER_SHARE = 0.0006
"""Orders of dishonest sellers that are reported for nothing (assumption)."""


@dataclass(frozen=True)
class SellerReports:
    """Reports of customers by sellers, sorted by `reported_at`.

    - `order` int64: row of the order; `order_named` bool; `reason` int64: code into `REPORT_REASONS`
    - `reported_at` int64, microseconds: what it is about, plus exponential 9 days
    """

    order: Ints
    order_named: Flags
    reason: Ints
    reported_at: Ints


def _about_claims(rng: np.random.Generator, dishonest: Flags, orders: Orders, claims: Claims) -> tuple[Ints, Ints]:
    chance = np.where(
        dishonest[orders.product[claims.order]],
        np.array(REPORTED_BY_DISHONEST)[claims.label],
        np.array(REPORTED_CLAIM)[claims.label],
    )
    rows = np.flatnonzero(rng.random(len(claims)) < chance)
    return claims.order[rows], claims.filed_at[rows]


def _about_returns(rng: np.random.Generator, returns: Returns) -> tuple[Ints, Ints]:
    rows = np.flatnonzero(returns.bad() & (rng.random(len(returns.order)) < REPORTED_RETURN))
    return returns.order[rows], returns.inspected_at[rows]


def _about_nothing(rng: np.random.Generator, dishonest: Flags, orders: Orders) -> tuple[Ints, Ints]:
    rows = np.flatnonzero(rng.random(len(orders), dtype=np.float32) < SLANDER_SHARE * 10 * dishonest[orders.product])
    return rows, orders.ordered_at[rows] + days(np.full(len(rows), 5.0))


def make_seller_reports(
    seed: int, sellers: Sellers, products: Products, orders: Orders, returns: Returns, claims: Claims
) -> SellerReports:
    """Return reports after claims, after bad returns, and out of spite."""
    rng = stream(seed, "seller reports")
    dishonest = sellers.dishonest[products.seller]
    parts = [
        _about_claims(rng, dishonest, orders, claims),
        _about_returns(rng, returns),
        _about_nothing(rng, dishonest, orders),
    ]
    order = np.concatenate([part[0] for part in parts])
    why = np.repeat([0, 1, 3], [len(part[0]) for part in parts])
    reported = np.concatenate([part[1] for part in parts]) + days(0.2 + rng.exponential(9.0, len(order)))
    reason = np.where(rng.random(len(order)) < 0.2, rng.integers(0, len(REPORT_REASONS), len(order)), why)
    known = np.flatnonzero(reported < end_of_period())
    rows = known[np.argsort(reported[known], kind="stable")]
    return SellerReports(order[rows], rng.random(len(rows)) >= 0.05, reason[rows], reported[rows])
