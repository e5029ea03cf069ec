"""A case is a fold of its events: what each adds, then what the transition table says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from claimvet.cases import recovery
from claimvet.cases.case import Case, Event, Instant, Opinion, Outcome, Review, Settled, Subject
from claimvet.cases.settings import CaseSettings
from claimvet.cases.transitions import Money, Transition, transition_of
from claimvet.cases.vocabulary import MACHINE_MOVES, Kind, Round, Status

_DECIDED = frozenset(MACHINE_MOVES.values())
"""Decisions of the machine: each may be appealed once where the case then stands."""


def fold(subject: Subject, events: Iterable[Event], settings: CaseSettings) -> Case:
    """Return the case after its events, in the order of their numbers."""
    case = Case(subject)
    for event in events:
        case = after(case, event, settings)
    return case


def after(case: Case, event: Event, settings: CaseSettings) -> Case:
    """Return the case after one more event.

    A changed verdict stands in the place of the first: it is taken from where the case stood before that one, whose outcome stays.
    """
    start = case
    if event.facts.get("revises") and case.before_verdict is not None:
        start = replace(case.before_verdict, outcomes=case.outcomes, decided_by_people=case.decided_by_people)
    transition = transition_of(start, event, settings)
    told = _noted(start, event)
    moved = told if transition is None else _moved(start, told, event, transition, settings)
    written = _with_outcome(start, moved, event)
    kept = _may_be_changed(start, event)
    return replace(
        written,
        number=event.number,
        before_verdict=replace(start, before_verdict=None) if kept else None,
        last_at=event.at,
    )


def _noted(case: Case, event: Event) -> Case:
    """Return what an event adds wherever the case stands."""
    facts = event.facts
    match event.kind:
        case kind if kind in _DECIDED:
            return replace(case, no_score=kind is Kind.MACHINE_COULD_NOT_SCORE, settled=Settled())
        case Kind.LEASED:
            return replace(case, leases=(*case.leases, (facts["person"], facts["stage"])), no_score=False)
        case Kind.EVIDENCE_REQUESTED:
            return replace(case, person_asked=True, settled=Settled())
        case Kind.CONTESTED:
            approved = case.status is Status.APPROVED
            return replace(case, contested_when_approved=case.contested_when_approved or approved)
        case Kind.APPEALED:
            return replace(case, settled=replace(case.settled, appealed=True))
        case Kind.REVIEW_OVERDUE if case.review is not None:
            return replace(case, review=replace(case.review, overdue=True))
        case Kind.EVIDENCE_REMINDER | Kind.SELLER_REMINDER:
            return replace(case, reminder_at=None)
        case Kind.OPINION_SEALED:
            return _with_opinion(case, event)
        case Kind.VERDICT:
            return _with_verdict(case, event)
    return case


def _with_opinion(case: Case, event: Event) -> Case:
    if case.review is None:
        return case
    facts = event.facts
    opinion = Opinion(facts["verdict_id"], facts["person"], facts["label"], facts["amount"])
    opinions = (*case.review.opinions, opinion)
    adjudicated = len(opinions) > 1
    stage = case.stages + adjudicated
    return replace(
        case,
        review=replace(case.review, opinions=opinions, stage=stage),
        stages=stage,
        decided_by_people=(*case.decided_by_people, opinion.person),
    )


def _with_verdict(case: Case, event: Event) -> Case:
    facts = event.facts
    valid = facts["label"] == "valid"
    by_appeal = case.review is not None and case.review.round is Round.APPEAL
    return replace(
        case,
        amount_found=_amount_found(case, facts["amount"]) if valid else case.amount_found,
        settled=Settled(by_appeal=by_appeal),
        decided_by_people=(*case.decided_by_people, facts["person"]),
    )


def _amount_found(case: Case, amount: int) -> int:
    """Return the amount of a verdict: a claimant's appeal against an amount never makes it less."""
    against_amount = case.status is Status.APPROVED and case.review is not None and case.review.round is Round.APPEAL
    return max(amount, case.amount or 0) if against_amount else amount


