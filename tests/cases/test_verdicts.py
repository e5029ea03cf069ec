"""What a verdict has to say, field by field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from claimvet.cases.money import cents
from claimvet.cases.settings import CaseSettings
from claimvet.cases.verdicts import check_verdict
from claimvet.data.contract.errors import CaseConflictError, RowError
from tests.cases.play import ANNA, NO_DOUBLES, Play, a_verdict

CASE = Play("refer_to_expert", 400.0).case
VALID = a_verdict("v1", "valid", 300.0)
LONG_ENOUGH = "Photograph used thrice"


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"label": "fraud"}, "label", "label is 'fraud', expected one of valid, frivolous, abusive"),
        ({"confidence": "very"}, "confidence", "expected one of guess, unsure, sure, certain"),
        ({"codes": ()}, "codes", "codes has 0 entries, expected 1 to 3"),
        ({"codes": ("other",) * 4}, "codes", "codes has 4 entries"),
        ({"codes": ("vibes",)}, "codes", "codes is 'vibes', expected one of defect_shown"),
        ({"note": "x" * 4001}, "note", "note has 4001 characters, expected at most 4000"),
        ({"label": "abusive", "amount": None, "note": "too short"}, "note", "at least 20 characters"),
        ({"label": "frivolous"}, "amount", "amount is given for frivolous"),
        ({"amount": None}, "amount", "amount is missing or not above 0"),
        ({"amount": 0}, "amount", "amount is missing or not above 0"),
        ({"amount": 40_001}, "amount", "amount is 400.01, expected at most the 400.00 claimed"),
    ],
)
def test_each_field_that_breaks_a_rule_is_named(changes: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(RowError, match=message) as caught:
        check_verdict(replace(VALID, **changes), CASE, [], NO_DOUBLES)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"amount": 40_000},
        {"codes": ("other", "defect_shown", "damage_shown"), "confidence": "guess"},
        {"label": "abusive", "amount": None, "note": LONG_ENOUGH[:20]},
        {"label": "frivolous", "amount": None, "note": ""},
    ],
)
def test_what_keeps_the_rules_passes(changes: dict[str, Any]) -> None:
    check_verdict(replace(VALID, **changes), CASE, ["h1"], NO_DOUBLES)


def test_an_amount_that_was_not_claimed_bounds_nothing() -> None:
    check_verdict(replace(VALID, amount=cents(99_999)), Play("refer_to_expert", None).case, [], NO_DOUBLES)


def test_after_a_contest_every_file_of_the_seller_is_answered() -> None:
    case = Play("present_to_seller", 1500.0).contest().case
    answered = replace(VALID, answered=("h1", "h2"))
    check_verdict(answered, case, ["h1", "h2"], NO_DOUBLES)
    with pytest.raises(RowError, match="answers lacks the seller's file h3"):
        check_verdict(answered, case, ["h1", "h3"], NO_DOUBLES)


def test_own_codes_replace_the_list_and_keep_other() -> None:
    check_verdict(replace(VALID, codes=("mine",)), CASE, [], CaseSettings(codes=("mine", "other")))


def test_evidence_is_asked_for_by_kind_in_a_first_round_before_any_verdict() -> None:
    with pytest.raises(RowError, match="request_evidence is 'video', expected one of photo"):
        Play("refer_to_expert").ask_for(["video"])
    with pytest.raises(RowError, match="request_evidence is empty"):
        Play("refer_to_expert").ask_for([])
    for play in (Play("deny").appeal(), Play("present_to_seller", 1500.0).contest(), Play("deny")):
        with pytest.raises(CaseConflictError, match="expected its first round, before any verdict"):
            play.ask()
    second = Play("refer_to_expert", settings=CaseSettings(second_opinion_share=1.0))
    second.verdict("valid", 300.0)
    with pytest.raises(CaseConflictError, match="before any verdict"):
        second.ask()


def test_a_case_without_an_open_review_takes_neither_verdict_nor_lease() -> None:
    for act in ("verdict", "lease"):
        play = Play("deny")
        with pytest.raises(CaseConflictError, match="the case c1 has no review open"):
            play.verdict("valid", 300.0, ANNA) if act == "verdict" else play.lease(ANNA)
