"""Draws by keyed hash: what is drawn follows from a key and a name alone, so that nobody can tell beforehand and anybody can check it."""

from __future__ import annotations

import hashlib

_RANGE = float(2**64)


def draw(key: str, purpose: str, name: str) -> float:
    """Return a number from 0 up to 1, float, that follows from the key, what is drawn for, and a name.

    >>> draw("k", "second", "c1") == draw("k", "second", "c1") != draw("k", "golden", "c1")
    True
    """
    digest = hashlib.blake2b(f"{purpose}\n{name}".encode(), key=key.encode()[:64], digest_size=8).digest()
    return int.from_bytes(digest, "big") / _RANGE


def is_drawn(key: str, purpose: str, name: str, share: float) -> bool:
    """Return whether a name is among the share (0 to 1) that is drawn for a purpose."""
    return draw(key, purpose, name) < share
