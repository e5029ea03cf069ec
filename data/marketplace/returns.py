"""What is sent back, why, and what was found in the parcel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.tables import BAD_RETURN_CONDITIONS, RETURN_CONDITIONS
from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace.catalogue import Products
from claimvet.data.marketplace.population import Customers
from claimvet.data.marketplace.randomness import Flags, Ints, pick, pick_code, stream
from claimvet.data.marketplace.shopping import Orders
from claimvet.data.marketplace.timeline import days, end_of_period

CONDITION_BY_KIND = (
    (0.780, 0.130, 0.060, 0.006, 0.008, 0.016),
    (0.300, 0.400, 0.250, 0.010, 0.015, 0.025),
    (0.280, 0.480, 0.120, 0.040, 0.050, 0.030),
    (0.250, 0.250, 0.120, 0.150, 0.150, 0.080),
    (0.450, 0.170, 0.100, 0.100, 0.120, 0.060),
    (0.700, 0.150, 0.080, 0.020, 0.020, 0.030),
)
"""Share of each of `RETURN_CONDITIONS` by kind of customer (assumption: opportunists send back worn goods, abusers empty boxes)."""
REASON_SHARE = (0.16, 0.12, 0.20, 0.34, 0.06, 0.05, 0.07)
"""Share of each of `RETURN_REASONS` (assumption)."""
REFUSED_BY_CONDITION = (0.01, 0.45, 0.55, 0.95, 0.95, 0.90)
"""Share of returns refused by what was found (assumption)."""


@dataclass(frozen=True)
class Returns:
    """Returns in the order of their orders.

    - `order` int64: row of the order
    - `reason`, `condition` int64: codes into `RETURN_REASONS`, `RETURN_CONDITIONS`; condition is -1 where not inspected
    - `requested_at` int64, microseconds: order plus 3 days plus exponential 9 days; `inspected_at`: 3 to 14 days later, or `NULL_TIME`
    - `refund` float64, dollars: the order's amount, or 0 where refused
    """

    order: Ints
    reason: Ints
    requested_at: Ints
    inspected_at: Ints
    condition: Ints
    refund: Floats

    def refused(self) -> Flags:
        """Inspected, and nothing refunded."""
        inspected: Flags = self.condition >= 0
        nothing: Flags = self.refund == 0
        return inspected & nothing

    def bad(self) -> Flags:
        """Came back empty, swapped or not at all."""
        codes = [RETURN_CONDITIONS.index(name) for name in BAD_RETURN_CONDITIONS]
        return np.asarray(np.isin(self.condition, codes), dtype=np.bool_)


def make_returns(seed: int, customers: Customers, products: Products, orders: Orders) -> Returns:
    """At most one return an order, likelier from some kinds of customer and for hazardous products."""
    rng = stream(seed, "returns")
    rate = np.array(c.KIND_RETURN_RATE, dtype=np.float32)[customers.kind]
    poor = np.clip(0.7 + 0.3 * products.hazard, 0.7, 2.5).astype(np.float32)
    chance = rate[orders.customer] * poor[orders.product]
    order = np.flatnonzero(rng.random(len(orders), dtype=np.float32) < chance)
    requested = orders.ordered_at[order] + days(3 + rng.exponential(9.0, len(order)))
    order, requested = order[requested < end_of_period()], requested[requested < end_of_period()]
    inspected = requested + days(3 + rng.gamma(2.0, 2.5, len(order)))
    opened = (inspected < end_of_period()) & (rng.random(len(order)) >= c.RETURN_NOT_INSPECTED)
    kind = customers.kind[orders.customer[order]]
    found = pick_code(rng, np.array(CONDITION_BY_KIND)[kind])
    refused = opened & (rng.random(len(order)) < np.array(REFUSED_BY_CONDITION)[found])
    return Returns(
        order,
        pick(rng, np.array(REASON_SHARE), len(order)),
        requested,
        np.where(opened, inspected, c.NULL_TIME),
        np.where(opened, found, -1),
        np.where(refused, 0.0, orders.amount[order]),
    )
