"""What parties, experts and the machine may do to a case where it stands; each adds events, or is refused with one sentence.

Every function takes a case whose clocks have moved up to now (`progress.up_to_now`).

Raises:
    CaseConflictError: where the case stands elsewhere, or what was asked has been used up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from claimvet.cases.case import Case, Instant
from claimvet.cases.conditions import in_time_for_evidence
from claimvet.cases.progress import Progress
from claimvet.cases.settings import CaseSettings
from claimvet.cases.vocabulary import MACHINE_MOVES, Actor, Kind, Round, Status
from claimvet.data.contract.errors import CaseConflictError

_WITHDRAWABLE = (Status.AWAITING_EVIDENCE, Status.IN_REVIEW, Status.WITH_SELLER, Status.LAPSED)


def first_decision(progress: Progress, decision_id: str, disposition: str | None, saving_cents: int = 0) -> Progress:
    """Return a new case after the first decision on its claim; `disposition` None: there was no score."""
    return progress.then(MACHINE_MOVES[disposition], Actor.MACHINE, decision_id=decision_id, saving_cents=saving_cents)


def later_decision(
    progress: Progress, decision_id: str, disposition: str | None, *, after_evidence: bool = False
) -> Progress:
    """Return the case after its claim was scored again.

    Only the decision after evidence that the machine waited for, and the first score after none, moves a case that no expert has had; any
    other is kept for the record.
    """
    case = progress.case
    waited_for = after_evidence and _machine_waits(progress)
    first_score = case.status is Status.IN_REVIEW and case.no_score and disposition is not None
    moves = (waited_for or first_score) and not case.person_involved
    kind = MACHINE_MOVES[disposition] if moves else Kind.RESCORED
    return progress.then(kind, Actor.MACHINE, decision_id=decision_id)


def _machine_waits(progress: Progress) -> bool:
    case = progress.case
    waits = case.status in (Status.AWAITING_EVIDENCE, Status.LAPSED)
    return waits and in_time_for_evidence(case, progress.now, progress.settings)


def evidence(progress: Progress, evidence_ids: Sequence[str]) -> Progress:
    """Return the case after evidence of its claim arrived; a decision on it follows (`later_decision`)."""
    return progress.then(Kind.EVIDENCE_ARRIVED, Actor.CLAIMANT, evidence_ids=list(evidence_ids))


def accept(progress: Progress) -> Progress:
    """Return the case accepted by its seller: asked, or in the place of a contest that nobody has decided yet."""
    case = progress.case
    if case.status is not Status.WITH_SELLER and not _contest_can_change(progress):
        raise _refused(case, "a seller accepts a case that it is asked about")
    if case.status is Status.APPROVED:
        raise _refused(case, "an approved case can only be contested")
    return progress.then(Kind.ACCEPTED, Actor.SELLER)


def contest(progress: Progress, response: Mapping[str, Any]) -> Progress:
    """Return the case contested by its seller; more text and files join a contest that nobody has decided yet."""
    case = progress.case
    if _contest_can_change(progress):
        return progress.then(Kind.RESPONSE_ADDED, Actor.SELLER, **response)
    if case.review is not None:
        raise _refused(case, "a review is open")
    if case.status is Status.WITH_SELLER or (case.status is Status.APPROVED and case.may_contest_approval):
        return progress.then(Kind.CONTESTED, Actor.SELLER, **response)
    raise _refused(case, "a seller contests a case once when it is asked, and once when it is approved")


def _contest_can_change(progress: Progress) -> bool:
    """Until the answer is due (of an approved case: without that), and while no verdict stands."""
    case, review = progress.case, progress.case.review
    if review is None or review.round is not Round.CONTEST or review.opinions:
        return False
    return case.status is Status.APPROVED or (case.answer_due is not None and progress.now < case.answer_due)


def appeal(progress: Progress, statement: Mapping[str, Any]) -> Progress:
    """Return the case appealed by its claimant."""
    case = progress.case
    until = appeal_until(case, progress.settings)
    if case.review is not None:
        raise _refused(case, "a review is open")
    if until is None:
        raise _refused(case, "a decision against the claimant can be appealed once, the verdict of an appeal cannot")
    if progress.now >= until:
        raise _refused(case, "it could be appealed until a day that has passed")
    return progress.then(Kind.APPEALED, Actor.CLAIMANT, **statement)


def appeal_until(case: Case, settings: CaseSettings) -> Instant | None:
    """Return until when the claimant may appeal what the case stands on; None where it may not be appealed."""
    if case.settled.by_appeal or case.settled.appealed:
        return None
    claimed = case.subject.amount_claimed
    paid_less = case.status is Status.APPROVED and claimed is not None and (case.amount or 0) < claimed
    if case.status in (Status.DENIED, Status.LAPSED) or paid_less:
        return case.since + settings.period("appeal_days")
    return None


def withdraw(progress: Progress) -> Progress:
    """Return the case withdrawn by its claimant, for good."""
    if progress.case.status not in _WITHDRAWABLE:
        raise _refused(progress.case, "only a case that is open, or lapsed, can be withdrawn")
    return progress.then(Kind.WITHDRAWN, Actor.CLAIMANT)


def waive_recovery(progress: Progress, reason: str) -> Progress:
    """Return the case with its recovery waived, after a proof of insurance or a lifted violation that helps."""
    return progress.then(Kind.RECOVERY_WAIVED, Actor.MARKETPLACE, reason=reason)


def _refused(case: Case, expected: str) -> CaseConflictError:
    status = "new" if case.status is None else case.status.value
    review = "" if case.review is None else f" with a review open ({case.review.shown_round.value})"
    return CaseConflictError(f"the case {case.subject.claim_id} is {status}{review}; {expected}")
