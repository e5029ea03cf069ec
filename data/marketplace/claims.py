"""What is claimed: which orders end in claims, when, for how much, and what is true of each."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from claimvet.data.contract.arrays import Floats
from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace.catalogue import Products
from claimvet.data.marketplace.population import Customers
from claimvet.data.marketplace.randomness import Flags, Ints, pick_distinct, stream
from claimvet.data.marketplace.returns import Returns
from claimvet.data.marketplace.schemes import DEFECT, REFUSED_RETURN, SCHEMES, scheme_weights
from claimvet.data.marketplace.shopping import Orders
from claimvet.data.marketplace.timeline import days, end_of_period

SPARE = 2.0
"""More claims are drawn than needed, as some would be filed after the period."""


@dataclass(frozen=True)
class Claims:
    """Claims in the order in which they were filed.

    - `order` int64: row of the order; `order_named` bool: whether the claim says which
    - `scheme`, `label` int64: position in `SCHEMES`; code into `LABELS`: the truth
    - `incident_at` int64, microseconds, or `NULL_TIME`; `filed_at` int64, microseconds: log(1 + days) normal (tsa)
    - `injury` bool; `amount` float64, dollars to the cent, lognormal (tsa, bodily), NaN where not stated
    """

    order: Ints
    order_named: Flags
    scheme: Ints
    label: Ints
    incident_at: Ints
    filed_at: Ints
    injury: Flags
    amount: Floats

    def __len__(self) -> int:
        return len(self.order)

    def take(self, rows: Ints) -> Claims:
        """Return the claims at these rows."""
        return Claims(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def _traits(name: str, scheme: Ints) -> Floats:
    return np.array([getattr(one, name) for one in SCHEMES], dtype=np.float64)[scheme]


def _chosen(seed: int, size: int, world: tuple[Customers, Products, Orders, Returns]) -> tuple[Ints, Ints]:
    """Draw the orders that end in claims and the scheme of each; an order ends in one claim at most."""
    rng = stream(seed, "claims")
    taken = np.zeros(len(world[2]), dtype=np.bool_)
    orders, schemes = [], []
    for scheme, traits in reversed(list(enumerate(SCHEMES))):
        weights = scheme_weights(seed, scheme, *world)
        weights[taken] = 0.0
        wanted = int(np.ceil(SPARE * size * c.LABEL_SHARE[traits.label] * traits.share))
        wanted += size if scheme == DEFECT else 0
        chosen = pick_distinct(rng, weights, wanted)
        taken[chosen] = True
        orders.append(chosen)
        schemes.append(np.full(len(chosen), scheme, dtype=np.int64))
    return np.concatenate(orders), np.concatenate(schemes)


def _refused_at(returns: Returns, orders: Orders, order: Ints) -> Ints:
    """Return when the return of each order was refused; the time of the order where there was none."""
    at = orders.ordered_at[order].copy()
    refused = returns.refused()
    place = np.searchsorted(returns.order[refused], order)
    hit = place < refused.sum()
    hit[hit] = returns.order[refused][place[hit]] == order[hit]
    at[hit] = returns.inspected_at[refused][place[hit]]
    return at


def _times(rng: np.random.Generator, scheme: Ints, order: Ints, orders: Orders, returns: Returns) -> tuple[Ints, Ints]:
    """Incident and filing; a claim after a refused return is filed after the refusal, with an incident before it."""
    use = np.array([one.use_days for one in SCHEMES])[scheme]
    ordered = orders.ordered_at[order]
    incident = ordered + days(3 + use[:, 0] * np.exp(use[:, 1] * rng.standard_normal(len(order))))
    mean, spread = c.REPORT_DELAY
    delay = np.expm1(np.maximum(rng.normal(mean + _traits("report_shift", scheme), spread), 0.01))
    filed = incident + days(delay)
    spiteful = scheme == REFUSED_RETURN
    refused = _refused_at(returns, orders, order)
    late = refused + days(0.5 + np.minimum(delay, 60.0))
    before = ordered + ((0.3 + 0.6 * rng.random(len(order))) * (refused - ordered)).astype(np.int64)
    return np.where(spiteful, before, incident), np.where(spiteful, late, filed)


def _rounded(rng: np.random.Generator, scheme: Ints, amount: Floats) -> Floats:
    """People round: to hundreds and tens at the rates of tsa, more so where nothing was measured."""
    luck, lift = rng.random(len(amount)), _traits("round_lift", scheme)
    hundreds = (luck < c.ROUND_HUNDRED * lift) & (amount >= 100)
    tens = (luck < c.ROUND_TEN * lift) & (amount >= 10)
    step = np.where(hundreds, 100.0, np.where(tens, 10.0, 0.01))
    return np.maximum(np.round(np.round(amount / step) * step, 2), 1.0)


def _amounts(rng: np.random.Generator, scheme: Ints, injury: Flags, paid: Floats) -> Floats:
    size = len(scheme)
    level = np.log(np.maximum(paid, 1.0))
    level = (level - level.mean()) / level.std()
    tie = _traits("amount_tie", scheme)
    score = tie * level + np.sqrt(1 - tie**2) * rng.standard_normal(size)
    property_log = c.PROPERTY_AMOUNT[0] + c.PROPERTY_AMOUNT[1] * score
    injury_log = c.INJURY_AMOUNT[0] + c.INJURY_AMOUNT[1] * score
    amount = np.exp(np.where(injury, injury_log, property_log) + _traits("amount_shift", scheme))
    amount = _rounded(rng, scheme, np.minimum(amount, 500_000.0))
    gamed = rng.random(size) < _traits("gamed", scheme)
    amount = np.where(gamed, np.round(c.CONCESSION_LIMIT - 1 - 140 * rng.random(size) ** 1.5, 2), amount)
    return np.where(rng.random(size) < c.AMOUNT_UNSTATED, np.nan, amount)


def _kept(rng: np.random.Generator, scheme: Ints, filed: Ints, size: int) -> Ints:
    """Draw `size` claims filed within the period, each scheme at its share, defects filling up; in order of filing."""
    within = filed < end_of_period()
    rows, spare = [], []
    for number, traits in enumerate(SCHEMES):
        wanted = round(size * c.LABEL_SHARE[traits.label] * traits.share)
        able = rng.permutation(np.flatnonzero(within & (scheme == number)))
        rows.append(able[:wanted])
        spare.append(able[wanted:] if number == DEFECT else able[:0])
    kept = np.concatenate(rows)[:size]
    kept = np.concatenate([kept, np.concatenate(spare)[: size - len(kept)]])
    return kept[np.argsort(filed[kept], kind="stable")]


def make_claims(
    seed: int, size: int, customers: Customers, products: Products, orders: Orders, returns: Returns
) -> Claims:
    """`size` claims, sorted by `filed_at`, each on an order of its own."""
    order, scheme = _chosen(seed, size, (customers, products, orders, returns))
    rng = stream(seed, "claim details")
    incident, filed = _times(rng, scheme, order, orders, returns)
    injury = rng.random(len(order)) < _traits("injury", scheme)
    claims = Claims(
        order,
        rng.random(len(order)) >= _traits("no_order", scheme),
        scheme,
        np.array([one.label for one in SCHEMES])[scheme],
        np.where(rng.random(len(order)) < _traits("no_incident", scheme), c.NULL_TIME, incident),
        filed,
        injury,
        _amounts(rng, scheme, injury, orders.amount[order]),
    )
    return claims.take(_kept(rng, scheme, filed, size))
