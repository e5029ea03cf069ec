"""Money in whole cents, so that sums are exact and a limit has one side."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

Cents = int
"""US cents."""


def cents(usd: float) -> Cents:
    """Return US dollars, to the cent, as whole cents.

    >>> cents(999.99), cents(0.1) + cents(0.2)
    (99999, 30)
    """
    return int((Decimal(repr(float(usd))) * 100).to_integral_value(ROUND_HALF_EVEN))


def usd(amount: Cents) -> float:
    """Return whole cents as US dollars.

    >>> usd(99999)
    999.99
    """
    return amount / 100


def dollars_text(amount: Cents) -> str:
    """Return an amount as a person reads it.

    >>> dollars_text(123456)
    '$1,234.56'
    """
    return f"${amount // 100:,}.{amount % 100:02d}"
