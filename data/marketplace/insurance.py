"""Which sellers are insured, from when, and how often their cover lapses."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from claimvet.data.contract.arrays import Floats
from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace.catalogue import Products, Sellers
from claimvet.data.marketplace.randomness import Ints, stream
from claimvet.data.marketplace.shopping import Orders
from claimvet.data.marketplace.timeline import days, end_of_period, month_edges, start_of_period

LAPSE_SHARE = 0.25
"""Policies that are not renewed in time (assumption)."""
LAPSE_DAYS = 90.0
"""Mean days without cover after a lapse (assumption)."""
UNINSURED_SHARE = 0.07
"""Sellers who must be insured and never are (assumption)."""
CAUTIOUS_SHARE = 0.04
"""Sellers who insure although they need not (assumption)."""
COVERAGE = (1_000_000.0, 2_000_000.0, 500_000.0)
"""Sums insured, dollars (assumption)."""
COVERAGE_SHARE = (0.7, 0.2, 0.1)
"""Share of each of `COVERAGE` (assumption)."""
COVERAGE_UNKNOWN = 0.03
"""Policies whose sum is not known (assumption)."""


@dataclass(frozen=True)
class Policies:
    """Sellers' liability insurance, a year at a time, sorted by seller and `valid_from`.

    - `seller` int64; `valid_from`, `valid_to` int64, microseconds; `coverage` float64, dollars, NaN where not known
    """

    seller: Ints
    valid_from: Ints
    valid_to: Ints
    coverage: Floats

    def take(self, rows: Ints) -> Policies:
        """Return the policies at these rows."""
        return Policies(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def end_of_first_big_month(sellers: Sellers, products: Products, orders: Orders) -> Ints:
    """End of the first calendar month in which each seller sold for `INSURANCE_SALES`; -1 for sellers who never did."""
    edges = month_edges()
    months = len(edges) - 1
    month = np.searchsorted(edges, orders.ordered_at, side="right") - 1
    cell = products.seller[orders.product] * months + month
    sales = np.bincount(cell, orders.amount, len(sellers) * months).reshape(len(sellers), months)
    big = sales >= c.INSURANCE_SALES
    return np.where(big.any(axis=1), edges[big.argmax(axis=1) + 1], -1)


def _insured(rng: np.random.Generator, sellers: Sellers, must_from: Ints) -> tuple[Ints, Ints]:
    """Sellers who insure at all, and when they first do."""
    cautious = (must_from < 0) & (rng.random(len(sellers)) < CAUTIOUS_SHARE)
    begin = np.where(cautious, np.maximum(sellers.created_at, start_of_period()), must_from)
    seller = np.flatnonzero((begin >= 0) & (rng.random(len(sellers)) >= UNINSURED_SHARE))
    return seller, begin[seller] + days(rng.exponential(12.0, len(seller)))


def _one_year(rng: np.random.Generator, seller: Ints, start: Ints) -> Policies:
    coverage = rng.choice(COVERAGE, len(seller), p=COVERAGE_SHARE)
    coverage[rng.random(len(seller)) < COVERAGE_UNKNOWN] = np.nan
    return Policies(seller, start, start + 365 * c.MICROSECOND_DAY, coverage)


def make_policies(seed: int, sellers: Sellers, products: Products, orders: Orders) -> Policies:
    """Return one policy a year from some days after the first month of big sales, renewed late by some, until the period ends."""
    rng = stream(seed, "insurance")
    seller, start = _insured(rng, sellers, end_of_first_big_month(sellers, products, orders))
    years = []
    for _ in range(c.PERIOD_DAYS // 365 + 1):
        years.append(_one_year(rng, seller, start))
        lapsed = rng.random(len(seller)) < LAPSE_SHARE
        start = years[-1].valid_to + days(lapsed * rng.exponential(LAPSE_DAYS, len(seller)))
    every = Policies(*(np.concatenate([getattr(year, field.name) for year in years]) for field in fields(Policies)))
    known = np.flatnonzero(every.valid_from < end_of_period())
    return every.take(known[np.lexsort((every.valid_from[known], every.seller[known]))])
