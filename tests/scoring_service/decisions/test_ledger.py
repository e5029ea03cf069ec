"""The ledger keeps what was decided, in order, on either kind of store."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from claimvet.scoring_service.decisions import ledger
from claimvet.scoring_service.decisions.ledger import RESCORE, SCORE, Decision
from claimvet.scoring_service.store import EventStore

ENTRY = Decision(
    decision_id="D-1",
    claim_id="CL-1",
    kind=SCORE,
    as_of=1,
    received="{}",
    body_digest="digest",
    claim="{}",
    features="{}",
    model_version="m",
    model_uri="models:/claimvet/1",
    policy="{}",
    code_version="c",
    scored_at=2,
    answer="{}",
    degraded=None,
    shadow=None,
    experts="one",
    received_digest="digest of the body",
)


def entry(number: int, **changed: object) -> Decision:
    return replace(ENTRY, decision_id=f"D-{number}", claim_id=f"CL-{number}", **changed)  # type: ignore[arg-type]


def test_what_was_added_is_found_as_it_was(store: EventStore) -> None:
    with store.begin() as connection:
        ledger.add([ENTRY], connection)
        assert ledger.decision("D-1", connection) == ENTRY
        assert ledger.first_decisions(["CL-1", "CL-2"], connection) == {"CL-1": ENTRY}
        assert ledger.decision("D-2", connection) is None
        ledger.add([], connection)
        assert ledger.decisions_of("CL-2", connection) == []


def test_a_claim_is_scored_once_and_scored_again_at_will(store: EventStore) -> None:
    again = [replace(ENTRY, decision_id=f"D-{number}", kind=RESCORE) for number in (2, 3)]
    with store.begin() as connection:
        ledger.add([ENTRY, *again], connection)
        assert ledger.decisions_of("CL-1", connection) == [ENTRY, *again]
        assert ledger.first_decisions(["CL-1"], connection) == {"CL-1": ENTRY}
    with pytest.raises((sa.exc.IntegrityError, Exception), match=r"(?i)unique") as raised, store.begin() as connection:
        ledger.add([replace(ENTRY, decision_id="D-4")], connection)
    assert isinstance(raised.value.__cause__ or raised.value, sa.exc.IntegrityError)


def test_a_share_of_the_last_day_is_drawn_whatever_stands_between(store: EventStore) -> None:
    day = 24 * 3600 * 1_000_000
    scores = [entry(number, scored_at=2 * day + number) for number in range(6)]
    others = [entry(10, scored_at=1), entry(11, scored_at=3 * day - 1, features=None)]
    again = [replace(entry(0, scored_at=3 * day), decision_id=f"R-{number}", kind=RESCORE) for number in range(20)]
    with store.begin() as connection:
        assert ledger.day_of(ledger.SCORE, 3, connection) == []
        ledger.add([*others, *scores, *again], connection)
        assert sorted(one.decision_id for one in ledger.day_of(ledger.SCORE, 9, connection)) == [
            f"D-{n}" for n in range(6)
        ]
        drawn = []
        for number in range(12, 32):
            drawn.append({one.decision_id for one in ledger.day_of(ledger.SCORE, 3, connection)})
            ledger.add([entry(number, scored_at=2 * day)], connection)
    assert {len(names) for names in drawn} == {3}
    assert len(set.union(*drawn)) > 8, "another share as the ledger grows"


def test_experts_go_on_from_the_latest_state_and_a_replay_from_the_one_before(store: EventStore) -> None:
    with store.begin() as connection:
        assert ledger.latest_allocation(connection) is None
        ledger.add([entry(1, experts="one"), entry(2, experts=None), entry(3, experts="three")], connection)
        assert ledger.latest_allocation(connection) == "three"
        assert ledger.latest_allocation(connection, before="D-3") == "one"
        assert ledger.latest_allocation(connection, before="D-2") == "one"
        assert ledger.latest_allocation(connection, before="D-1") is None
