"""Who seems to be whom: devices, cards, addresses and phones, shared by rings and by honest households."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claimvet.data.contract.tables import IDENTITY_KINDS
from claimvet.data.marketplace.population import RING, SERIAL, Customers
from claimvet.data.marketplace.randomness import Ints, stream
from claimvet.data.marketplace.timeline import days, end_of_period

KNOWN_SHARE = (0.97, 0.92, 0.95, 0.60)
"""Accounts with a token of each of `IDENTITY_KINDS` (assumption)."""
HOUSEHOLD_SHARE = 0.05
"""Accounts that live with another one (assumption)."""
HOUSEHOLD_SHARES = (0.35, 0.40, 0.95, 0.15)
"""Chance that a household shares each kind (assumption)."""
RING_SHARES = (0.55, 0.45, 0.35, 0.30)
"""Chance that a ring member uses the ring's token of each kind (assumption)."""
RETURNING_SHARE = 0.35
"""Serial abusers who have been thrown out before and come back with an old token (assumption)."""
PUBLIC_SHARE = 0.02
"""Accounts seen on a device that many use: libraries, phone shops (assumption)."""


@dataclass(frozen=True)
class IdentityLinks:
    """Tokens by customer; a (customer, kind, token) occurs once.

    - `customer` int64; `kind` int64: code into `IDENTITY_KINDS`; `token` int64: number, hashed on writing
    - `seen_at` int64, microseconds: exponential days after the account was opened
    """

    customer: Ints
    kind: Ints
    token: Ints
    seen_at: Ints


def _households(rng: np.random.Generator, size: int) -> Ints:
    """Return number of the household; pairs share one, everybody else has their own."""
    house = np.arange(size)
    members = rng.permutation(np.flatnonzero(rng.random(size) < HOUSEHOLD_SHARE))
    half = len(members) // 2
    house[members[:half]] = house[members[half : 2 * half]]
    return house


def _tokens(rng: np.random.Generator, customers: Customers, kind: int) -> Ints:
    """Own token, ring's (below zero), an abuser's old one, or a public device's."""
    size = len(customers)
    token = np.arange(size)
    shares = customers.kind == RING
    shares &= rng.random(size) < RING_SHARES[kind]
    token[shares] = -1 - customers.ring[shares]
    back = np.flatnonzero((customers.kind == SERIAL) & (rng.random(size) < RETURNING_SHARE / 2))
    token[back] = token[rng.permutation(back)]
    if IDENTITY_KINDS[kind] == "device":
        public = rng.random(size) < PUBLIC_SHARE
        token[public] = size + rng.integers(0, max(1, size // 300), public.sum())
    return token


def make_identity_links(seed: int, customers: Customers) -> IdentityLinks:
    """About 3.4 tokens a customer, sorted by customer and kind."""
    rng = stream(seed, "identity")
    size = len(customers)
    house = _households(rng, size)
    columns = []
    for kind in range(len(IDENTITY_KINDS)):
        token = _tokens(rng, customers, kind)
        at_home = (token == np.arange(size)) & (rng.random(size) < HOUSEHOLD_SHARES[kind])
        token = np.where(at_home, house, token)
        seen = customers.created_at + days(rng.exponential(6.0 + 20.0 * (kind > 1), size))
        known = (rng.random(size) < KNOWN_SHARE[kind]) & (seen < end_of_period())
        who = np.flatnonzero(known)
        columns.append((who, np.full(len(who), kind), token[who], seen[who]))
    merged = [np.concatenate(parts) for parts in zip(*columns, strict=True)]
    order = np.argsort(merged[0], kind="stable")
    return IdentityLinks(*(part[order] for part in merged))
