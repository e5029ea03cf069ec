"""What each party is told: one sentence for where a case stands, and one for what happened without moving it.

No sentence has a score, another party's identity or an expert's name, and none accuses anybody.
"""

# ruff: noqa: E501 -- a sentence stands on one line
from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from claimvet.cases.case import Case, Event, Instant
from claimvet.cases.money import dollars_text
from claimvet.cases.recovery import counts_in_defect_rate
from claimvet.cases.requests import appeal_until
from claimvet.cases.settings import CaseSettings
from claimvet.cases.transitions import transition_of
from claimvet.cases.vocabulary import Kind, Party, Payer, RecoveryState, Round, Status

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

OF_STATUS: Mapping[tuple[Status, Party], str] = MappingProxyType(
    {
        (
            Status.AWAITING_EVIDENCE,
            Party.CLAIMANT,
        ): "We need more evidence to decide your claim; please send it before {due}.",
        (
            Status.AWAITING_EVIDENCE,
            Party.SELLER,
        ): "A claim on your product waits for evidence from the customer; nothing is asked of you.",
        (
            Status.IN_REVIEW,
            Party.CLAIMANT,
        ): "An independent expert is looking at your claim; you will hear from us by {due}.",
        (
            Status.IN_REVIEW,
            Party.SELLER,
        ): "An independent expert is looking at a claim on your product; nothing more is asked of you for now.",
        (
            Status.WITH_SELLER,
            Party.CLAIMANT,
        ): "We have asked the seller to settle your claim; if the seller has not answered by {due}, we will.",
        (
            Status.WITH_SELLER,
            Party.SELLER,
        ): "A claim for {amount} on your product was found good; please accept or contest it before {due}, or we settle it and ask you for the money.",
        (Status.APPROVED, Party.CLAIMANT): "Your claim was approved; {amount} is paid to you{by_whom}.",
        (
            Status.APPROVED,
            Party.SELLER,
        ): "A claim for {amount} on your product was approved; {who_pays}, and it {counts} in your defect rate.",
        (
            Status.DENIED,
            Party.CLAIMANT,
        ): "What we have does not show that your claim is covered, so it is not paid{appeal}.",
        (Status.DENIED, Party.SELLER): "A claim on your product was not upheld; nothing is asked of you.",
        (
            Status.LAPSED,
            Party.CLAIMANT,
        ): "The evidence that we asked for has not arrived, so your claim rests; sending it{appeal_or} opens it again.",
        (
            Status.LAPSED,
            Party.SELLER,
        ): "A claim on your product rests, since evidence is missing; nothing is asked of you.",
        (Status.WITHDRAWN, Party.CLAIMANT): "You have withdrawn your claim; nothing more happens with it.",
        (
            Status.WITHDRAWN,
            Party.SELLER,
        ): "The customer has withdrawn a claim on your product; nothing is asked of you.",
    }
)
"""Where a case stands, as each party is told."""

OF_EVENT: Mapping[tuple[Kind, Party], str] = MappingProxyType(
    {
        (Kind.EVIDENCE_ARRIVED, Party.CLAIMANT): "We have received your evidence{denied_hint}.",
        (
            Kind.EVIDENCE_REMINDER,
            Party.CLAIMANT,
        ): "We are still waiting for evidence for your claim; please send it before {due}.",
        (
            Kind.SELLER_REMINDER,
            Party.SELLER,
        ): "A claim for {amount} on your product still waits for your answer; please accept or contest it before {due}.",
        (
            Kind.REVIEW_OVERDUE,
            Party.CLAIMANT,
        ): "The expert needs more time for your claim than we promised; you keep every right that you have.",
        (
            Kind.PROOF_OVERDUE,
            Party.SELLER,
        ): "No proof of insurance has reached us, so we ask you for {asked}; you may contest this before {recovery_until}.",
        (Kind.RECOVERY_FELL_DUE, Party.SELLER): "{asked} is due from you; you may still contest the claim.",
        (Kind.RECOVERY_WAIVED, Party.SELLER): "We no longer ask you for {asked}.",
        (
            Kind.CONTESTED,
            Party.SELLER,
        ): "We have received your answer; an independent expert who has not seen the claim looks at it and at each of your files.",
        (
            Kind.CONTESTED,
            Party.CLAIMANT,
        ): "The seller has objected; an independent expert decides, and what was paid to you stays yours.",
        (Kind.RESPONSE_ADDED, Party.SELLER): "We have added what you sent to your answer.",
        (
            Kind.APPEALED,
            Party.CLAIMANT,
        ): "We have received your appeal; an independent expert who has not seen your claim decides it.",
        (
            Kind.APPEALED,
            Party.SELLER,
        ): "The customer has asked for another look at a claim on your product; nothing is asked of you for now.",
        (Kind.VERDICT, Party.CLAIMANT): "The review of your claim is over; {amount} stays yours.",
        (Kind.VERDICT, Party.SELLER): "The review of the claim is over; it stays approved, and {who_pays}.",
    }
)
"""What happened without moving a case, as each party is told."""

