"""Whether a seller has to be insured, and is: one definition for policy, case and page.

Insurance is owed for good from the first calendar month (UTC) in which a seller sold for `insured_from_usd`, `insurance_grace_days` after
the order that crossed it. Sales are the sums of `orders.amount` by `ordered_at`; returns are not subtracted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from claimvet.cases.case import Instant
from claimvet.cases.money import Cents, cents
from claimvet.cases.settings import CaseSettings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StandingName(StrEnum):
    """How a seller stands with its insurance."""

    NOT_REQUIRED = "not_required"
    DUE = "due"
    INSURED = "insured"
    LAPSED = "lapsed"
    MISSING = "missing"


OWING = (StandingName.LAPSED, StandingName.MISSING)
"""Sellers that are asked for what the marketplace pays under the limit."""
OFFERED = (StandingName.DUE, *OWING)
"""Sellers that are offered vetted insurers."""


@dataclass(frozen=True)
class Cover:
    """A policy of a seller: in force after `valid_from` up to and with `valid_to`."""

    policy_id: str
    valid_from: Instant
    valid_to: Instant

    def in_force(self, at: Instant) -> bool:
        """Return whether the policy covers an instant."""
        return self.valid_from < at <= self.valid_to


@dataclass(frozen=True)
class Standing:
    """A seller's standing at an instant; `sales` in cents of `month` (2026-01), the month that crossed or else the current one."""

    name: StandingName
    month: str
    sales: Cents
    crossed_at: Instant | None
    due_until: Instant | None
    policy_id: str | None


def month_of(at: Instant) -> str:
    """Return the calendar month of an instant in UTC.

    >>> month_of(0)
    '1970-01'
    """
    return (_EPOCH + timedelta(microseconds=at)).strftime("%Y-%m")


def standing_at(
    sales: Iterable[tuple[Instant, Cents]], covers: Iterable[Cover], at: Instant, settings: CaseSettings
) -> Standing:
    """Return a seller's standing at an instant.

    `sales` are its orders (instant, cents) in any order, those before `at` count; `covers` are its policies as far as they are known.
    """
    month, sold, crossed_at = _crossing([sale for sale in sales if sale[0] < at], at, settings)
    held = sorted(covers, key=lambda cover: (cover.valid_to, cover.policy_id))
    in_force = [cover for cover in held if cover.in_force(at)]
    grace_ends = None if crossed_at is None else crossed_at + settings.period("insurance_grace_days")
    name = _name(bool(in_force), any(cover.valid_to < at for cover in held), grace_ends, at)
    due_until = grace_ends if name is StandingName.DUE else None
    return Standing(name, month, sold, crossed_at, due_until, in_force[-1].policy_id if in_force else None)


def _name(insured: bool, ended: bool, grace_ends: Instant | None, at: Instant) -> StandingName:
    if insured:
        return StandingName.INSURED
    if grace_ends is None:
        return StandingName.NOT_REQUIRED
    if at < grace_ends:
        return StandingName.DUE
    return StandingName.LAPSED if ended else StandingName.MISSING


def _crossing(
    sales: list[tuple[Instant, Cents]], at: Instant, settings: CaseSettings
) -> tuple[str, Cents, Instant | None]:
    """Return the first month that reached the limit, its sales and the instant of the order that did; else the month of `at`."""
    limit = cents(settings.insured_from_usd)
    totals: dict[str, Cents] = {}
    crossed: tuple[str, Instant] | None = None
    for ordered_at, amount in sorted(sales):
        month = month_of(ordered_at)
        totals[month] = totals.get(month, 0) + amount
        if crossed is None and totals[month] >= limit:
            crossed = month, ordered_at
    month = month_of(at) if crossed is None else crossed[0]
    return month, totals.get(month, 0), None if crossed is None else crossed[1]
