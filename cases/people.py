"""Experts: who may take a case, and which case comes next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from claimvet.cases.case import Case, Instant
from claimvet.cases.money import Cents
from claimvet.cases.vocabulary import Round

ROLES = ("expert", "lead")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Person:
    """An expert or a lead, of a firm, with declared ties: `seller:ID` or `firm:NAME`."""

    person_id: str
    role: str
    firm: str
    ties: frozenset[str] = frozenset()


def touched(person_id: str, case: Case) -> bool:
    """Return whether a person held a lease of the case in an earlier stage, or has given a verdict in it."""
    stage = case.stages if case.review is None else case.review.stage
    held_before = any(holder == person_id and held < stage for holder, held in case.leases)
    return held_before or person_id in case.decided_by_people


def may_take(person: Person, case: Case, firms: Iterable[str] = ()) -> bool:
    """Return whether a person may review a case now.

    Nobody reviews a case of a seller they are tied to, or one that they have touched; only leads adjudicate; `firms` are those of whoever
    has given an opinion in this round: nobody of the same firm, or tied to it, gives the second.
    """
    review = case.review
    if review is None or touched(person.person_id, case) or f"seller:{case.subject.seller_id}" in person.ties:
        return False
    if review.shown_round is Round.ADJUDICATION and person.role != "lead":
        return False
    return not any(firm == person.firm or f"firm:{firm}" in person.ties for firm in firms)


QueueKey = tuple[date, Cents, str]
"""Order of the queue: the day of the promise, what a review saves (most first), the claim's id."""


def queue_key(promised_by: Instant, saving: Cents, claim_id: str) -> QueueKey:
    """Return where a case stands in the queue; the smallest comes next.

    >>> queue_key(0, 500, "a") < queue_key(0, 100, "b") < queue_key(86_400_000_000, 900, "c")
    True
    """
    return (_EPOCH + timedelta(microseconds=promised_by)).date(), -saving, claim_id
