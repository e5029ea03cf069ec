"""Who is asked for what the marketplace paid, by when, and when no more."""

from __future__ import annotations

import pytest

from claimvet.cases.case import Recovery
from claimvet.cases.progress import Known
from claimvet.cases.requests import waive_recovery
from claimvet.cases.settings import DAY, HOUR
from tests.cases.play import BEN, START, Play


def seller(standing: str, *, keeps_rules: bool = True) -> Known:
    return Known(standing, keeps_rules, finding_known=False, outcome_id="o1")


def recovery_of(play: Play) -> Recovery:
    assert play.case.recovery is not None
    return play.case.recovery


@pytest.mark.parametrize("standing", ["not_required", "due", "insured"])
def test_below_the_limit_nobody_is_asked_who_keeps_the_rules_and_owes_no_insurance(standing: str) -> None:
    play = Play("pay_concession", 999.99, known=seller(standing)).at(1000)
    assert play.case.recovery is None
    assert play.kinds == ["machine_paid"]


@pytest.mark.parametrize("standing", ["missing", "lapsed"])
def test_below_the_limit_proof_is_asked_for_seven_days_then_the_money_for_thirty(standing: str) -> None:
    play = Play("pay_concession", known=seller(standing)).at(6.99)
    recovery = recovery_of(play)
    assert (recovery.state, recovery.proof_due, recovery.appeal_until) == ("proof_asked", START + 7 * DAY, None)
    assert recovery.reason == f"insurance_{standing}"
    play.at(7)
    assert (recovery_of(play).state, recovery_of(play).appeal_until) == ("asked", START + 37 * DAY)
    play.at(37)
    assert recovery_of(play).state == "due"
    assert [event.at for event in play.events[1:]] == [START + 7 * DAY, START + 37 * DAY]


def test_below_the_limit_who_breaks_a_rule_is_asked_even_if_insured() -> None:
    recovery = recovery_of(Play("pay_concession", known=seller("insured", keeps_rules=False)))
    assert (recovery.state, recovery.asked_of, recovery.reason) == ("proof_asked", "insurer", "rules_not_kept")


@pytest.mark.parametrize(("standing", "asked_of"), [("insured", "insurer"), ("missing", "seller"), ("due", "seller")])
def test_at_the_limit_a_silent_seller_or_its_insurer_is_asked_at_once(standing: str, asked_of: str) -> None:
    play = Play("present_to_seller", 1000.0, known=seller(standing)).at(7)
    recovery = recovery_of(play)
    assert (recovery.state, recovery.asked_of, recovery.amount) == ("asked", asked_of, 100_000)
    assert (recovery.reason, recovery.appeal_until) == ("seller_silent", START + 37 * DAY)


def test_one_that_accepts_pays_and_is_asked_for_nothing() -> None:
    assert Play("present_to_seller", 1000.0, known=seller("missing")).accept().case.recovery is None


def test_the_standing_when_first_approved_is_kept_whatever_is_known_later() -> None:
    play = Play("present_to_seller", 1500.0, known=seller("missing")).at(7).knows(seller("insured")).at(8)
    assert play.case.standing == "missing"
    assert recovery_of(play).asked_of == "seller"


def test_an_open_contest_stops_its_clock_and_the_rest_runs_on_when_it_fails() -> None:
    play = Play("present_to_seller", 1500.0).at(7).at(27).contest().at(60)
    assert recovery_of(play).state == "asked"
    play.verdict("valid", 1200.0)
    assert recovery_of(play).appeal_until == START + (37 + 33) * DAY
    assert recovery_of(play).amount == 120_000
    assert recovery_of(play.at(69.99)).state == "asked"
    assert recovery_of(play.at(70)).state == "due"


def test_the_rest_of_a_proof_runs_on_too() -> None:
    play = Play("pay_concession", known=seller("missing")).at(2).contest().at(12)
    play.verdict("valid", 400.0)
    assert recovery_of(play).proof_due == START + 17 * DAY


def test_a_contest_that_holds_waives_it_even_when_it_was_due() -> None:
    play = Play("present_to_seller", 1500.0).at(100)
    assert recovery_of(play).state == "due"
    play.contest()
    play.verdict("frivolous")
    assert (recovery_of(play).state, recovery_of(play).reason) == ("waived", "contest_held")


def test_a_waived_one_is_not_asked_again_where_the_seller_could_not_contest_any_more() -> None:
    play = Play("present_to_seller", 1500.0).at(7).contest()
    play.verdict("frivolous")
    play.at(9).appeal()
    play.verdict("valid", 1500.0, BEN)
    assert play.case.status == "approved"
    assert recovery_of(play).state == "waived"


def test_an_appeal_that_wins_after_a_contest_before_approval_asks_a_seller_who_can_still_contest() -> None:
    play = Play("present_to_seller", 1500.0).contest()
    play.verdict("frivolous")
    play.at(1).appeal()
    play.verdict("valid", 1500.0, BEN)
    assert recovery_of(play).state == "asked"
    assert play.contest().kinds[-1] == "contested"


def test_a_proof_that_helps_waives_it() -> None:
    play = Play("pay_concession", known=seller("missing")).at(3)
    play.progress = waive_recovery(play.progress, "proof_accepted")
    assert (recovery_of(play).state, recovery_of(play).reason) == ("waived", "proof_accepted")
    assert play.at(500).kinds[-1] == "recovery_waived"


def test_a_claimants_appeal_pauses_it_as_well() -> None:
    play = Play("refer_to_expert", 900.0, known=seller("missing"))
    play.verdict("valid", 500.0)
    play.at(2).appeal().at(2 + 1 / 24)
    play.verdict("valid", 900.0, BEN)
    recovery = recovery_of(play)
    assert (recovery.proof_due, recovery.amount) == (START + 7 * DAY + HOUR, 90_000)
