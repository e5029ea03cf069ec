"""What is handed in: photos, receipts and reports, early or late, some of them used before by others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claimvet.data.contract.arrays import Floats
from claimvet.data.marketplace.claims import Claims
from claimvet.data.marketplace.population import Customers
from claimvet.data.marketplace.randomness import Ints, pick_code, stream
from claimvet.data.marketplace.schemes import FABRICATED, RING_SCHEME
from claimvet.data.marketplace.shopping import Orders
from claimvet.data.marketplace.timeline import days, end_of_period

MEAN_PIECES = (2.4, 0.72, 0.8, 0.8, 1.4, 1.8, 2.2)
"""Mean pieces by scheme (assumption: who was hurt has something to show)."""
LATE_SHARE = (0.15, 0.40, 0.35, 0.30, 0.20, 0.15, 0.05)
"""Pieces handed in after filing, by scheme (assumption)."""
REUSED_SHARE = (0.004, 0.006, 0.03, 0.08, 0.40, 0.55, 0.0)
"""Pieces that others have used before, by scheme (assumption; the honest sometimes send the shop's own picture)."""
PROPERTY_KINDS = (0.48, 0.26, 0.00, 0.04, 0.17, 0.05)
"""Share of each of `EVIDENCE_KINDS` for property (assumption)."""
INJURY_KINDS = (0.34, 0.14, 0.36, 0.05, 0.02, 0.09)
"""The same for injuries (assumption)."""
CLAIMS_PER_TRADER = 600
"""Claims for each pool in the trade of false evidence (assumption)."""
CLAIMS_PER_SHOP = 400
"""Claims for each pool of a shop's own pictures (assumption)."""
POOL_SIZE = 9
"""Pieces that a ring, or the trade in false evidence, passes around (assumption)."""


@dataclass(frozen=True)
class Evidence:
    """Pieces of evidence by claim.

    - `claim` int64: row of the claim; `kind` int64: code into `EVIDENCE_KINDS`
    - `content` int64: number of the content, hashed on writing; equal numbers are the same file
    - `submitted_at` int64, microseconds: up to two days before filing but never before the incident, or after filing
    """

    claim: Ints
    kind: Ints
    content: Ints
    submitted_at: Ints


def _contents(rng: np.random.Generator, claims: Claims, claim: Ints, ring: Ints) -> Ints:
    """Fresh numbers, but for pieces from a ring's pool, the trade's pool, or the shops' own pictures."""
    size = len(claim)
    scheme = claims.scheme[claim]
    shops, traders = (max(8, len(claims) // each) for each in (CLAIMS_PER_SHOP, CLAIMS_PER_TRADER))
    source = np.where(scheme == RING_SCHEME, 1_000_000 + ring, 2_000_000 + rng.integers(0, shops, size))
    source = np.where(scheme == FABRICATED, rng.integers(0, traders, size), source)
    pool = -1 - (source * POOL_SIZE + rng.integers(0, POOL_SIZE, size))
    reused = rng.random(size) < np.array(REUSED_SHARE)[scheme]
    return np.where(reused, pool, np.arange(size))


def _submitted(rng: np.random.Generator, claims: Claims, claim: Ints) -> Ints:
    filed = claims.filed_at[claim]
    late = rng.random(len(claim)) < np.array(LATE_SHARE)[claims.scheme[claim]]
    early: Floats = -np.minimum(rng.exponential(0.2, len(claim)), 2.0)
    submitted: Ints = filed + days(np.where(late, 0.1 + rng.exponential(6.0, len(claim)), early))
    return np.asarray(np.maximum(submitted, claims.incident_at[claim]), dtype=np.int64)


def make_evidence(seed: int, customers: Customers, orders: Orders, claims: Claims) -> Evidence:
    """Poisson many pieces a claim, in the order of the claims; those that would come after the period are left out."""
    rng = stream(seed, "evidence")
    pieces = rng.poisson(np.array(MEAN_PIECES)[claims.scheme])
    claim = np.repeat(np.arange(len(claims)), pieces)
    ring = customers.ring[orders.customer[claims.order[claim]]]
    kind = pick_code(rng, np.where(claims.injury[claim][:, None], INJURY_KINDS, PROPERTY_KINDS))
    content = _contents(rng, claims, claim, ring)
    submitted = _submitted(rng, claims, claim)
    known = submitted < end_of_period()
    return Evidence(claim[known], kind[known], content[known], submitted[known])
