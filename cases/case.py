"""What is known of one case after the events so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from claimvet.cases.money import Cents
from claimvet.cases.vocabulary import Actor, Kind, Payer, RecoveryState, Round, Status

Instant = int
"""Microseconds since 1970 UTC."""


@dataclass(frozen=True)
class Subject:
    """The claim that a case is about; `amount_claimed` in cents, None: not stated."""

    claim_id: str
    seller_id: str
    customer_id: str
    product_id: str
    claim_type: str
    amount_claimed: Cents | None
    filed_at: Instant

    @property
    def is_injury(self) -> bool:
        """Whether somebody says that they were hurt."""
        return self.claim_type == "personal_injury"


@dataclass(frozen=True)
class Event:
    """One entry of a case's log.

    `number` counts from 1 within the case. `at` is when it counts: for a clock the instant at which it was due, else that of its commit,
    `committed_at`. `facts` are plain JSON values that its kind needs.
    """

    number: int
    kind: Kind
    by: Actor
    at: Instant
    committed_at: Instant
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Opinion:
    """One sealed verdict; `amount` in cents, None but for `valid`."""

    verdict_id: str
    person: str
    label: str
    amount: Cents | None


@dataclass(frozen=True)
class Review:
    """A question to experts that is open; `stage` numbers it among the case's, an adjudication being a stage of its own."""

    round: Round
    stage: int
    opened_at: Instant
    promised_by: Instant
    opinions: tuple[Opinion, ...] = ()
    overdue: bool = False

    @property
    def shown_round(self) -> Round:
        """The round as people are told: an adjudication where two opinions differ."""
        return Round.ADJUDICATION if len(self.opinions) > 1 else self.round


@dataclass(frozen=True)
class Recovery:
    """The marketplace asks a seller, or its insurer, for what it paid; `paused_at` while a review is open."""

    asked_of: Payer
    amount: Cents
    state: RecoveryState
    reason: str
    proof_due: Instant | None = None
    appeal_until: Instant | None = None
    paused_at: Instant | None = None


@dataclass(frozen=True)
class Outcome:
    """A row of the contract's `outcomes` that the case has written; `amount_paid` in cents."""

    outcome_id: str
    label: str
    decided_by: str
    decided_at: Instant
    amount_paid: Cents | None


@dataclass(frozen=True)
class Settled:
    """What a claimant may appeal: the finding or machine decision that a case stands on."""

    by_appeal: bool = False
    appealed: bool = False


@dataclass(frozen=True)
class Case:
    """A case after `number` events; `status` is None before the first.

    `due` and `reminder_at` are those of the status, `answer_due` is until when the seller may add to a response. `standing` and
    `keeps_rules` are the seller's at filing, as they were known when the case first was approved. `leases` are the stages that each
    person held, `before_verdict` is the case as it stood before a verdict that its person may still change.
    """

    subject: Subject
    number: int = 0
    status: Status | None = None
    since: Instant = 0
    due: Instant | None = None
    reminder_at: Instant | None = None
    review: Review | None = None
    stages: int = 0
    amount_found: Cents | None = None
    payer: Payer | None = None
    recovery: Recovery | None = None
    standing: str | None = None
    keeps_rules: bool = True
    outcomes: tuple[Outcome, ...] = ()
    settled: Settled = Settled()
    no_score: bool = False
    person_asked: bool = False
    seller_asked: bool = False
    answer_due: Instant | None = None
    contested_when_approved: bool = False
    contest_held: bool = False
    leases: tuple[tuple[str, int], ...] = ()
    decided_by_people: tuple[str, ...] = ()
    before_verdict: Case | None = None
    last_at: Instant = 0

    @property
    def amount(self) -> Cents | None:
        """The amount at stake in cents: that of the latest `valid` verdict, else what was claimed."""
        return self.subject.amount_claimed if self.amount_found is None else self.amount_found

    @property
    def person_involved(self) -> bool:
        """Whether an expert has asked for evidence or has had the case."""
        return self.person_asked or bool(self.leases)

    @property
    def latest_finding(self) -> Outcome | None:
        """The latest outcome that a person found; None where nobody has."""
        findings = [outcome for outcome in self.outcomes if outcome.decided_by != "concession"]
        return findings[-1] if findings else None

    @property
    def may_contest_approval(self) -> bool:
        """Whether the seller could still contest the case once it is approved."""
        return not self.contested_when_approved
