"""Seeded streams of random numbers, one a subject, and the three ways in which the world draws from crowds."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claimvet.data.contract.arrays import Floats

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def stream(seed: int, subject: str) -> np.random.Generator:
    """Return the generator of one subject: drawing more for one subject changes no other.

    >>> bool(stream(1, "orders").integers(100) == stream(1, "orders").integers(100))
    True
    """
    return np.random.default_rng([seed, zlib.crc32(subject.encode())])


def pick(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    """Return indices drawn with replacement in proportion to weight; int64, shape (size,)."""
    total = np.cumsum(weights)
    drawn: Ints = np.searchsorted(total, rng.random(size) * total[-1], side="right").astype(np.int64)
    return drawn


def pick_distinct(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    """Return indices drawn without replacement in proportion to weight (Efraimidis and Spirakis 2006), sorted; fewer
    if fewer have weight.
    """
    able = np.flatnonzero(weights > 0)
    if size >= len(able):
        return able
    keys = rng.standard_exponential(len(able)) / weights[able]
    return np.sort(able[np.argpartition(keys, size)[:size]])


def sorted_uniforms(rng: np.random.Generator, size: int) -> Floats:
    """Sorted draws from [0, 1), by spacings instead of sorting; float64, shape (size,)."""
    spacings = np.cumsum(rng.standard_exponential(size + 1))
    shares: Floats = spacings[:-1] / spacings[-1]
    return shares


def pick_code(rng: np.random.Generator, shares: Floats) -> Ints:
    """Return one code a row; `shares` has a row each and a column a code, and every row sums to 1."""
    codes: Ints = (rng.random(len(shares))[:, None] > np.cumsum(shares, axis=1)[:, :-1]).sum(axis=1).astype(np.int64)
    return codes


@dataclass(frozen=True)
class GrowingCrowd:
    """Members who join over time, drawn in proportion to weight among those present at an instant."""

    since: Ints
    seats: NDArray[np.int32]
    seats_until: Ints

    @classmethod
    def of(cls, rng: np.random.Generator, since: Ints, weights: Floats, seats_each: float) -> GrowingCrowd:
        """`since`: sorted times of joining. A member gets a number of seats in proportion to weight, `seats_each` on average."""
        seats = np.floor(weights * (seats_each / weights.mean()) + rng.random(len(weights))).astype(np.int64)
        seats[0] = max(1, seats[0])
        return cls(since, np.repeat(np.arange(len(since), dtype=np.int32), seats), np.cumsum(seats))

    def draw(self, rng: np.random.Generator, times: Ints) -> Ints:
        """Return one member for each of the sorted `times`; the first member stands in where nobody had joined yet."""
        present = np.searchsorted(self.since, times, side="right")
        open_seats = self.seats_until[np.maximum(present, 1) - 1]
        drawn: Ints = self.seats[(rng.random(len(times)) * open_seats).astype(np.int64)].astype(np.int64)
        return drawn
