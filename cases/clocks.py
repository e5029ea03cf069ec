"""What time alone does to a case: which clock is next, and all that were due by an instant, in the order of their instants.

A clock moves who pays and what is asked; it never finds anything. Nothing here knows what time it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from claimvet.cases.case import Case, Instant
from claimvet.cases.vocabulary import Kind, RecoveryState, Status

Clock = tuple[Instant, Kind]
"""When a clock is due, and what it then does."""

_OVERDUE = {Status.AWAITING_EVIDENCE: Kind.EVIDENCE_OVERDUE, Status.WITH_SELLER: Kind.SELLER_SILENT}
_REMINDERS = {Status.AWAITING_EVIDENCE: Kind.EVIDENCE_REMINDER, Status.WITH_SELLER: Kind.SELLER_REMINDER}


def next_clock(case: Case) -> Clock | None:
    """Return the clock of a case that is due first; None where none runs."""
    return min(_running(case), default=None)


def _running(case: Case) -> Iterator[Clock]:
    if case.status in _OVERDUE and case.due is not None:
        yield case.due, _OVERDUE[case.status]
        if case.reminder_at is not None:
            yield case.reminder_at, _REMINDERS[case.status]
    if case.review is not None and not case.review.overdue:
        yield case.review.promised_by, Kind.REVIEW_OVERDUE
    yield from _of_recovery(case)


def _of_recovery(case: Case) -> Iterator[Clock]:
    recovery = case.recovery
    if recovery is None or recovery.paused_at is not None:
        return
    if recovery.state is RecoveryState.PROOF_ASKED and recovery.proof_due is not None:
        yield recovery.proof_due, Kind.PROOF_OVERDUE
    if recovery.state is RecoveryState.ASKED and recovery.appeal_until is not None:
        yield recovery.appeal_until, Kind.RECOVERY_FELL_DUE
