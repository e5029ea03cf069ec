"""Who buys: customers, what kind they are, and which of them belong together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claimvet.data.contract.arrays import Floats
from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace.randomness import Ints, pick, stream
from claimvet.data.marketplace.timeline import end_of_period, start_of_period

HONEST, CARELESS, OPPORTUNIST, SERIAL, RING, ATTACKER = range(6)
"""Codes of `constants.KINDS`."""


@dataclass(frozen=True)
class Customers:
    """Accounts in the order in which they were opened.

    - `created_at` int64, microseconds: exponential ages at the start, uniform joining afterwards; attackers late
    - `kind` int8: code into `constants.KINDS`
    - `activity` float64: relative number of orders, gamma
    - `ring` int64: number of the ring, -1 for none
    - `polish` float64, 0 to 1: how well the account writes; independent of everything else
    """

    created_at: Ints
    kind: NDArray[np.int8]
    activity: Floats
    ring: Ints
    polish: Floats

    def __len__(self) -> int:
        return len(self.created_at)


def _created(rng: np.random.Generator, kind: Ints) -> Ints:
    size, start, end = len(kind), start_of_period(), end_of_period()
    age = rng.exponential(c.ACCOUNT_AGE_DAYS, size) * c.MICROSECOND_DAY
    early = start - age.astype(np.int64) - c.MICROSECOND_DAY
    first = np.where(kind == ATTACKER, c.ATTACK_BEGINS - 0.03, 0.0)
    last = np.where(kind == ATTACKER, 0.95, 0.97)
    within = start + ((first + rng.random(size) * (last - first)) * (end - start)).astype(np.int64)
    return np.where(rng.random(size) < np.array(c.KIND_NEW_SHARE)[kind], within, early)


def _rings(rng: np.random.Generator, kind: Ints) -> Ints:
    members = np.flatnonzero(kind == RING)
    ring = np.full(len(kind), -1, dtype=np.int64)
    sizes = rng.integers(c.RING_SIZE[0], c.RING_SIZE[1] + 1, len(members) // c.RING_SIZE[0] + 1)
    numbers = np.repeat(np.arange(len(sizes)), sizes)[: len(members)]
    ring[rng.permutation(members)] = numbers
    return ring


def make_customers(seed: int, size: int) -> Customers:
    """`size` customers, sorted by `created_at`."""
    rng = stream(seed, "customers")
    kind = pick(rng, np.array(c.KIND_SHARE), size)
    created = _created(rng, kind)
    order = np.argsort(created, kind="stable")
    kind = kind[order]
    activity = rng.gamma(c.ACTIVITY_SHAPE, 1.0, size) * np.array(c.KIND_ACTIVITY)[kind]
    steady = kind >= SERIAL
    activity[steady] = rng.gamma(2.0, 0.5 * c.ACTIVITY_SHAPE, steady.sum()) * np.array(c.KIND_ACTIVITY)[kind[steady]]
    return Customers(created[order], kind.astype(np.int8), activity, _rings(rng, kind), rng.beta(2, 2, size))