RECOVERY_SENTENCES: Mapping[RecoveryState, str] = MappingProxyType(
    {
        RecoveryState.PROOF_ASKED: "the marketplace pays, and asks you to prove before {recovery_until} that you were insured",
        RecoveryState.ASKED: "the marketplace pays and asks {asked_of} for {asked}, which may be contested before {recovery_until}",
        RecoveryState.DUE: "the marketplace has paid, and {asked} is due from {asked_of}",
        RecoveryState.WAIVED: "the marketplace pays, and does not ask you for it",
    }
)


def present(case: Case, party: Party, settings: CaseSettings) -> str:
    """Return the sentence that tells a party where a case stands."""
    if case.status is None:
        raise ValueError("a case without an event stands nowhere")
    opened = case.status is Status.APPROVED and case.review is not None
    kind = Kind.CONTESTED if case.review is not None and case.review.round is Round.CONTEST else Kind.APPEALED
    template = OF_EVENT[kind, party] if opened else OF_STATUS[case.status, party]
    return template.format_map(_words(case, settings))


def told(party: Party, before: Case, event: Event, case: Case, settings: CaseSettings) -> str | None:
    """Return the sentence that tells a party of an event; None where it is not told."""
    transition = transition_of(before, event, settings)
    if transition is None or party not in transition.told:
        return None
    template = OF_EVENT.get((event.kind, party))
    if transition.to is not None and event.kind is not Kind.CONTESTED:
        return present(case, party, settings)
    return None if template is None else template.format_map(_words(case, settings))


def _words(case: Case, settings: CaseSettings) -> dict[str, str]:
    until = appeal_until(case, settings)
    recovery = case.recovery
    ends = None if recovery is None else recovery.appeal_until or recovery.proof_due
    words = {
        "due": moment_text(case.due),
        "amount": "the amount" if case.amount is None else dollars_text(case.amount),
        "by_whom": "" if case.payer is Payer.MARKETPLACE else " by the seller or its insurer",
        "appeal": ""
        if until is None
        else f"; you may ask for a person who has not seen it before {moment_text(until)}",
        "appeal_or": "" if until is None else f", or asking for a person, before {moment_text(until)}",
        "denied_hint": "; to have a person look at it, please appeal" if case.status is Status.DENIED else "",
        "asked": "" if recovery is None else dollars_text(recovery.amount),
        "asked_of": "your insurer" if recovery is not None and recovery.asked_of is Payer.INSURER else "you",
        "recovery_until": moment_text(ends),
        "counts": "counts" if counts_in_defect_rate(case, settings) else "does not count",
    }
    return {**words, "who_pays": _who_pays(case, words)}


def _who_pays(case: Case, words: Mapping[str, str]) -> str:
    if case.payer in (Payer.SELLER, Payer.INSURER):
        return "you pay it" if case.payer is Payer.SELLER else "your insurer pays it"
    if case.recovery is None:
        return RECOVERY_SENTENCES[RecoveryState.WAIVED]
    return RECOVERY_SENTENCES[case.recovery.state].format_map(words)


def moment_text(at: Instant | None) -> str:
    """Return an instant as a person reads it, in UTC, to the minute.

    >>> moment_text(0), moment_text(None)
    ('1970-01-01 00:00 UTC', 'a day that is not set')
    """
    return "a day that is not set" if at is None else f"{_EPOCH + timedelta(microseconds=at):%Y-%m-%d %H:%M} UTC"
