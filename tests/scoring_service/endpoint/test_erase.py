"""What a person wrote can be erased from wherever it lies; its hash stays, and everything else goes on as before."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from claimvet.scoring_service.decisions import erase, ledger
from claimvet.scoring_service.decisions.replay import replay
from claimvet.scoring_service.decisions.self_check import compare
from claimvet.scoring_service.errors import ConflictError
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.store.db.erased import restore_erased_buckets
from claimvet.scoring_service.times import micros
from tests.scoring_service.endpoint.deciding import Office, again, events, scoring
from tests.scoring_service.endpoint.running import NOW, claim

STORY = "The ladder of Mrs Quibblesworth broke at the third rung and fell on my bicycle."
SECRET = "Quibblesworth"
AT = micros(NOW)


@pytest.fixture
def office(store: EventStore, model: Path) -> Office:
    return Office(store, model)


def erased(store: EventStore, customer: str = "C-1") -> erase.Erased:
    with store.begin() as connection:
        return erase.erase_customer(customer, AT, connection)


def everything(store: EventStore) -> str:
    """All that the tables hold, as text."""
    with store.engine.connect() as connection:
        names = sa.inspect(connection).get_table_names()
        return "\n".join(str(connection.exec_driver_sql(f'SELECT * FROM "{name}"').fetchall()) for name in names)


def features(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.entry.features)
    return found


def test_no_table_holds_the_text_any_more_and_its_hash_is_there(office: Office, store: EventStore) -> None:
    office.one_by_one(scoring(claim(narrative=STORY)), again("CL-1"), scoring(claim("CL-2", customer_id="C-2")))
    assert SECRET in everything(store)
    assert erased(store) == erase.Erased(claims=1, decisions=2)
    kept = everything(store)
    assert SECRET not in kept
    assert hashlib.sha256(STORY.encode()).hexdigest() in kept
    assert "A rung broke." in kept  # of another customer


def test_to_erase_again_finds_nothing_and_both_are_on_record(office: Office, store: EventStore) -> None:
    office.one_by_one(scoring(claim(narrative=STORY)))
    erased(store)
    assert erased(store) == erase.Erased(0, 0)
    with store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT customer_digest, claims, decisions FROM erasures").fetchall()
    digest = hashlib.sha256(b"C-1").hexdigest()
    assert [tuple(row) for row in rows] == [(digest, 1, 1), (digest, 0, 0)]


def test_the_same_claim_is_known_again_and_another_is_not(office: Office, store: EventStore) -> None:
    first = office.one_by_one(scoring(claim(narrative=STORY)))[0]
    erased(store)
    assert office.one_by_one(scoring(claim(narrative=STORY)))[0].entry.answer == first.entry.answer
    assert isinstance(office.one_by_one(scoring(claim(narrative="another")))[0], ConflictError)


def test_a_row_that_is_sent_again_does_not_bring_the_text_back(office: Office, store: EventStore) -> None:
    office.one_by_one(events(("claims", claim(narrative=STORY))))
    erased(store)
    assert office.one_by_one(events(("claims", claim(narrative=STORY)))) == [1]
    assert SECRET not in everything(store)
    with pytest.raises(Exception, match="narrative was"):
        office.one_by_one(events(("claims", claim(narrative="another"))))


def test_features_stay_as_they_were_for_the_claim_and_for_others(office: Office, store: EventStore) -> None:
    office.one_by_one(scoring(claim(narrative=STORY)), scoring(claim("CL-0", customer_id="C-0", narrative=STORY)))
    instant = "2026-06-01T00:00:00Z"
    before = features(office.one_by_one(again("CL-1", instant))[0])
    erased(store)
    assert features(office.one_by_one(again("CL-1", instant))[0]) == before
    assert before["claim_narrative_length"] == len(STORY)
    later = claim("CL-3", customer_id="C-3", narrative=STORY, filed_at="2026-03-01T00:00:00Z")
    assert features(office.one_by_one(scoring(later))[0])["narrative_similar_customers_count"] == 2


def test_a_replay_is_the_same_and_says_what_it_cannot_show(office: Office, store: EventStore) -> None:
    decision = office.one_by_one(scoring(claim(narrative=STORY)))[0].entry
    erased(store)
    with store.engine.connect() as connection:
        found = replay(decision.decision_id, connection)
    assert found.same
    assert "were erased at 2026-11-24T12:00:00.000000Z" in str(found)


def test_texts_that_are_too_old_go_and_younger_ones_stay(office: Office, store: EventStore) -> None:
    old = claim("CL-1", narrative=STORY, filed_at="2020-01-01T00:00:00Z", incident_at=None)
    office.one_by_one(events(("claims", old)), scoring(claim("CL-2")))
    with store.begin() as connection:
        before = micros(NOW.replace(year=2022))
        assert erase.erase_older(before, AT, connection) == erase.Erased(1, 0)
        assert erase.erase_older(before, AT, connection) == erase.Erased(0, 0)
        assert erase.erase_older(AT + 1, AT, connection) == erase.Erased(1, 1)
    assert "rung" not in everything(store)


def test_the_ledger_lets_its_texts_go_and_nothing_else(office: Office, store: EventStore) -> None:
    office.one_by_one(scoring(claim(narrative=STORY)))
    for change in (
        "received = '', erased_at = 1, answer = ''",
        "narrative = NULL",
        "received = 'other', erased_at = 1",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE decisions SET {change}")
    erased(store)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE decisions SET received = '', erased_at = 2")


def test_the_row_of_a_claim_has_a_placeholder_of_the_same_length(office: Office, store: EventStore) -> None:
    entry = office.one_by_one(scoring(claim(narrative=STORY)))[0].entry
    assert entry.claim_row["narrative"] == STORY
    erased(store)
    with store.engine.connect() as connection:
        found = ledger.decision(entry.decision_id, connection)
    assert found is not None
    assert found.claim_row["narrative"] == "\u2588" * len(STORY)
    assert found.received == ""


def test_what_is_derived_anew_keeps_the_buckets_and_the_self_check_finds_no_difference(
    office: Office, store: EventStore
) -> None:
    office.one_by_one(scoring(claim(narrative=STORY)))
    erased(store)
    later = claim("CL-3", customer_id="C-3", narrative=STORY, filed_at="2026-03-01T00:00:00Z")
    office.one_by_one(scoring(later))
    assert compare(store, 10).differences == {}
    with store.begin() as connection:
        before = connection.exec_driver_sql("SELECT * FROM narratives ORDER BY claim_id, bucket").fetchall()
        connection.exec_driver_sql("DELETE FROM narratives WHERE claim_id = 'CL-1'")
        restore_erased_buckets(connection)
        after = connection.exec_driver_sql("SELECT * FROM narratives ORDER BY claim_id, bucket").fetchall()
    assert after == before
