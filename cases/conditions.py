"""Conditions of the transition table; the first line of each docstring is how the documentation says it."""

from __future__ import annotations

from collections.abc import Callable

from claimvet.cases.case import Case, Event
from claimvet.cases.settings import CaseSettings
from claimvet.cases.vocabulary import Round

Condition = Callable[[Case, Event, CaseSettings], bool]


def always(case: Case, event: Event, settings: CaseSettings) -> bool:
    """always"""
    return True


def somebody_was_hurt(case: Case, event: Event, settings: CaseSettings) -> bool:
    """a personal injury"""
    return case.subject.is_injury


def evidence_is_for_a_person(case: Case, event: Event, settings: CaseSettings) -> bool:
    """an expert asked for it, or has had the case, and it comes in time"""
    return case.person_involved and in_time_for_evidence(case, event.at, settings)


def in_time_for_evidence(case: Case, at: int, settings: CaseSettings) -> bool:
    """evidence still moves the case: before `due`, and within `appeal_days` of lapsing"""
    return at < (case.since + settings.period("appeal_days") if case.due is None else case.due)


def found_valid(case: Case, event: Event, settings: CaseSettings) -> bool:
    """the verdict is `valid`"""
    return bool(event.facts["label"] == "valid")


def seller_is_to_answer(case: Case, event: Event, settings: CaseSettings) -> bool:
    """`valid` at or above the limit, first round or first finding on appeal, of a seller who was never asked"""
    if not found_valid(case, event, settings) or event.facts["amount"] < settings.limit or case.seller_asked:
        return False
    return case.review is not None and (
        case.review.round is Round.FIRST or (case.review.round is Round.APPEAL and case.latest_finding is None)
    )


def contest_holds(case: Case, event: Event, settings: CaseSettings) -> bool:
    """the seller's contest holds: any label but `valid`"""
    return _round(case) is Round.CONTEST and not found_valid(case, event, settings)


def _round(case: Case) -> Round | None:
    return None if case.review is None else case.review.round
