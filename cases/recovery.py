"""Who pays a claimant, and when the marketplace asks a seller for what it paid.

Below the concession limit the marketplace pays, and asks only a seller that owes insurance or does not keep the rules. At or above it the
seller pays where it accepts, its insurer where it is insured; where it is silent or its contest fails, the marketplace pays and asks it.
"""

from __future__ import annotations

from dataclasses import replace

from claimvet.cases.case import Case, Event, Instant, Recovery
from claimvet.cases.money import Cents
from claimvet.cases.settings import CaseSettings
from claimvet.cases.standing import OWING, StandingName
from claimvet.cases.vocabulary import Kind, Payer, RecoveryState, Status


def paid(case: Case, event: Event, settings: CaseSettings) -> Case:
    """Return the case with its claimant paid; the seller's standing at filing comes with the event where it is approved first."""
    amount = case.amount or 0
    if case.payer is not None:
        return _asking(case, event, amount, settings)
    case = replace(case, standing=event.facts["standing"], keeps_rules=event.facts["keeps_rules"])
    accepted = event.kind is Kind.ACCEPTED and amount >= settings.limit
    payer = _seller_or_insurer(case) if accepted else Payer.MARKETPLACE
    case = replace(case, payer=payer)
    return case if accepted else _asking(case, event, amount, settings)


def _seller_or_insurer(case: Case) -> Payer:
    return Payer.INSURER if case.standing == StandingName.INSURED else Payer.SELLER


def _asking(case: Case, event: Event, amount: Cents, settings: CaseSettings) -> Case:
    """Return the recovery that begins with a payment of the marketplace; none where the seller could not contest it any more."""
    if not case.may_contest_approval:
        return case
    if amount >= settings.limit:
        until = event.at + settings.period("recovery_appeal_days")
        reason = "seller_silent" if event.kind is Kind.SELLER_SILENT else "found_valid"
        asked = Recovery(_seller_or_insurer(case), amount, RecoveryState.ASKED, reason, appeal_until=until)
        return replace(case, recovery=asked)
    if case.keeps_rules and case.standing not in OWING:
        return case
    reason = "rules_not_kept" if not case.keeps_rules else f"insurance_{case.standing}"
    proof_due = event.at + settings.period("proof_days")
    proof = Recovery(_seller_or_insurer(case), amount, RecoveryState.PROOF_ASKED, reason, proof_due=proof_due)
    return replace(case, recovery=proof)


def asked(case: Case, at: Instant, settings: CaseSettings) -> Case:
    """Return the case with its seller asked for the money, after no proof of insurance came."""
    if case.recovery is None:
        return case
    until = at + settings.period("recovery_appeal_days")
    return replace(case, recovery=replace(case.recovery, state=RecoveryState.ASKED, appeal_until=until))


def fallen_due(case: Case) -> Case:
    """Return the case with its recovery due."""
    return case if case.recovery is None else replace(case, recovery=replace(case.recovery, state=RecoveryState.DUE))


def waived(case: Case, reason: str) -> Case:
    """Return the case with its recovery waived; as it is where there is none."""
    if case.recovery is None:
        return case
    return replace(case, recovery=replace(case.recovery, state=RecoveryState.WAIVED, reason=reason, paused_at=None))


def taken_back(case: Case) -> Case:
    """Return the case after a contest held: what was paid stays with the claimant, at the marketplace's cost."""
    return replace(waived(case, "contest_held"), payer=Payer.MARKETPLACE)


def paused(case: Case, at: Instant) -> Case:
    """Return the case with no clock of its recovery running."""
    if case.recovery is None or case.recovery.state is RecoveryState.WAIVED:
        return case
    return replace(case, recovery=replace(case.recovery, paused_at=at))


def resumed(case: Case, at: Instant) -> Case:
    """Return the case with the remaining time of its recovery running on, for the amount that was found."""
    old = case.recovery
    if old is None or old.state is RecoveryState.WAIVED or old.paused_at is None:
        return case
    shift = at - old.paused_at
    moved = replace(
        old,
        amount=case.amount or old.amount,
        proof_due=None if old.proof_due is None else old.proof_due + shift,
        appeal_until=None if old.appeal_until is None else old.appeal_until + shift,
        paused_at=None,
    )
    return replace(case, recovery=moved)


def counts_in_defect_rate(case: Case, settings: CaseSettings) -> bool:
    """Return whether a case counts against its seller: a person found it valid, at or above the limit, and the seller or its insurer pays
    or is asked.
    """
    finding = case.latest_finding
    if case.status is not Status.APPROVED or finding is None or finding.label != "valid" or case.contest_held:
        return False
    asked_of_seller = case.recovery is not None and case.recovery.state is not RecoveryState.WAIVED
    return (case.amount or 0) >= settings.limit and (case.payer is not Payer.MARKETPLACE or asked_of_seller)
