"""What is decided: who looks at a claim, when, how rightly, and what an appeal makes of it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.tables import DECIDERS
from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace.claims import Claims
from claimvet.data.marketplace.randomness import Flags, Ints, pick_code, stream
from claimvet.data.marketplace.schemes import VALID
from claimvet.data.marketplace.timeline import days, end_of_period

EXPERT, INVESTIGATOR, SELLER_DEFENSE, APPEAL, CONCESSION = range(5)
"""Codes of `data.contract.tables.DECIDERS`, in its order."""

INVESTIGATED_ABOVE = 2.0
"""Small claims above this suspicion are investigated (assumption: about a tenth)."""
CONFUSION = {
    EXPERT: ((0.955, 0.035, 0.010), (0.060, 0.900, 0.040), (0.025, 0.075, 0.900)),
    INVESTIGATOR: ((0.945, 0.035, 0.020), (0.060, 0.880, 0.060), (0.020, 0.060, 0.920)),
    SELLER_DEFENSE: ((0.910, 0.060, 0.030), (0.080, 0.850, 0.070), (0.080, 0.120, 0.800)),
    APPEAL: ((0.980, 0.015, 0.005), (0.100, 0.870, 0.030), (0.050, 0.070, 0.880)),
}
"""By decider: row true label, column label found (assumption)."""
DISHONEST_DEFENCE = ((0.55, 0.25, 0.20), (0.04, 0.70, 0.26), (0.03, 0.12, 0.85))
"""The same for a dishonest seller's own finding (assumption)."""
MEDIAN_DAYS = {EXPERT: 16.0, INVESTIGATOR: 24.0, SELLER_DEFENSE: 21.0, APPEAL: 28.0, CONCESSION: 2.5}
"""Median days to a decision (assumption; no source gives the day of decision)."""
DECISION_SIGMA = 0.7
"""Log standard deviation of days to a decision (assumption)."""
NEVER_DECIDED = 0.015
"""Claims abandoned without a decision (tsa 2007-09: 1,661 cancelled and 1,628 insufficient of 47,912 are the upper bound)."""
APPEALED = ((0.0, 0.55, 0.60), (0.0, 0.10, 0.15), (0.0, 0.10, 0.08))
"""Chance of an appeal: row true label, column label found (assumption)."""


@dataclass(frozen=True)
class Outcomes:
    """Decisions in the order in which they were made.

    - `claim` int64: row of the claim; `label`, `decided_by` int64: codes into `LABELS`, `DECIDERS`
    - `decided_at` int64, microseconds: filing, or the first decision, plus lognormal days
    - `paid` float64, dollars to the cent, NaN where unknown
    """

    claim: Ints
    label: Ints
    decided_by: Ints
    decided_at: Ints
    paid: Floats

    def __len__(self) -> int:
        return len(self.claim)

    def take(self, rows: Ints) -> Outcomes:
        """Return the decisions at these rows."""
        return Outcomes(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def _lane(rng: np.random.Generator, claims: Claims, suspicion: Floats) -> Ints:
    """Return who decides first: small claims mostly nobody, but for the audit slice and suspicion; large ones seller or expert."""
    size = len(claims)
    small = claims.amount < c.CONCESSION_LIMIT
    audited = rng.random(size) < c.AUDIT_SHARE
    quiet = np.where(audited, EXPERT, np.where(suspicion > INVESTIGATED_ABOVE, INVESTIGATOR, CONCESSION))
    contested = np.where(rng.random(size) < 0.45, SELLER_DEFENSE, EXPERT)
    contested = np.where(suspicion > INVESTIGATED_ABOVE, INVESTIGATOR, contested)
    contested = np.where(claims.injury & (contested == SELLER_DEFENSE), EXPERT, contested)
    return np.where(small, quiet, contested)


def _labels(rng: np.random.Generator, decider: Ints, truth: Ints, dishonest: Flags) -> Ints:
    table = np.array([CONFUSION.get(code, ((1.0, 0.0, 0.0),) * 3) for code in range(len(DECIDERS))])
    shares = table[decider, truth]
    lying = dishonest & (decider == SELLER_DEFENSE)
    shares[lying] = np.array(DISHONEST_DEFENCE)[truth[lying]]
    return pick_code(rng, shares)


def _delay(rng: np.random.Generator, decider: Ints) -> Ints:
    median = np.array([MEDIAN_DAYS[code] for code in range(len(DECIDERS))])[decider]
    return days(0.05 + median * np.exp(DECISION_SIGMA * rng.standard_normal(len(decider))))


def _paid(rng: np.random.Generator, amount: Floats, label: Ints, decider: Ints) -> Floats:
    settled = (rng.random(len(amount)) < c.SETTLED_SHARE) & (decider != CONCESSION)
    ratio = np.where(settled, rng.uniform(*c.SETTLED_RATIO, len(amount)), 1.0)
    return np.where(label == VALID, np.round(amount * ratio, 2), 0.0)


def _first(rng: np.random.Generator, claims: Claims, suspicion: Floats, dishonest: Flags) -> Outcomes:
    decider = _lane(rng, claims, suspicion)
    label = _labels(rng, decider, claims.label, dishonest)
    decided = claims.filed_at + _delay(rng, decider)
    return Outcomes(np.arange(len(claims)), label, decider, decided, _paid(rng, claims.amount, label, decider))


def _appeals(rng: np.random.Generator, claims: Claims, first: Outcomes) -> Outcomes:
    chance = np.array(APPEALED)[claims.label[first.claim], first.label]
    appealed = first.take(np.flatnonzero(rng.random(len(first)) < chance))
    decider = np.full(len(appealed), APPEAL)
    label = _labels(rng, decider, claims.label[appealed.claim], np.zeros(len(appealed), dtype=np.bool_))
    paid = _paid(rng, claims.amount[appealed.claim], label, decider)
    return Outcomes(appealed.claim, label, decider, appealed.decided_at + _delay(rng, decider), paid)


def make_outcomes(seed: int, suspicion: Floats, dishonest: Flags, claims: Claims) -> Outcomes:
    """First decisions and appeals, sorted by `decided_at`; what would be decided after the period is not there yet.

    `suspicion` float64 and `dishonest` bool (whether the seller is), shape (claims,), decide who looks and how rightly.
    """
    rng = stream(seed, "outcomes")
    first = _first(rng, claims, suspicion, dishonest)
    first = first.take(np.flatnonzero(rng.random(len(first)) >= NEVER_DECIDED))
    second = _appeals(rng, claims, first)
    merged = [np.concatenate([getattr(first, f.name), getattr(second, f.name)]) for f in fields(Outcomes)]
    both = Outcomes(*merged)
    known = np.flatnonzero(both.decided_at < end_of_period())
    return both.take(known[np.argsort(both.decided_at[known], kind="stable")])
