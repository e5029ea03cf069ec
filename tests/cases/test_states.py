"""Where a case goes, rule by rule (contract, section 5, with what settles it in detail)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from claimvet.cases.case import Outcome
from claimvet.cases.money import cents
from claimvet.cases.progress import Known
from claimvet.cases.recovery import counts_in_defect_rate
from claimvet.cases.requests import appeal_until
from claimvet.cases.settings import DAY, CaseSettings
from claimvet.data.contract.errors import CaseConflictError
from tests.cases.play import ANNA, BEN, COMPLIANT, LEA, NO_DOUBLES, START, Play

INJURY = "personal_injury"


def status_of(play: Play) -> str:
    assert play.case.status is not None
    return play.case.status.value


def outcomes_of(play: Play) -> list[tuple[str, str, int | None]]:
    return [(outcome.label, outcome.decided_by, outcome.amount_paid) for outcome in play.case.outcomes]


@pytest.mark.parametrize(
    ("disposition", "status", "due_days"),
    [
        ("request_evidence", "awaiting_evidence", 14),
        ("refer_to_expert", "in_review", 10),
        (None, "in_review", 10),
        ("present_to_seller", "with_seller", 7),
        ("pay_concession", "approved", None),
        ("deny", "denied", None),
    ],
)
def test_the_first_decision_opens_a_case_where_its_disposition_says(
    disposition: str | None, status: str, due_days: int | None
) -> None:
    play = Play(disposition)
    assert status_of(play) == status
    assert play.case.due == (None if due_days is None else START + due_days * DAY)


class TestWaitingForEvidence:
    def test_a_reminder_comes_three_days_before_and_damage_then_lapses_at_the_due_instant(self) -> None:
        play = Play("request_evidence").at(10.99)
        assert play.kinds == ["machine_asked_evidence"]
        play.at(40)
        assert play.kinds[1:] == ["evidence_reminder", "evidence_overdue"]
        assert [event.at for event in play.events[1:]] == [START + 11 * DAY, START + 14 * DAY]
        assert status_of(play) == "lapsed"
        assert play.case.since == START + 14 * DAY
        assert play.case.outcomes == ()

    def test_an_injury_is_looked_at_by_a_person_instead(self) -> None:
        play = Play("request_evidence", claim_type=INJURY).at(14)
        assert status_of(play) == "in_review"
        assert play.case.due == START + 24 * DAY

    def test_evidence_lets_the_machine_decide_anew_where_only_the_machine_asked(self) -> None:
        assert status_of(Play("request_evidence").at(5).evidence("pay_concession")) == "approved"

    def test_evidence_that_asks_for_more_starts_the_days_again(self) -> None:
        play = Play("request_evidence").at(5).evidence("request_evidence")
        assert (status_of(play), play.case.due) == ("awaiting_evidence", START + 19 * DAY)

    def test_evidence_that_cannot_be_scored_goes_to_a_person(self) -> None:
        assert status_of(Play("request_evidence").at(5).evidence(None)) == "in_review"

    def test_evidence_that_an_expert_asked_for_goes_back_to_the_experts_whatever_the_machine_says(self) -> None:
        play = Play("refer_to_expert").lease()
        play.ask()
        assert status_of(play) == "awaiting_evidence"
        play.at(3).evidence("deny")
        assert status_of(play) == "in_review"
        assert play.case.review is not None
        assert (play.case.review.round, play.case.review.stage) == ("first", 1)
        assert play.case.outcomes == ()

    def test_a_later_score_without_evidence_moves_nothing(self) -> None:
        play = Play("request_evidence").at(2).rescore("pay_concession")
        assert status_of(play) == "awaiting_evidence"
        assert play.kinds[-1] == "rescored"

    def test_evidence_at_the_due_instant_is_too_late_and_wakes_the_lapsed_case(self) -> None:
        play = Play("request_evidence").at(14)
        assert status_of(play) == "lapsed"
        assert status_of(play.evidence("present_to_seller")) == "with_seller"

    def test_evidence_wakes_a_lapsed_case_for_183_days_and_is_noted_after(self) -> None:
        awake = Play("request_evidence").at(14 + 182.9).evidence("deny")
        assert status_of(awake) == "denied"
        late = Play("request_evidence").at(14 + 183).evidence("deny")
        assert status_of(late) == "lapsed"

    @pytest.mark.parametrize("disposition", ["present_to_seller", "pay_concession", "deny"])
    def test_evidence_moves_no_case_that_does_not_wait_for_it(self, disposition: str) -> None:
        play = Play(disposition)
        before = status_of(play)
        assert status_of(play.at(1).evidence("refer_to_expert")) == before


class TestNoScore:
    def test_the_first_later_score_moves_the_case_while_nobody_has_had_it(self) -> None:
        play = Play(None).at(1).rescore(None)
        assert status_of(play) == "in_review"
        assert status_of(play.rescore("pay_concession")) == "approved"
        assert play.case.review is None

    def test_once_an_expert_has_had_it_a_score_is_kept_for_the_record_only(self) -> None:
        assert status_of(Play(None).lease().rescore("pay_concession")) == "in_review"

    def test_a_referred_case_is_moved_by_no_score(self) -> None:
        assert status_of(Play("refer_to_expert").rescore("pay_concession")) == "in_review"


class TestVerdicts:
    def test_valid_below_the_limit_is_paid_by_the_marketplace(self) -> None:
        play = Play("refer_to_expert", 999.99)
        play.verdict("valid", 999.99)
        assert (status_of(play), play.case.payer) == ("approved", "marketplace")
        assert outcomes_of(play) == [("valid", "expert", 99_999)]

    def test_valid_at_the_limit_goes_to_the_seller_and_pays_nothing_yet(self) -> None:
        play = Play("refer_to_expert", 1000.0)
        play.verdict("valid", 1000.0)
        assert (status_of(play), play.case.payer) == ("with_seller", None)
        assert outcomes_of(play) == [("valid", "expert", None)]

    @pytest.mark.parametrize("label", ["frivolous", "abusive"])
    def test_without_merit_is_denied_with_nothing_paid(self, label: str) -> None:
        play = Play("refer_to_expert")
        play.verdict(label)
        assert status_of(play) == "denied"
        assert outcomes_of(play) == [(label, "expert", 0)]

    def test_the_amount_of_the_verdict_and_not_the_claimed_one_decides_the_limit(self) -> None:
        play = Play("refer_to_expert", 5000.0)
        play.verdict("valid", 999.99)
        assert (status_of(play), play.case.amount) == ("approved", 99_999)

    def test_a_promise_that_passes_only_tells_once(self) -> None:
        play = Play("refer_to_expert").at(500)
        assert play.kinds == ["machine_referred", "review_overdue"]
        assert status_of(play) == "in_review"


class TestChangedVerdicts:
    def test_a_change_within_the_minutes_stands_in_the_place_of_the_first_and_both_outcomes_stay(self) -> None:
        play = Play("refer_to_expert")
        play.verdict("frivolous")
        play.later(14.9).revise("valid", 300.0)
        assert (status_of(play), play.case.amount) == ("approved", 30_000)
        assert outcomes_of(play) == [("frivolous", "expert", 0), ("valid", "expert", 30_000)]

    def test_at_the_end_of_the_minutes_it_is_too_late(self) -> None:
        play = Play("refer_to_expert")
        play.verdict("frivolous")
        play.later(15)
        with pytest.raises(CaseConflictError, match="within 15 minutes and before anything else happened"):
            play.revise("valid", 300.0)

    @pytest.mark.parametrize("between", ["contest", "revise", "rescore"])
    def test_only_once_and_only_while_nothing_else_happened(self, between: str) -> None:
        play = Play("refer_to_expert")
        play.verdict("valid", 300.0)
        {"contest": play.contest, "revise": lambda: play.revise("frivolous"), "rescore": lambda: play.rescore("deny")}[
            between
        ]()
        with pytest.raises(CaseConflictError, match="cannot be changed"):
            play.revise("valid", 200.0)

    def test_nobody_else_changes_it(self) -> None:
        play = Play("refer_to_expert")
        play.verdict("frivolous")
        with pytest.raises(CaseConflictError, match="its own person"):
            play.revise("valid", 300.0, BEN)

    def test_a_change_to_abusive_at_the_limit_awaits_a_second_opinion_from_where_the_case_stood(self) -> None:
        play = Play("refer_to_expert", 2000.0)
        play.verdict("frivolous")
        assert play.revise("abusive") == "second"
        assert status_of(play) == "in_review"
        assert play.verdict("abusive", person=BEN) is None
        assert status_of(play) == "denied"
        assert [label for label, _, _ in outcomes_of(play)] == ["frivolous", "abusive"]

    def test_a_change_starts_every_clock_at_its_own_commit(self) -> None:
        play = Play("refer_to_expert", 2000.0)
        play.verdict("valid", 2000.0)
        play.later(10).revise("valid", 1500.0)
        assert play.case.due == play.progress.now + 7 * DAY
        assert play.case.amount == cents(1500.0)


class TestSecondOpinions:
    ALWAYS = CaseSettings(second_opinion_share=1.0)

    def test_until_it_is_settled_the_case_waits_and_no_outcome_is_written(self) -> None:
        play = Play("refer_to_expert", settings=self.ALWAYS)
        assert play.verdict("valid", 300.0) == "second"
        assert (status_of(play), play.case.outcomes) == ("in_review", ())

    def test_two_that_agree_settle_it_with_the_later_id_and_the_greater_amount(self) -> None:
        play = Play("refer_to_expert", settings=self.ALWAYS)
        play.verdict("valid", 350.0)
        play.verdict("valid", 300.0, BEN)
        assert [outcome.outcome_id for outcome in play.case.outcomes] == ["v2"]
        assert play.case.amount == 35_000

    @pytest.mark.parametrize(("label", "amount"), [("frivolous", None), ("valid", 1000.0)])
    def test_another_label_or_side_of_the_limit_goes_to_a_lead_who_writes_what_the_round_writes(
        self, label: str, amount: float | None
    ) -> None:
        play = Play("refer_to_expert", 1200.0, settings=self.ALWAYS)
        play.verdict("valid", 900.0)
        assert play.verdict(label, amount, BEN) == "lead"
        assert play.case.review is not None
        assert play.case.review.shown_round == "adjudication"
        assert play.verdict("valid", 800.0, LEA) is None
        assert outcomes_of(play) == [("valid", "expert", 80_000)]

    def test_abusive_at_the_limit_or_of_an_unstated_amount_always_gets_one_and_below_it_does_not(self) -> None:
        assert Play("refer_to_expert", 1000.0).verdict("abusive") == "second"
        assert Play("refer_to_expert", None).verdict("abusive") == "second"
        assert Play("refer_to_expert", 999.99).verdict("abusive") is None

    def test_abusive_on_appeal_gets_one_too_but_no_draw_does(self) -> None:
        play = Play("deny", 1500.0, settings=self.ALWAYS).at(1).appeal()
        assert play.verdict("abusive") == "second"
        drawn = Play("deny", 500.0, settings=self.ALWAYS).at(1).appeal()
        assert drawn.verdict("frivolous") is None


class TestTheSeller:
    def test_silence_makes_the_marketplace_pay_and_writes_a_concession_and_no_finding(self) -> None:
        play = Play("present_to_seller", 1500.0).at(7)
        assert play.kinds[1:] == ["seller_reminder", "seller_silent"]
        assert (status_of(play), play.case.payer) == ("approved", "marketplace")
        assert outcomes_of(play) == [("valid", "concession", 150_000)]

    def test_silence_after_a_finding_writes_nothing_over_it(self) -> None:
        play = Play("refer_to_expert", 1500.0)
        play.verdict("valid", 1500.0)
        play.at(7)
        assert status_of(play) == "approved"
        assert outcomes_of(play) == [("valid", "expert", None)]

    def test_a_finding_from_elsewhere_is_not_replaced_by_a_concession_either(self) -> None:
        known = Known("insured", keeps_rules=True, finding_known=True, outcome_id="o1")
        assert Play("pay_concession", known=known).case.outcomes == ()

    def test_acceptance_pays_by_the_insurer_of_an_insured_seller_and_by_the_seller_else(self) -> None:
        insured = Play("present_to_seller", 1500.0).at(2).accept()
        assert (status_of(insured), insured.case.payer, insured.case.recovery) == ("approved", "insurer", None)
        known = Known("missing", keeps_rules=True, finding_known=False, outcome_id="o1")
        assert Play("present_to_seller", 1500.0, known=known).accept().case.payer == "seller"

    def test_an_answer_at_the_due_instant_is_too_late(self) -> None:
        with pytest.raises(
            CaseConflictError, match="the case c1 is approved; a seller accepts a case that it is asked"
        ):
            Play("present_to_seller", 1500.0).at(7).accept()

    def test_a_contest_opens_a_review_and_an_acceptance_may_replace_it_until_due(self) -> None:
        play = Play("present_to_seller", 1500.0).at(2).contest()
        assert (status_of(play), play.case.due) == ("in_review", START + 12 * DAY)
        assert status_of(play.at(6.9).accept()) == "approved"
        late = Play("present_to_seller", 1500.0).at(2).contest().at(7)
        with pytest.raises(CaseConflictError, match=r"in_review with a review open \(contest\)"):
            late.accept()

    def test_a_second_contest_adds_to_the_first_until_due(self) -> None:
        play = Play("present_to_seller", 1500.0).at(2).contest().at(3).contest()
        assert play.kinds[-1] == "response_added"
        with pytest.raises(CaseConflictError, match="a review is open"):
            play.at(7).contest()

    def test_once_a_first_opinion_stands_a_contest_takes_neither_text_nor_an_acceptance(self) -> None:
        play = Play("present_to_seller", 1500.0, settings=CaseSettings(second_opinion_share=1.0)).at(2).contest()
        assert play.verdict("valid", 1500.0) == "second"
        with pytest.raises(CaseConflictError, match="a review is open"):
            play.contest()
        with pytest.raises(CaseConflictError, match="a seller accepts a case that it is asked about"):
            play.accept()

    def test_below_the_limit_the_marketplace_pays_what_a_seller_accepts(self) -> None:
        assert Play("present_to_seller", 900.0).accept().case.payer == "marketplace"

    def test_a_seller_is_asked_once_only(self) -> None:
        play = Play("refer_to_expert", 1500.0)
        play.progress = replace(play.progress, case=replace(play.case, seller_asked=True))
        play.verdict("valid", 1500.0)
        assert status_of(play) == "approved"

    def test_a_contest_that_fails_is_paid_by_the_marketplace_which_asks_the_seller(self) -> None:
        play = Play("present_to_seller", 1500.0).at(2).contest().at(4)
        play.verdict("valid", 1500.0)
        assert (status_of(play), play.case.payer) == ("approved", "marketplace")
        assert outcomes_of(play) == [("valid", "expert", 150_000)]
        assert play.case.recovery is not None
        assert (play.case.recovery.state, play.case.recovery.asked_of) == ("asked", "insurer")

    def test_a_contest_that_holds_is_the_sellers_defence(self) -> None:
        play = Play("present_to_seller", 1500.0).at(2).contest()
        play.verdict("frivolous")
        assert status_of(play) == "denied"
        assert outcomes_of(play) == [("frivolous", "seller_defense", 0)]

    def test_a_contest_of_an_approved_case_leaves_it_approved_and_once_it_holds_the_marketplace_pays(self) -> None:
        play = Play("present_to_seller", 1500.0).at(2).accept().at(20).contest()
        assert status_of(play) == "approved"
        assert play.case.review is not None
        play.verdict("frivolous")
        assert (status_of(play), play.case.payer) == ("denied", "marketplace")
        assert outcomes_of(play)[-1] == ("frivolous", "seller_defense", 0)

    def test_it_is_contested_once_before_and_once_after_approval(self) -> None:
        play = Play("present_to_seller", 1500.0).at(2).contest()
        play.verdict("valid", 1500.0)
        play.at(100).contest()
        play.verdict("valid", 1500.0, BEN)
        with pytest.raises(CaseConflictError, match="once when it is asked, and once when it is approved"):
            play.contest()

    def test_a_seller_that_is_not_asked_cannot_answer(self) -> None:
        for disposition in ("request_evidence", "refer_to_expert", "deny"):
            with pytest.raises(CaseConflictError, match="a seller accepts a case that it is asked about"):
                Play(disposition).accept()
            with pytest.raises(CaseConflictError, match=r"contests a case once|a review is open"):
                Play(disposition).contest()


class TestTheClaimant:
    def test_a_denial_is_appealed_within_183_days_and_once(self) -> None:
        play = Play("deny").at(182.9).appeal()
        assert status_of(play) == "in_review"
        play.verdict("frivolous")
        assert outcomes_of(play) == [("frivolous", "appeal", 0)]
        with pytest.raises(CaseConflictError, match="the verdict of an appeal cannot"):
            play.appeal()
        with pytest.raises(CaseConflictError, match="until a day that has passed"):
            Play("deny").at(183).appeal()

    def test_a_first_finding_at_the_limit_on_appeal_goes_to_a_seller_who_was_never_asked(self) -> None:
        play = Play("deny", 1500.0).at(1).appeal()
        play.verdict("valid", 1500.0)
        assert status_of(play) == "with_seller"
        assert outcomes_of(play) == [("valid", "appeal", None)]

    def test_after_an_earlier_finding_an_appeal_that_wins_is_approved_whatever_the_amount(self) -> None:
        play = Play("refer_to_expert", 1500.0)
        play.verdict("frivolous")
        play.at(1).appeal()
        play.verdict("valid", 1500.0, BEN)
        assert (status_of(play), play.case.payer) == ("approved", "marketplace")
        assert outcomes_of(play)[-1] == ("valid", "appeal", 150_000)

    def test_an_appeal_against_the_amount_never_makes_it_worse(self) -> None:
        play = Play("refer_to_expert", 900.0)
        play.verdict("valid", 500.0)
        play.at(1).appeal()
        assert status_of(play) == "approved"
        play.verdict("valid", 400.0, BEN)
        assert (status_of(play), play.case.amount) == ("approved", 50_000)
        other = Play("refer_to_expert", 900.0)
        other.verdict("valid", 500.0)
        other.at(1).appeal()
        other.verdict("frivolous", None, BEN)
        assert (status_of(other), other.case.amount) == ("approved", 50_000)
        assert outcomes_of(other)[-1] == ("frivolous", "appeal", 50_000)

    def test_an_amount_paid_in_full_cannot_be_appealed(self) -> None:
        with pytest.raises(CaseConflictError, match="can be appealed once"):
            Play("pay_concession").appeal()

    def test_a_lapsed_case_can_be_appealed(self) -> None:
        play = Play("request_evidence").at(15)
        assert appeal_until(play.case, NO_DOUBLES) == START + (14 + 183) * DAY
        assert status_of(play.appeal()) == "in_review"

    def test_a_sellers_defence_is_a_new_finding_that_can_be_appealed(self) -> None:
        play = Play("present_to_seller", 1500.0).contest()
        play.verdict("frivolous")
        assert status_of(play.at(3).appeal()) == "in_review"

    @pytest.mark.parametrize("disposition", ["request_evidence", "refer_to_expert", "present_to_seller"])
    def test_an_open_case_is_withdrawn_for_good(self, disposition: str) -> None:
        play = Play(disposition).withdraw()
        assert (status_of(play), play.case.due, play.case.review) == ("withdrawn", None, None)
        assert status_of(play.at(400).evidence("deny")) == "withdrawn"
        assert play.case.outcomes == ()

    @pytest.mark.parametrize("disposition", ["pay_concession", "deny"])
    def test_a_decided_case_is_not_withdrawn(self, disposition: str) -> None:
        with pytest.raises(CaseConflictError, match="only a case that is open, or lapsed, can be withdrawn"):
            Play(disposition).withdraw()


class TestTheDefectRate:
    def test_a_concession_never_counts(self) -> None:
        play = Play("present_to_seller", 1500.0).at(2).accept()
        assert not counts_in_defect_rate(play.case, NO_DOUBLES)

    def test_a_finding_at_the_limit_counts_until_a_contest_holds(self) -> None:
        play = Play("refer_to_expert", 1500.0)
        play.verdict("valid", 1500.0)
        assert not counts_in_defect_rate(play.case, NO_DOUBLES)
        play.at(1).accept()
        assert counts_in_defect_rate(play.case, NO_DOUBLES)
        play.contest()
        assert counts_in_defect_rate(play.case, NO_DOUBLES)
        play.verdict("frivolous", None, BEN)
        assert not counts_in_defect_rate(play.case, NO_DOUBLES)
        play.at(2).appeal()
        play.verdict("valid", 1500.0, LEA)
        assert status_of(play) == "approved"
        assert not counts_in_defect_rate(play.case, NO_DOUBLES)

    def test_a_finding_below_the_limit_never_counts(self) -> None:
        play = Play("refer_to_expert", 500.0)
        play.verdict("valid", 500.0, ANNA)
        assert not counts_in_defect_rate(play.case, NO_DOUBLES)


def test_an_outcome_is_dated_at_its_commit_and_the_event_at_the_due_instant() -> None:
    play = Play("present_to_seller", 1500.0).at(9.5)
    assert play.events[-1].at == START + 7 * DAY
    assert play.case.outcomes == (Outcome("o-concession", "valid", "concession", START + round(9.5 * DAY), 150_000),)
    assert COMPLIANT.outcome_id == "o-concession"