def _moved(before: Case, case: Case, event: Event, transition: Transition, settings: CaseSettings) -> Case:
    """Return the case in the status, under the clock, in the review and with the money of the row."""
    if transition.to is not None:
        case = _entered(case, event.at, transition, settings)
    if transition.closes:
        case = replace(case, review=None, answer_due=None)
    if transition.opens is not None:
        case = _opened(before, case, event.at, transition.opens, settings)
    case = _with_money(case, event, transition.money, settings)
    return replace(case, contest_held=case.contest_held or _contest_held(before, case, event))


def _contest_held(before: Case, case: Case, event: Event) -> bool:
    contest = before.review is not None and before.review.round is Round.CONTEST
    return contest and event.kind is Kind.VERDICT and case.status is Status.DENIED


def _entered(case: Case, at: Instant, transition: Transition, settings: CaseSettings) -> Case:
    due = None if transition.period is None else at + settings.period(transition.period)
    reminder = None
    if transition.period is not None and due is not None:
        reminder = due - settings.period(transition.period.replace("_days", "_reminder_days"))
    asked = case.seller_asked or transition.to is Status.WITH_SELLER
    return replace(case, status=transition.to, since=at, due=due, reminder_at=reminder, seller_asked=asked)


def _opened(before: Case, case: Case, at: Instant, round_: Round, settings: CaseSettings) -> Case:
    """Open a review; a first round that opens again is the same stage, so that who had it may have it again."""
    again = round_ is Round.FIRST and case.stages > 0
    stage = case.stages if again else case.stages + 1
    promised = at + settings.period("review_days")
    answer_due = before.due if before.status is Status.WITH_SELLER else None
    due = promised if case.status is Status.IN_REVIEW else case.due
    review = Review(round_, stage, at, promised)
    return replace(case, review=review, stages=stage, due=due, answer_due=answer_due)


def _with_money(case: Case, event: Event, money: Money | None, settings: CaseSettings) -> Case:
    match money:
        case Money.PAY:
            return recovery.paid(case, event, settings)
        case Money.TAKE_BACK:
            return recovery.taken_back(case)
        case Money.PAUSE:
            return recovery.paused(case, event.at)
        case Money.RESUME:
            return recovery.resumed(case, event.at)
        case Money.ASK:
            return recovery.asked(case, event.at, settings)
        case Money.FALL_DUE:
            return recovery.fallen_due(case)
        case Money.WAIVE:
            return recovery.waived(case, str(event.facts["reason"]))
    return case


def _with_outcome(before: Case, case: Case, event: Event) -> Case:
    """Return the outcome that an event writes: a finding for a verdict, else a concession where a case is first
    approved without a finding.
    """
    if event.kind is Kind.VERDICT:
        return replace(case, outcomes=(*case.outcomes, _finding(before, case, event)))
    first_approved = case.status is Status.APPROVED and before.payer is None
    if not first_approved or case.latest_finding is not None or event.facts["finding_known"]:
        return case
    conceded = Outcome(event.facts["outcome_id"], "valid", "concession", event.committed_at, case.amount)
    return replace(case, outcomes=(*case.outcomes, conceded))


def _finding(before: Case, case: Case, event: Event) -> Outcome:
    label = event.facts["label"]
    round_ = Round.FIRST if before.review is None else before.review.round
    contest_held = round_ is Round.CONTEST and label != "valid"
    decided_by = "appeal" if round_ is Round.APPEAL else "seller_defense" if contest_held else "expert"
    paid = {Status.APPROVED: case.amount, Status.DENIED: 0}.get(case.status or Status.IN_REVIEW)
    return Outcome(event.facts["verdict_id"], label, decided_by, event.committed_at, paid)


def _may_be_changed(before: Case, event: Event) -> bool:
    """Return whether a verdict may be changed: only one that settled its round alone, and has not been changed."""
    alone = before.review is not None and not before.review.opinions
    return event.kind is Kind.VERDICT and alone and not event.facts.get("revises")


def revisable_until(case: Case, settings: CaseSettings) -> Instant | None:
    """Return until when the verdict that the case stands on may be changed; None where it may not."""
    return None if case.before_verdict is None else case.last_at + settings.period("revise_minutes")
