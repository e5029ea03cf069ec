"""An expert's verdict: what it has to say, whether it settles its round alone, and what it does.

Blindness, leases and digests are kept where cases are stored; here is what follows from a verdict that may be written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from claimvet.cases.case import Case, Opinion
from claimvet.cases.draws import is_drawn
from claimvet.cases.fold import revisable_until
from claimvet.cases.money import Cents
from claimvet.cases.people import Person
from claimvet.cases.progress import Progress
from claimvet.cases.settings import CaseSettings
from claimvet.cases.vocabulary import Actor, Kind, Round, Status
from claimvet.data.contract.errors import CaseConflictError, RowError
from claimvet.data.contract.tables import EVIDENCE_KINDS, LABELS

CONFIDENCES = ("guess", "unsure", "sure", "certain")
MAX_NOTE, MIN_NOTE_ABUSIVE, MAX_CODES = 4_000, 20, 3
"""Characters, characters, and codes of a verdict."""


class Awaits(StrEnum):
    """Who has to be heard before a round is settled."""

    SECOND = "second"
    LEAD = "lead"


@dataclass(frozen=True)
class Verdict:
    """What an expert says; `amount` in cents, for `valid` only."""

    verdict_id: str
    label: str
    codes: tuple[str, ...]
    confidence: str
    note: str
    amount: Cents | None
    blind: bool
    answered: tuple[str, ...] = ()
    """Hashes of the seller's files that it answers."""


def check_verdict(verdict: Verdict, case: Case, seller_files: Sequence[str], settings: CaseSettings) -> None:
    """Check what a verdict says against the case that it is about.

    Raises:
        RowError: with the field at fault.
    """
    _one_of("label", verdict.label, LABELS)
    _one_of("confidence", verdict.confidence, CONFIDENCES)
    if not 1 <= len(verdict.codes) <= MAX_CODES:
        raise RowError("codes", f"codes has {len(verdict.codes)} entries, expected 1 to {MAX_CODES}")
    for code in verdict.codes:
        _one_of("codes", code, settings.codes)
    _check_note(verdict)
    _check_amount(verdict, case.subject.amount_claimed)
    _check_answers(verdict, case, seller_files)


