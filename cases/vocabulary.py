"""The words of a case: where it stands, what can happen to it, who does it and who is told."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where a case stands (contract, section 5)."""

    AWAITING_EVIDENCE = "awaiting_evidence"
    IN_REVIEW = "in_review"
    WITH_SELLER = "with_seller"
    APPROVED = "approved"
    DENIED = "denied"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


class Round(StrEnum):
    """Why an expert is asked: the first look, a seller's contest, a claimant's appeal, or two experts who differ."""

    FIRST = "first"
    CONTEST = "contest"
    APPEAL = "appeal"
    ADJUDICATION = "adjudication"


class Actor(StrEnum):
    """Who does what happens to a case."""

    MACHINE = "machine"
    CLOCK = "clock"
    CLAIMANT = "claimant"
    SELLER = "seller"
    EXPERT = "expert"
    LEAD = "lead"
    MARKETPLACE = "marketplace"


class Party(StrEnum):
    """Who hears of a case from outside."""

    SELLER = "seller"
    CLAIMANT = "claimant"


class Payer(StrEnum):
    """Who pays the claimant."""

    MARKETPLACE = "marketplace"
    SELLER = "seller"
    INSURER = "insurer"


class RecoveryState(StrEnum):
    """How far the marketplace is with asking a seller for what it paid."""

    PROOF_ASKED = "proof_asked"
    ASKED = "asked"
    DUE = "due"
    WAIVED = "waived"


class Kind(StrEnum):
    """What can happen to a case; each is one kind of event in its log."""

    MACHINE_ASKED_EVIDENCE = "machine_asked_evidence"
    MACHINE_REFERRED = "machine_referred"
    MACHINE_COULD_NOT_SCORE = "machine_could_not_score"
    MACHINE_PRESENTED = "machine_presented"
    MACHINE_PAID = "machine_paid"
    MACHINE_DENIED = "machine_denied"
    RESCORED = "rescored"
    EVIDENCE_ARRIVED = "evidence_arrived"
    EVIDENCE_REMINDER = "evidence_reminder"
    EVIDENCE_OVERDUE = "evidence_overdue"
    SELLER_REMINDER = "seller_reminder"
    SELLER_SILENT = "seller_silent"
    REVIEW_OVERDUE = "review_overdue"
    PROOF_OVERDUE = "proof_overdue"
    RECOVERY_FELL_DUE = "recovery_fell_due"
    ACCEPTED = "accepted"
    CONTESTED = "contested"
    RESPONSE_ADDED = "response_added"
    APPEALED = "appealed"
    WITHDRAWN = "withdrawn"
    LEASED = "leased"
    EVIDENCE_REQUESTED = "evidence_requested"
    OPINION_SEALED = "opinion_sealed"
    VERDICT = "verdict"
    RECOVERY_WAIVED = "recovery_waived"
    NOTED = "noted"


CLOCKS = (
    Kind.EVIDENCE_REMINDER,
    Kind.EVIDENCE_OVERDUE,
    Kind.SELLER_REMINDER,
    Kind.SELLER_SILENT,
    Kind.REVIEW_OVERDUE,
    Kind.PROOF_OVERDUE,
    Kind.RECOVERY_FELL_DUE,
)
"""What time alone does."""

MACHINE_MOVES: dict[str | None, Kind] = {
    "request_evidence": Kind.MACHINE_ASKED_EVIDENCE,
    "refer_to_expert": Kind.MACHINE_REFERRED,
    "present_to_seller": Kind.MACHINE_PRESENTED,
    "pay_concession": Kind.MACHINE_PAID,
    "deny": Kind.MACHINE_DENIED,
    None: Kind.MACHINE_COULD_NOT_SCORE,
}
"""What a decision of the machine does to a case, by its disposition; None: there was no score."""
