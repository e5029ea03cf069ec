"""Money in whole cents, so that sums are exact and a limit has one side."""

from __future__ import annotations

import math

CENTS_PER_DOLLAR = 100


def cents(dollars: float) -> int:
    """Return whole cents, half a cent away from zero, as `features build` rounds.

    >>> cents(899.99), cents(0.125)
    (89999, 13)
    """
    exact = dollars * CENTS_PER_DOLLAR
    whole = math.floor(exact)
    return whole + (exact - whole >= 0.5)
