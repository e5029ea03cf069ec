"""How claims come about: what each scheme means, whose orders it starts from, and how its claims look.

A scheme decides the true label. What can be observed of it overlaps between schemes on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claimvet.data.contract.arrays import Floats
from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace.catalogue import Products
from claimvet.data.marketplace.population import ATTACKER, OPPORTUNIST, RING, SERIAL, Customers
from claimvet.data.marketplace.randomness import stream
from claimvet.data.marketplace.returns import Returns
from claimvet.data.marketplace.shopping import Orders
from claimvet.data.marketplace.timeline import end_of_period, start_of_period

VALID, FRIVOLOUS, ABUSIVE = range(3)
"""Codes of `data.contract.tables.LABELS`."""


@dataclass(frozen=True)
class Scheme:
    """One way in which claims come about; all figures are assumptions unless `constants` names a source.

    `share` of the label's claims; `use_days` median and log standard deviation from delivery to incident; `report_shift` is added to the
    mean log delay of filing; `amount_shift` to the mean log amount, `amount_tie` correlates it with the order; `gamed` share just under
    the limit; `round_lift` multiplies round amounts; `injury` share of injuries; `no_order`, `no_incident` shares left out.
    """

    name: str
    label: int
    share: float
    use_days: tuple[float, float] = (30.0, 1.1)
    report_shift: float = 0.0
    amount_shift: float = 0.0
    amount_tie: float = 0.5
    gamed: float = 0.01
    round_lift: float = 1.0
    injury: float = c.INJURY_SHARE
    no_order: float = 0.02
    no_incident: float = 0.03


SCHEMES = (
    Scheme("defect", VALID, 1.0, use_days=(24.0, 1.0)),
    Scheme(
        "mishap", FRIVOLOUS, 1.0, use_days=(110.0, 1.0), report_shift=0.7, amount_shift=-0.2, amount_tie=0.6, round_lift=1.3,
        injury=0.06, no_order=0.05, no_incident=0.16,
    ),
    Scheme(
        "refused_return", ABUSIVE, 0.30, amount_shift=0.2, amount_tie=0.6, gamed=0.15, round_lift=1.4, injury=0.06,
        report_shift=-0.3, no_incident=0.06,
    ),
    Scheme(
        "opportunity", ABUSIVE, 0.16, use_days=(13.0, 0.8), amount_shift=0.7, amount_tie=0.1, gamed=0.32, round_lift=1.5,
        report_shift=-0.5, no_order=0.04, no_incident=0.06,
    ),
    Scheme(
        "fabricated", ABUSIVE, 0.24, use_days=(10.0, 0.8), amount_shift=0.7, amount_tie=0.1, gamed=0.40, round_lift=1.7,
        report_shift=-0.7, no_order=0.06, no_incident=0.05,
    ),
    Scheme(
        "ring", ABUSIVE, 0.22, use_days=(8.0, 0.7), amount_shift=0.6, amount_tie=0.1, gamed=0.40, round_lift=1.5,
        report_shift=-0.8, no_order=0.04,
    ),
    Scheme(
        "late_attack", ABUSIVE, 0.08, use_days=(5.0, 0.4), amount_shift=0.7, amount_tie=0.0, gamed=0.80, injury=0.7,
        report_shift=-1.8, no_order=0.0, no_incident=0.0,
    ),
)  # fmt: skip
"""All schemes (assumption, all of it); the shares of a label sum to 1."""

DEFECT, MISHAP, REFUSED_RETURN, OPPORTUNITY, FABRICATED, RING_SCHEME, LATE_ATTACK = range(7)
"""Positions in `SCHEMES`."""

HURT_BY_KIND = (1.0, 0.9, 0.8, 0.4, 0.3, 0.1)
"""How often goods hurt a kind of customer and they claim, against the honest (assumption)."""
MISHAP_BY_KIND = (0.12, 6.0, 1.0, 0.5, 0.3, 0.1)
"""How often a kind claims for what was their own doing, against the mean (assumption)."""
CAMPAIGN_DAYS = 40.0
"""Rings claim within campaigns of about this length (assumption)."""


def _of_kind(customers: Customers, orders: Orders, kind: int) -> Floats:
    return np.asarray((customers.kind == kind)[orders.customer], dtype=np.float64)


def _by_refusal(customers: Customers, orders: Orders, returns: Returns) -> Floats:
    """Refused returns, by people who take what they can; the honest let it go."""
    weight = np.zeros(len(orders))
    order = returns.order[returns.refused()]
    weight[order] = np.array((0.03, 0.15, 1.0, 1.0, 0.6, 0.0))[customers.kind[orders.customer[order]]]
    return weight


def _by_campaign(seed: int, customers: Customers, orders: Orders) -> Floats:
    """Ring members' orders near the middle of their ring's campaign."""
    rng = stream(seed, "campaigns")
    weight = _of_kind(customers, orders, RING)
    rows = np.flatnonzero(weight)
    length = end_of_period() - start_of_period()
    middle = start_of_period() + rng.uniform(0.05, 0.95, customers.ring.max() + 2) * length
    distance = np.abs(orders.ordered_at[rows] - middle[customers.ring[orders.customer[rows]]]) / c.MICROSECOND_DAY
    weight[rows] = np.exp(-distance / CAMPAIGN_DAYS) + 0.01
    return weight


def scheme_weights(
    seed: int, scheme: int, customers: Customers, products: Products, orders: Orders, returns: Returns
) -> Floats:
    """Return how likely each order is to end in a claim of this scheme; float64, shape (orders,)."""
    kind = customers.kind[orders.customer]
    dear = np.sqrt(orders.amount)
    if scheme == DEFECT:
        lots = 1 + (c.LOT_HAZARD - 1) * orders.of_dangerous_lot(products, np.arange(len(orders)))
        return np.asarray(products.hazard[orders.product] * lots * np.array(HURT_BY_KIND)[kind], dtype=np.float64)
    if scheme == MISHAP:
        delicate = 0.5 + 0.5 * np.minimum(products.hazard[orders.product], 3)
        return np.asarray(delicate * np.array(MISHAP_BY_KIND)[kind], dtype=np.float64)
    if scheme == REFUSED_RETURN:
        return _by_refusal(customers, orders, returns)
    if scheme == RING_SCHEME:
        return _by_campaign(seed, customers, orders)
    who = {OPPORTUNITY: OPPORTUNIST, FABRICATED: SERIAL, LATE_ATTACK: ATTACKER}[scheme]
    return _of_kind(customers, orders, who) * dear
