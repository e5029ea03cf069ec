"""Plays one case: time passes, parties act, experts decide; every act sees the clocks that moved before it."""

from __future__ import annotations

from dataclasses import replace

from claimvet.cases import requests, verdicts
from claimvet.cases.case import Case, Event, Subject
from claimvet.cases.money import cents
from claimvet.cases.people import Person
from claimvet.cases.progress import Known, Progress, up_to_now
from claimvet.cases.settings import DAY, CaseSettings

START = 1_790_000_000_000_000
NO_DOUBLES = CaseSettings(second_opinion_share=0.0)
ANNA = Person("anna", "expert", "north")
BEN = Person("ben", "expert", "south")
LEA = Person("lea", "lead", "west")
COMPLIANT = Known("insured", keeps_rules=True, finding_known=False, outcome_id="o-concession")


class Play:
    """One case under test; amounts in US dollars, times in days from its first decision."""

    def __init__(
        self,
        disposition: str | None,
        amount: float | None = 400.0,
        claim_type: str = "property_damage",
        *,
        known: Known = COMPLIANT,
        settings: CaseSettings = NO_DOUBLES,
    ) -> None:
        claimed = None if amount is None else cents(amount)
        subject = Subject("c1", "s1", "u1", "p1", claim_type, claimed, START - 2 * DAY)
        self.verdicts = 0
        self.progress = requests.first_decision(Progress(Case(subject), START, known, settings), "d1", disposition)

    @property
    def case(self) -> Case:
        return self.progress.case

    @property
    def events(self) -> tuple[Event, ...]:
        return self.progress.added

    @property
    def kinds(self) -> list[str]:
        return [event.kind.value for event in self.events]

    def at(self, days: float) -> Play:
        """Time moves to so many days after the first decision; it never goes back."""
        now = START + round(days * DAY)
        assert now >= self.progress.now
        self.progress = up_to_now(replace(self.progress, now=now))
        return self

    def later(self, minutes: float) -> Play:
        return self.at((self.progress.now - START) / DAY + minutes / 1440)

    def knows(self, known: Known) -> Play:
        self.progress = replace(self.progress, known=known)
        return self

    def evidence(self, disposition: str | None = "refer_to_expert") -> Play:
        arrived = requests.evidence(self.progress, ["e1"])
        awaited = self.case.status is not None and arrived.case.status == self.case.status
        self.progress = requests.later_decision(arrived, "d2", disposition, after_evidence=awaited)
        return self

    def rescore(self, disposition: str | None) -> Play:
        self.progress = requests.later_decision(self.progress, "d3", disposition)
        return self

    def accept(self) -> Play:
        self.progress = requests.accept(self.progress)
        return self

    def contest(self) -> Play:
        self.progress = requests.contest(self.progress, {"statement": "Not ours.", "files": []})
        return self

    def appeal(self) -> Play:
        self.progress = requests.appeal(self.progress, {"statement": "Please look again."})
        return self

    def withdraw(self) -> Play:
        self.progress = requests.withdraw(self.progress)
        return self

    def lease(self, person: Person = ANNA) -> Play:
        self.progress = verdicts.lease(self.progress, person)
        return self

    def ask(self, person: Person = ANNA) -> Play:
        return self.ask_for(["photo"], person)

    def ask_for(self, kinds: list[str], person: Person = ANNA) -> Play:
        self.progress = verdicts.request_evidence(self.progress, kinds, person)
        return self

    def verdict(self, label: str, amount: float | None = None, person: Person = ANNA) -> str | None:
        self.verdicts += 1
        said = a_verdict(f"v{self.verdicts}", label, amount)
        self.progress, awaits = verdicts.seal(self.progress, said, person)
        return None if awaits is None else awaits.value

    def revise(self, label: str, amount: float | None = None, person: Person = ANNA) -> str | None:
        revises = f"v{self.verdicts}"
        self.verdicts += 1
        said = a_verdict(f"v{self.verdicts}", label, amount)
        self.progress, awaits = verdicts.revise(self.progress, said, person, revises)
        return None if awaits is None else awaits.value


def a_verdict(verdict_id: str, label: str, amount: float | None = None, note: str = "") -> verdicts.Verdict:
    """A verdict that may be written; `amount` in US dollars."""
    told = note or ("The same photograph was sent for three orders." if label == "abusive" else "")
    return verdicts.Verdict(
        verdict_id, label, ("other",), "sure", told, None if amount is None else cents(amount), blind=True
    )
