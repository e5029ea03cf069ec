"""What parties are told: always something, never a score, an accusation or a name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from claimvet.cases.case import Case
from claimvet.cases.fold import after
from claimvet.cases.progress import Known
from claimvet.cases.reference_page import PAGE, page
from claimvet.cases.sentences import OF_EVENT, OF_STATUS, RECOVERY_SENTENCES, present, told
from claimvet.cases.transitions import MONEY_MEANINGS, TABLE, Money
from claimvet.cases.vocabulary import Party, RecoveryState, Status
from tests.cases.play import BEN, NO_DOUBLES, Play

DOCS = Path(__file__).parents[2] / "docs"
ACCUSING = re.compile(r"fraud|abus|frivol|suspic|decei|dishonest|lie[ds]?\b|score|probab|machine|model", re.IGNORECASE)


def every_sentence() -> list[str]:
    return [*OF_STATUS.values(), *OF_EVENT.values(), *RECOVERY_SENTENCES.values()]


def test_each_status_has_a_sentence_for_each_party_and_each_recovery_one() -> None:
    assert set(OF_STATUS) == {(status, party) for status in Status for party in Party}
    assert set(RECOVERY_SENTENCES) == set(RecoveryState)
    assert set(MONEY_MEANINGS) == set(Money)


def test_no_sentence_accuses_or_tells_a_score() -> None:
    assert [sentence for sentence in every_sentence() if ACCUSING.search(sentence)] == []


def test_every_row_that_tells_a_party_has_something_to_tell() -> None:
    silent = [
        (row.event, party)
        for row in TABLE
        for party in row.told
        if row.to is None and (row.event, party) not in OF_EVENT
    ]
    assert silent == []


def plays() -> list[Play]:
    missing = Known("missing", keeps_rules=True, finding_known=False, outcome_id="o1")
    long = Play("present_to_seller", 1500.0, known=missing).at(2).contest().at(3).contest().at(20)
    long.verdict("valid", 1200.0)
    long.at(80).contest()
    long.verdict("frivolous", None, BEN)
    long.at(90).appeal()
    small = Play("pay_concession", known=missing).at(50)
    appealed = Play("refer_to_expert", 900.0)
    appealed.verdict("valid", 500.0)
    appealed.at(1).appeal()
    appealed.verdict("valid", 700.0, BEN)
    rest = Play("request_evidence").at(20).evidence("deny").at(21).evidence(None)
    return [long, small, appealed, rest, Play("request_evidence", claim_type="personal_injury").at(15).withdraw()]


@pytest.mark.parametrize("play", plays(), ids=["contested", "small", "against the amount", "lapsed", "hurt"])
def test_every_event_of_whole_cases_is_told_without_a_gap_in_its_words(play: Play) -> None:
    case = Case(play.case.subject)
    for event in play.events:
        before, case = case, after(case, event, NO_DOUBLES)
        for party in Party:
            sentence = told(party, before, event, case, NO_DOUBLES)
            for text in (sentence, present(case, party, NO_DOUBLES)):
                assert text is None or (text.endswith(".") and "{" not in text and "not set" not in text), text


def test_a_seller_reads_what_is_asked_by_when() -> None:
    case = Play("present_to_seller", 1500.0).case
    assert present(case, Party.SELLER, NO_DOUBLES) == (
        "A claim for $1,500.00 on your product was found good; please accept or contest it before 2026-09-28 14:13 UTC, "
        "or we settle it and ask you for the money."
    )


def test_a_claimant_reads_how_to_ask_for_a_person_and_until_when() -> None:
    assert present(Play("deny").case, Party.CLAIMANT, NO_DOUBLES).endswith(
        "so it is not paid; you may ask for a person who has not seen it before 2027-03-23 14:13 UTC."
    )


def test_nobody_is_told_of_a_lease_or_a_second_opinion_on_the_way() -> None:
    play = Play("refer_to_expert").lease()
    before = play.case
    event = play.events[-1]
    assert [told(party, before, event, play.case, NO_DOUBLES) for party in Party] == [None, None]


def test_the_page_is_written_from_the_table() -> None:
    assert (DOCS / PAGE).read_text(encoding="utf-8") == page()
