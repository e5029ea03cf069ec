"""Which claims look odd to the front desk: mostly red flags that anybody can see, a little instinct, much noise."""

from __future__ import annotations

import numpy as np

from claimvet.data.contract.arrays import Floats
from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace.claims import Claims
from claimvet.data.marketplace.evidence import Evidence
from claimvet.data.marketplace.population import Customers
from claimvet.data.marketplace.randomness import Ints
from claimvet.data.marketplace.shopping import Orders

INSTINCT = (0.0, 0.2, 0.4)
"""What the desk senses of each true label beyond the flags, in units of its noise (assumption)."""
PER_EARLIER_CLAIM = 0.8
"""Weight of log(1 + earlier claims of the customer) (assumption)."""
NEAR_LIMIT = 0.7
"""Weight of an amount within 150 dollars below the limit (assumption)."""
NO_EVIDENCE = 0.4
"""Weight of nothing handed in with the claim (assumption)."""
NEW_ACCOUNT = 0.5
"""Weight of an account opened less than 90 days ago (assumption)."""


def earlier_claims(customer: Ints) -> Ints:
    """Return how many of the claims before each one, in order of filing, are of the same customer; int64, same shape.

    >>> earlier_claims(np.array([7, 3, 7, 7])).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(customer, kind="stable")
    grouped = customer[order]
    first = np.searchsorted(grouped, grouped, side="left")
    earlier = np.empty(len(customer), dtype=np.int64)
    earlier[order] = np.arange(len(customer)) - first
    return earlier


def make_suspicion(
    rng: np.random.Generator, customers: Customers, orders: Orders, claims: Claims, evidence: Evidence
) -> Floats:
    """Suspicion of each claim when it was filed, in units of the desk's own noise; float64, shape (claims,)."""
    buyer = orders.customer[claims.order]
    at_filing = evidence.submitted_at <= claims.filed_at[evidence.claim]
    bare = np.bincount(evidence.claim[at_filing], minlength=len(claims)) == 0
    near = (claims.amount >= c.CONCESSION_LIMIT - 150) & (claims.amount < c.CONCESSION_LIMIT)
    fresh = claims.filed_at - customers.created_at[buyer] < 90 * c.MICROSECOND_DAY
    flags = PER_EARLIER_CLAIM * np.log1p(earlier_claims(buyer)) + NEAR_LIMIT * near + NO_EVIDENCE * bare
    instinct = np.array(INSTINCT)[claims.label]
    suspicion: Floats = flags + NEW_ACCOUNT * fresh + instinct + rng.standard_normal(len(claims))
    return suspicion
