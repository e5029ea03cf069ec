"""A second telling of the lifecycle, straight from the contract's sentences, that shares no code with `claimvet.cases`.

One mutable case, times in whole hours from its first decision, amounts in US dollars; every act says whether it was allowed. No leases of
earlier rounds, no second opinions, no changed verdicts: those have tests of their own.
"""

from __future__ import annotations

LIMIT = 1000
HOURS = 24


class Oracle:
    def __init__(self, disposition: str | None, amount: int, hurt: bool, standing: str, keeps_rules: bool) -> None:
        self.now = 0
        self.claimed, self.hurt, self.standing, self.keeps_rules = amount, hurt, standing, keeps_rules
        self.status = ""
        self.since = 0
        self.due: int | None = None
        self.review: str | None = None
        self.promise: int | None = None
        self.found: int | None = None
        self.payer: str | None = None
        self.recovery: dict[str, object] | None = None
        self.outcomes: list[tuple[str, str, int | None]] = []
        self.findings = 0
        self.unscored = False
        self.person = False
        self.asked_seller = False
        self.contests = {"with_seller": 0, "approved": 0}
        self.answer_until: int | None = None
        self.may_appeal = True
        self.machine(disposition)

    @property
    def amount(self) -> int:
        return self.claimed if self.found is None else self.found

    def enter(self, status: str, days: int | None = None, at: int | None = None) -> None:
        self.status, self.since = status, self.now if at is None else at
        self.due = None if days is None else self.since + days * HOURS

    def open_review(self, why: str, at: int | None = None) -> None:
        self.review, self.promise = why, (self.now if at is None else at) + 10 * HOURS

    def machine(self, disposition: str | None) -> None:
        self.review = self.promise = None
        self.may_appeal = True
        self.unscored = disposition is None
        if disposition == "request_evidence":
            self.enter("awaiting_evidence", 14)
        elif disposition == "present_to_seller":
            self.enter("with_seller", 7)
            self.asked_seller = True
        elif disposition == "pay_concession":
            self.enter("approved")
            self.pay(self.now, accepted=False)
        elif disposition == "deny":
            self.enter("denied")
        else:
            self.enter("in_review", 10)
            self.open_review("first")

    def pay(self, at: int, accepted: bool) -> None:
        first = self.payer is None
        big = self.amount >= LIMIT
        if first:
            side = "insurer" if self.standing == "insured" else "seller"
            self.payer = side if accepted and big else "marketplace"
            if not self.findings:
                self.outcomes.append(("valid", "concession", self.amount))
        if (accepted and big and first) or self.contests["approved"]:
            return
        owes = self.standing in ("missing", "lapsed") or not self.keeps_rules
        if big:
            self.recovery = {"state": "asked", "until": at + 30 * HOURS, "amount": self.amount, "paused": None}
        elif owes:
            self.recovery = {"state": "proof_asked", "until": at + 7 * HOURS, "amount": self.amount, "paused": None}

    def clock(self) -> tuple[int, str] | None:
        running = []
        if self.status in ("awaiting_evidence", "with_seller") and self.due is not None:
            running.append((self.due, "status"))
        if self.recovery and self.recovery["state"] in ("asked", "proof_asked") and self.recovery["paused"] is None:
            running.append((int(str(self.recovery["until"])), "recovery"))
        return min(running, default=None)

    def pass_time(self, hours: int) -> None:
        self.now += hours
        while (clock := self.clock()) is not None and clock[0] <= self.now:
            at, what = clock
            if what == "recovery":
                assert self.recovery is not None
                asked = self.recovery["state"] == "proof_asked"
                self.recovery |= {"state": "asked", "until": at + 30 * HOURS} if asked else {"state": "due"}
            elif self.status == "with_seller":
                self.enter("approved", at=at)
                self.pay(at, accepted=False)
            elif self.hurt:
                self.enter("in_review", 10, at)
                self.open_review("first", at)
            else:
                self.enter("lapsed", at=at)

    def evidence(self, disposition: str | None) -> bool:
        waits = self.status == "awaiting_evidence" or (self.status == "lapsed" and self.now < self.since + 183 * HOURS)
        if waits and self.person:
            self.enter("in_review", 10)
            self.open_review("first")
        elif waits or (self.status == "in_review" and self.unscored and not self.person and disposition):
            self.machine(disposition)
        return True

    def lease(self) -> bool:
        if self.review is None:
            return False
        self.person = True
        return True

    def ask(self) -> bool:
        if self.status != "in_review" or self.review != "first":
            return False
        self.person, self.review, self.promise, self.may_appeal = True, None, None, True
        self.enter("awaiting_evidence", 14)
        return True

    def accept(self) -> bool:
        replaces = self.status == "in_review" and self.review == "contest" and self.now < (self.answer_until or 0)
        if self.status != "with_seller" and not replaces:
            return False
        self.review = self.promise = self.answer_until = None
        self.enter("approved")
        self.pay(self.now, accepted=True)
        return True

    def contest(self) -> bool:
        if self.review == "contest":
            return self.status == "approved" or self.now < (self.answer_until or 0)
        if self.review or self.status not in self.contests or self.contests[self.status]:
            return False
        self.contests[self.status] += 1
        if self.status == "with_seller":
            self.answer_until = self.due
            self.enter("in_review", 10)
        self.pause()
        self.open_review("contest")
        return True

    def appeal(self) -> bool:
        less = self.status == "approved" and self.amount < self.claimed
        open_to = self.status in ("denied", "lapsed") or less
        if not open_to or self.review or not self.may_appeal or self.now >= self.since + 183 * HOURS:
            return False
        self.may_appeal = False
        if self.status != "approved":
            self.enter("in_review", 10)
        self.pause()
        self.open_review("appeal")
        return True

    def withdraw(self) -> bool:
        if self.status in ("approved", "denied", "withdrawn"):
            return False
        self.review = self.promise = None
        self.enter("withdrawn")
        return True

    def pause(self) -> None:
        if self.recovery and self.recovery["state"] != "waived":
            self.recovery["paused"] = self.now

    def resume(self) -> None:
        if self.recovery and self.recovery["paused"] is not None:
            rest = self.now - int(str(self.recovery["paused"]))
            until = int(str(self.recovery["until"])) + rest
            self.recovery |= {"paused": None, "until": until, "amount": self.amount}

    def verdict(self, label: str, amount: int | None) -> bool:
        if self.review is None:
            return False
        why, valid, was_approved = self.review, label == "valid", self.status == "approved"
        first_finding = self.findings == 0
        if valid and amount is not None:
            self.found = max(amount, self.amount) if why == "appeal" and was_approved else amount
        self.findings += 1
        self.review = self.promise = self.answer_until = None
        self.may_appeal = why != "appeal"
        if was_approved and why == "contest" and not valid:
            self.enter("denied")
            self.payer = "marketplace"
            if self.recovery:
                self.recovery |= {"state": "waived", "paused": None}
        elif was_approved:
            self.resume()
        elif not valid:
            self.enter("denied")
        elif self.amount >= LIMIT and not self.asked_seller and (why == "first" or (why == "appeal" and first_finding)):
            self.enter("with_seller", 7)
            self.asked_seller = True
        else:
            self.enter("approved")
            self.pay(self.now, accepted=False)
        decided_by = "appeal" if why == "appeal" else "seller_defense" if why == "contest" and not valid else "expert"
        paid = {"approved": self.amount, "denied": 0}.get(self.status)
        self.outcomes.append((label, decided_by, paid))
        return True
