"""A decision computed again is the same to the byte, or what differs is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from claimvet.data.contract.errors import UsageError
from claimvet.models.policy.policy import Policy
from claimvet.scoring_service.decisions import ledger
from claimvet.scoring_service.decisions.ledger import Decision
from claimvet.scoring_service.decisions.replay import Replay, replay
from claimvet.scoring_service.store import EventStore
from tests.scoring_service.endpoint.deciding import Office, again, scoring
from tests.scoring_service.endpoint.running import claim
from tests.scoring_service.endpoint.small_model import saved, small_model


@pytest.fixture
def decided(sqlite: EventStore, model: Path) -> Decision:
    entry: Decision = Office(sqlite, model).together(scoring(claim()))[0].entry
    return entry


def retold(store: EventStore, entry: Decision, **changed: object) -> Replay:
    """The replay of the same decision if the ledger had said something else; a copy stands in for it, for the ledger cannot be changed."""
    told = replace(entry, decision_id="D-99", kind=ledger.RESCORE, **changed)  # type: ignore[arg-type]
    answer = json.loads(told.answer)
    told = replace(told, answer=told.answer.replace(f'"decision_id":"{answer["decision_id"]}"', '"decision_id":"D-99"'))
    with store.begin() as connection:
        ledger.add([told], connection)
        found = replay("D-99", connection)
        connection.rollback()
    return found


def test_a_decision_that_is_none_cannot_be_replayed(sqlite: EventStore) -> None:
    with sqlite.begin() as connection, pytest.raises(UsageError, match="there is no decision D-7 in the ledger"):
        replay("D-7", connection)


def test_every_value_that_other_features_would_have_changed_is_named(sqlite: EventStore, decided: Decision) -> None:
    features = {**json.loads(str(decided.features)), "customer_returns_count_365d": 50}
    found = retold(sqlite, decided, features=json.dumps(features))
    was = json.loads(decided.answer)
    named = {line.split(":")[0]: line for line in found.differences}
    assert {"p_valid", "p_frivolous", "p_abusive", "reasons", "experts"} <= set(named)
    assert named["p_valid"].startswith(f"p_valid: was {was['p_valid']!r}, is 0.")
    assert "claim_id" not in named


def test_another_policy_and_another_model_are_named(sqlite: EventStore, decided: Decision, tmp_path: Path) -> None:
    assert retold(sqlite, decided, policy="{}").differences == (
        "model: the model's policy is another one than was recorded",
    )
    place = Path(str(decided.model_uri))
    found = retold(sqlite, decided, model_version="other")
    assert found.differences == (f"model: {place} is {decided.model_version} now, expected other",)
    gone = retold(sqlite, decided, model_uri=str(tmp_path))
    assert gone.differences[0].startswith(f"model: the model {tmp_path} cannot be loaded: ")


def test_reviews_that_were_allocated_otherwise_are_named(sqlite: EventStore, decided: Decision) -> None:
    state = {**json.loads(str(decided.experts)), "claims": 99}
    assert retold(sqlite, decided, experts=json.dumps(state)).differences == (
        "experts: reviews are allocated otherwise after it than was recorded",
    )


def test_code_that_has_changed_since_is_a_note_and_no_difference(sqlite: EventStore, decided: Decision) -> None:
    with sqlite.begin() as connection:
        assert replay(decided.decision_id, connection).notes == ()
        ledger.add([replace(decided, decision_id="D-99", kind=ledger.RESCORE, code_version="0.0.9+a")], connection)
        found = replay("D-99", connection)
    assert found.notes[0].startswith("note: decided by code 0.0.9+a, this is ")
    assert str(found).splitlines()[-1] == found.notes[0]


def test_a_claim_that_could_not_be_scored_is_replayed_without_a_model(sqlite: EventStore, tmp_path: Path) -> None:
    entry = Office(sqlite, tmp_path).together(scoring(claim()))[0].entry
    with sqlite.begin() as connection:
        found = replay(entry.decision_id, connection)
    assert found.same
    assert str(found).splitlines()[0] == f"decision {entry.decision_id}: the same answer to the byte"
    other = retold(sqlite, entry, degraded="something else")
    assert [line.split(":")[0] for line in other.differences] == ["reasons"]


def test_a_decision_is_replayed_after_another_model_has_taken_its_place(sqlite: EventStore, tmp_path: Path) -> None:
    one, two = (
        saved(replace(small_model(seed), policy=Policy(deny_threshold=0.02 * seed)), tmp_path / str(seed))
        for seed in (1, 2)
    )
    first = Office(sqlite, one).together(scoring(claim()))[0].entry
    second = Office(sqlite, two, first=10).together(again("CL-1"))[0].entry
    assert first.policy != second.policy
    with sqlite.begin() as connection:
        assert [replay(entry.decision_id, connection).differences for entry in (first, second)] == [(), ()]
