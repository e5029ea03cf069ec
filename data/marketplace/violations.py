"""Which sellers break the marketplace's rules, when that is recorded, and when it is lifted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace.catalogue import Sellers
from claimvet.data.marketplace.randomness import Ints, stream
from claimvet.data.marketplace.timeline import days, end_of_period, start_of_period

BROKEN_RULES = ("late shipment rate", "order defect rate", "restricted product", "review manipulation", "other")
"""Names of rules (assumption)."""
YEARLY_VIOLATIONS = 0.05
"""Violations a year of an honest seller (assumption)."""
DISHONEST_MULTIPLE = 6.0
"""How many times as many a dishonest seller has (assumption)."""
LIFTED_AFTER_DAYS = 60.0
"""Mean days until a violation is lifted (assumption)."""
NEVER_LIFTED = 0.2
"""Violations that stay (assumption)."""


@dataclass(frozen=True)
class Violations:
    """Sellers' violations, sorted by `recorded_at`.

    - `seller` int64; `rule` int64: code into `BROKEN_RULES`; `recorded_at`, `lifted_at` int64, microseconds, `NULL_TIME`
      where it was not lifted within the period
    """

    seller: Ints
    rule: Ints
    recorded_at: Ints
    lifted_at: Ints


def make_violations(seed: int, sellers: Sellers) -> Violations:
    """Return violations at a constant rate while a seller sells."""
    rng = stream(seed, "violations")
    start = np.maximum(sellers.created_at, start_of_period())
    years = np.maximum(end_of_period() - start, 0) / (365 * c.MICROSECOND_DAY)
    rate = YEARLY_VIOLATIONS * np.where(sellers.dishonest, DISHONEST_MULTIPLE, 1.0)
    seller = np.repeat(np.arange(len(sellers)), rng.poisson(rate * years))
    recorded_at = start[seller] + (rng.random(len(seller)) * (end_of_period() - start[seller])).astype(np.int64)
    lifted_at = recorded_at + days(rng.exponential(LIFTED_AFTER_DAYS, len(seller)))
    stays = (rng.random(len(seller)) < NEVER_LIFTED) | (lifted_at >= end_of_period())
    lifted_at = np.where(stays, c.NULL_TIME, lifted_at)
    rule = rng.integers(len(BROKEN_RULES), size=len(seller))
    order = np.argsort(recorded_at, kind="stable")
    return Violations(seller[order], rule[order], recorded_at[order], lifted_at[order])
