"""The one table of what moves a case: event, where from, on what condition, where to, which clock starts, what money does, who is told.

The fold, the documentation, its diagram and the API's description are all written from `TABLE`. Of the rows for an event and a status the
first whose condition holds is taken; an event without a row leaves the case where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from claimvet.cases import conditions as when
from claimvet.cases.case import Case, Event
from claimvet.cases.conditions import Condition
from claimvet.cases.settings import CaseSettings
from claimvet.cases.vocabulary import Kind, Party, Round, Status


class Money(StrEnum):
    """What an event does with money; `MONEY_MEANINGS` says what each is."""

    PAY = "pay"
    TAKE_BACK = "take_back"
    PAUSE = "pause"
    RESUME = "resume"
    ASK = "ask"
    FALL_DUE = "fall_due"
    WAIVE = "waive"


MONEY_MEANINGS: Mapping[Money, str] = MappingProxyType(
    {
        Money.PAY: "the claimant is paid; who pays, and whether a seller is asked for it, follows from the seller's standing at filing",
        Money.TAKE_BACK: "what was paid stays with the claimant, at the marketplace's cost; a recovery is waived",
        Money.PAUSE: "no clock of a recovery runs",
        Money.RESUME: "a recovery's remaining time runs on, for the amount that was found",
        Money.ASK: "no proof of insurance came: the seller is asked for what was paid",
        Money.FALL_DUE: "a recovery was not contested in its time: it is due",
        Money.WAIVE: "a recovery is waived",
    }
)


@dataclass(frozen=True)
class Transition:
    """One row; `to` None: the case stays where it is, `period` names the setting whose clock starts."""

    event: Kind
    sources: tuple[Status | None, ...]
    to: Status | None = None
    condition: Condition = when.always
    opens: Round | None = None
    closes: bool = False
    period: str | None = None
    money: Money | None = None
    told: tuple[Party, ...] = ()


S, R, K = Status, Round, Kind
CLAIMANT, SELLER, BOTH = (Party.CLAIMANT,), (Party.SELLER,), (Party.SELLER, Party.CLAIMANT)
ANYWHERE = tuple(Status)
SCORED_FROM = (None, S.AWAITING_EVIDENCE, S.LAPSED, S.IN_REVIEW)
"""Where a machine's decision moves a case: the first, the one after evidence, the first score after none (`requests` sees to it)."""

TABLE = (
    Transition(
        K.MACHINE_ASKED_EVIDENCE, SCORED_FROM, S.AWAITING_EVIDENCE, closes=True, period="evidence_days", told=CLAIMANT
    ),
    Transition(K.MACHINE_REFERRED, SCORED_FROM, S.IN_REVIEW, opens=R.FIRST, told=CLAIMANT),
    Transition(K.MACHINE_COULD_NOT_SCORE, SCORED_FROM, S.IN_REVIEW, opens=R.FIRST, told=CLAIMANT),
    Transition(K.MACHINE_PRESENTED, SCORED_FROM, S.WITH_SELLER, closes=True, period="seller_days", told=BOTH),
    Transition(K.MACHINE_PAID, SCORED_FROM, S.APPROVED, closes=True, money=Money.PAY, told=BOTH),
    Transition(K.MACHINE_DENIED, SCORED_FROM, S.DENIED, closes=True, told=CLAIMANT),
    Transition(
        K.EVIDENCE_ARRIVED,
        (S.AWAITING_EVIDENCE, S.LAPSED),
        S.IN_REVIEW,
        when.evidence_is_for_a_person,
        opens=R.FIRST,
        told=CLAIMANT,
    ),
    Transition(K.EVIDENCE_ARRIVED, ANYWHERE, told=CLAIMANT),
    Transition(K.EVIDENCE_REMINDER, (S.AWAITING_EVIDENCE,), told=CLAIMANT),
    Transition(
        K.EVIDENCE_OVERDUE, (S.AWAITING_EVIDENCE,), S.IN_REVIEW, when.somebody_was_hurt, opens=R.FIRST, told=CLAIMANT
    ),
    Transition(K.EVIDENCE_OVERDUE, (S.AWAITING_EVIDENCE,), S.LAPSED, told=CLAIMANT),
    Transition(K.SELLER_REMINDER, (S.WITH_SELLER,), told=SELLER),
    Transition(K.SELLER_SILENT, (S.WITH_SELLER,), S.APPROVED, money=Money.PAY, told=BOTH),
    Transition(K.REVIEW_OVERDUE, ANYWHERE, told=CLAIMANT),
    Transition(K.PROOF_OVERDUE, (S.APPROVED,), money=Money.ASK, told=SELLER),
    Transition(K.RECOVERY_FELL_DUE, (S.APPROVED,), money=Money.FALL_DUE, told=SELLER),
    Transition(K.RECOVERY_WAIVED, ANYWHERE, money=Money.WAIVE, told=SELLER),
    Transition(K.ACCEPTED, (S.WITH_SELLER, S.IN_REVIEW), S.APPROVED, closes=True, money=Money.PAY, told=BOTH),
    Transition(K.CONTESTED, (S.WITH_SELLER,), S.IN_REVIEW, opens=R.CONTEST, told=BOTH),
    Transition(K.CONTESTED, (S.APPROVED,), opens=R.CONTEST, money=Money.PAUSE, told=BOTH),
    Transition(K.RESPONSE_ADDED, (S.IN_REVIEW, S.APPROVED), told=SELLER),
    Transition(K.APPEALED, (S.DENIED, S.LAPSED), S.IN_REVIEW, opens=R.APPEAL, told=BOTH),
    Transition(K.APPEALED, (S.APPROVED,), opens=R.APPEAL, money=Money.PAUSE, told=BOTH),
    Transition(
        K.WITHDRAWN,
        (S.AWAITING_EVIDENCE, S.IN_REVIEW, S.WITH_SELLER, S.LAPSED),
        S.WITHDRAWN,
        closes=True,
        told=BOTH,
    ),
    Transition(K.LEASED, ANYWHERE),
    Transition(
        K.EVIDENCE_REQUESTED, (S.IN_REVIEW,), S.AWAITING_EVIDENCE, closes=True, period="evidence_days", told=CLAIMANT
    ),
    Transition(K.OPINION_SEALED, ANYWHERE),
    Transition(
        K.VERDICT, (S.IN_REVIEW,), S.WITH_SELLER, when.seller_is_to_answer, closes=True, period="seller_days", told=BOTH
    ),
    Transition(K.VERDICT, (S.IN_REVIEW,), S.APPROVED, when.found_valid, closes=True, money=Money.PAY, told=BOTH),
    Transition(K.VERDICT, (S.IN_REVIEW,), S.DENIED, closes=True, told=BOTH),
    Transition(K.VERDICT, (S.APPROVED,), S.DENIED, when.contest_holds, closes=True, money=Money.TAKE_BACK, told=BOTH),
    Transition(K.VERDICT, (S.APPROVED,), closes=True, money=Money.RESUME, told=BOTH),
    Transition(K.RESCORED, ANYWHERE),
    Transition(K.NOTED, ANYWHERE),
)


def transition_of(case: Case, event: Event, settings: CaseSettings) -> Transition | None:
    """Return the row that an event takes from where the case stands; None where there is none."""
    rows = (row for row in TABLE if row.event == event.kind and case.status in row.sources)
    return next((row for row in rows if row.condition(case, event, settings)), None)
