"""Amounts of a case in whole cents, and how people read them."""

from __future__ import annotations

from claimvet.data.contract.money import CENTS_PER_DOLLAR, cents

__all__ = ["Cents", "cents", "dollars_text", "usd"]

Cents = int
"""US cents."""


def usd(amount: Cents) -> float:
    """Return whole cents as US dollars.

    >>> usd(99999)
    999.99
    """
    return amount / CENTS_PER_DOLLAR


def dollars_text(amount: Cents) -> str:
    """Return an amount as a person reads it.

    >>> dollars_text(123456)
    '$1,234.56'
    """
    return f"${amount // 100:,}.{amount % 100:02d}"
