"""A case with the events that a request or a clock adds to it; the store writes them, or none of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from claimvet.cases.case import Case, Event, Instant
from claimvet.cases.clocks import next_clock
from claimvet.cases.fold import after
from claimvet.cases.settings import CaseSettings
from claimvet.cases.vocabulary import Actor, Kind


@dataclass(frozen=True)
class Known:
    """What the store knows beside the case's own log, as of now.

    `standing` and `keeps_rules` are the seller's at filing; `finding_known` is whether anybody has found anything about the claim, also
    outside of this case; `outcome_id` is that of a concession, should one be written.
    """

    standing: str
    keeps_rules: bool
    finding_known: bool
    outcome_id: str


@dataclass(frozen=True)
class Progress:
    """A case at an instant, and what was added to its log since it was read."""

    case: Case
    now: Instant
    known: Known
    settings: CaseSettings
    added: tuple[Event, ...] = ()

    def then(self, kind: Kind, by: Actor, at: Instant | None = None, **facts: Any) -> Progress:
        """Return the case after one more event, which counts now unless an earlier instant is named."""
        number = self.case.number + 1
        event = Event(number, kind, by, self.now if at is None else at, self.now, {**self._known_facts(kind), **facts})
        return replace(self, case=after(self.case, event, self.settings), added=(*self.added, event))

    def _known_facts(self, kind: Kind) -> dict[str, Any]:
        """Return what decides who pays, kept in the event that first approves a case; kept in all that may."""
        if kind not in _MAY_APPROVE:
            return {}
        return {
            "standing": self.known.standing,
            "keeps_rules": self.known.keeps_rules,
            "finding_known": self.known.finding_known,
            "outcome_id": self.known.outcome_id,
        }


_MAY_APPROVE = (Kind.MACHINE_PAID, Kind.SELLER_SILENT, Kind.ACCEPTED, Kind.VERDICT)


def up_to_now(progress: Progress) -> Progress:
    """Return the case with every clock moved that was due by now, in the order of the instants at which they were."""
    while (clock := next_clock(progress.case)) is not None and clock[0] <= progress.now:
        progress = progress.then(clock[1], Actor.CLOCK, clock[0])
    return progress