def _one_of(field: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise RowError(field, f"{field} is {value!r}, expected one of {', '.join(allowed)}")


def _check_note(verdict: Verdict) -> None:
    if len(verdict.note) > MAX_NOTE:
        raise RowError("note", f"note has {len(verdict.note)} characters, expected at most {MAX_NOTE}")
    if verdict.label == "abusive" and len(verdict.note.strip()) < MIN_NOTE_ABUSIVE:
        raise RowError("note", f"note is too short for abusive, expected at least {MIN_NOTE_ABUSIVE} characters")


def _check_amount(verdict: Verdict, claimed: Cents | None) -> None:
    amount = verdict.amount
    if verdict.label != "valid":
        if amount is not None:
            raise RowError("amount", f"amount is given for {verdict.label}, expected it for valid only")
        return
    if amount is None or amount <= 0:
        raise RowError("amount", "amount is missing or not above 0, expected what a valid claim is worth")
    if claimed is not None and amount > claimed:
        raise RowError("amount", f"amount is {amount / 100:.2f}, expected at most the {claimed / 100:.2f} claimed")


def _check_answers(verdict: Verdict, case: Case, seller_files: Sequence[str]) -> None:
    if case.review is None or case.review.round is not Round.CONTEST:
        return
    missing = [file for file in seller_files if file not in verdict.answered]
    if missing:
        raise RowError("answers", f"answers lacks the seller's file {missing[0]}, expected one answer for each file")


def lease(progress: Progress, person: Person) -> Progress:
    """Return the case after an expert took it; who had it in an earlier stage cannot have it again (`people.may_take`).

    Raises:
        CaseConflictError: where no review is open.
    """
    review = progress.case.review
    if review is None:
        raise CaseConflictError(f"the case {progress.case.subject.claim_id} has no review open; expected one")
    return progress.then(Kind.LEASED, Actor.MARKETPLACE, person=person.person_id, stage=review.stage)


def seal(progress: Progress, verdict: Verdict, person: Person) -> tuple[Progress, Awaits | None]:
    """Return the case after a sealed verdict, and whom the round still awaits; None where it is settled.

    Raises:
        CaseConflictError: where no review is open.
    """
    case = progress.case
    if case.review is None:
        raise CaseConflictError(f"the case {case.subject.claim_id} has no review open; expected one")
    awaits = awaited(case, verdict.label, verdict.amount, progress.settings)
    by = Actor.LEAD if person.role == "lead" else Actor.EXPERT
    if awaits is not None:
        return _with_opinion(progress, verdict, person, by), awaits
    amount = _settled_amount(case.review.opinions, verdict)
    return _with_verdict(progress, verdict, person, by, amount), None


def awaited(case: Case, label: str, amount: Cents | None, settings: CaseSettings) -> Awaits | None:
    """Return whom a round awaits after one more verdict with this label and amount; None where that settles it."""
    opinions = () if case.review is None else case.review.opinions
    if len(opinions) > 1:
        return None
    if opinions:
        return None if _agree(opinions[0], label, amount, settings) else Awaits.LEAD
    return Awaits.SECOND if _needs_second(case, label, settings) else None


def _agree(first: Opinion, label: str, amount: Cents | None, settings: CaseSettings) -> bool:
    if first.label != label:
        return False
    return label != "valid" or ((first.amount or 0) < settings.limit) == ((amount or 0) < settings.limit)


def _needs_second(case: Case, label: str, settings: CaseSettings) -> bool:
    """Return whether a second expert decides: for `abusive` at or above the limit always; of first and contest
    rounds a share that a keyed hash draws.
    """
    at_stake = settings.limit if case.amount is None else case.amount
    if label == "abusive" and at_stake >= settings.limit:
        return True
    review = case.review
    drawn_round = review is not None and review.round in (Round.FIRST, Round.CONTEST)
    stage = 0 if review is None else review.stage
    share = settings.second_opinion_share
    return drawn_round and is_drawn(settings.draw_key, "second", f"{case.subject.claim_id} {stage}", share)


def _settled_amount(opinions: Sequence[Opinion], verdict: Verdict) -> Cents | None:
    """Of two that agree the greater amount stands; a lead's own after two that differ."""
    if verdict.amount is None or len(opinions) != 1:
        return verdict.amount
    return max(verdict.amount, opinions[0].amount or 0)


def _facts(verdict: Verdict, person: Person, amount: Cents | None) -> dict[str, Any]:
    return {
        "verdict_id": verdict.verdict_id,
        "person": person.person_id,
        "label": verdict.label,
        "amount": amount,
        "blind": verdict.blind,
    }


def _with_opinion(progress: Progress, verdict: Verdict, person: Person, by: Actor) -> Progress:
    return progress.then(Kind.OPINION_SEALED, by, **_facts(verdict, person, verdict.amount))


def _with_verdict(progress: Progress, verdict: Verdict, person: Person, by: Actor, amount: Cents | None) -> Progress:
    return progress.then(Kind.VERDICT, by, **_facts(verdict, person, amount))


def revise(progress: Progress, verdict: Verdict, person: Person, revises: str) -> tuple[Progress, Awaits | None]:
    """Return the case after its expert changed the verdict, once, soon, and while nothing else happened.

    The new verdict is taken from where the case stood before the first.

    Raises:
        CaseConflictError: where it is too late, somebody else's, or another verdict.
    """
    case = progress.case
    until = revisable_until(case, progress.settings)
    last = case.outcomes[-1].outcome_id if case.outcomes else None
    theirs = bool(case.decided_by_people) and case.decided_by_people[-1] == person.person_id
    if until is None or progress.now >= until or last != revises or not theirs or case.before_verdict is None:
        raise CaseConflictError(
            f"the verdict {revises} on the case {case.subject.claim_id} cannot be changed; expected its own person, once, within "
            f"{progress.settings.revise_minutes:g} minutes and before anything else happened"
        )
    awaits = awaited(case.before_verdict, verdict.label, verdict.amount, progress.settings)
    kind = Kind.VERDICT if awaits is None else Kind.OPINION_SEALED
    by = Actor.LEAD if person.role == "lead" else Actor.EXPERT
    facts = {**_facts(verdict, person, verdict.amount), "revises": revises}
    return progress.then(kind, by, **facts), awaits


def request_evidence(progress: Progress, kinds: Sequence[str], person: Person) -> Progress:
    """Return the case after an expert asked the claimant for evidence: in a first round, before any verdict.

    Raises:
        RowError: where no kind of evidence is named.
        CaseConflictError: where the round is another, or a verdict stands.
    """
    case = progress.case
    if not kinds:
        raise RowError("request_evidence", "request_evidence is empty, expected kinds of evidence")
    for kind in kinds:
        _one_of("request_evidence", kind, EVIDENCE_KINDS)
    review = case.review
    open_first = review is not None and review.round is Round.FIRST and not review.opinions
    if case.status is not Status.IN_REVIEW or not open_first:
        raise CaseConflictError(
            f"evidence for the case {case.subject.claim_id} cannot be asked for now; expected its first round, before any verdict"
        )
    by = Actor.LEAD if person.role == "lead" else Actor.EXPERT
    return progress.then(Kind.EVIDENCE_REQUESTED, by, person=person.person_id, kinds=list(kinds))
