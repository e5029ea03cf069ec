"""The same key and body are answered with the same bytes, by any instance and after a restart; another body is an error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claimvet.scoring_service.decisions import idempotency
from claimvet.scoring_service.decisions.idempotency import Answered, Idempotency
from claimvet.scoring_service.errors import ConflictError
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.times import micros
from tests.scoring_service.endpoint.deciding import Office, again, events, scoring
from tests.scoring_service.endpoint.running import NOW, claim, running


def key(name: str, body: bytes = b"{}") -> Idempotency:
    return Idempotency.of("caller", "POST /v1", name, body)


@pytest.fixture
def office(store: EventStore, model: Path) -> Office:
    return Office(store, model)


def keyed(request: Any, name: str = "k", body: bytes = b"{}") -> Any:
    return replace(request, idempotency=key(name, body))


def decision_ids(answers: list[Any]) -> list[str]:
    return [answer.entry.decision_id for answer in answers]


def test_a_rescore_with_a_key_is_done_once_by_any_instance(office: Office, store: EventStore, model: Path) -> None:
    office.one_by_one(scoring(claim()))
    first = office.one_by_one(keyed(again("CL-1")))
    other = Office(EventStore.open(store.engine.url.render_as_string(hide_password=False)), model, first=100)
    assert decision_ids(other.one_by_one(keyed(again("CL-1")))) == decision_ids(first)
    assert decision_ids(office.one_by_one(keyed(again("CL-1"), "other"))) != decision_ids(first)
    other.store.close()


def test_a_key_with_another_body_is_refused_and_changes_nothing(office: Office) -> None:
    office.one_by_one(scoring(claim()))
    office.one_by_one(keyed(again("CL-1")))
    answers = office.together(keyed(again("CL-1"), body=b"{ }"), scoring(claim("CL-2")))
    assert isinstance(answers[0], ConflictError)
    assert answers[0].errors[0].field == "Idempotency-Key"
    assert answers[1].entry.claim_id == "CL-2"


def test_events_with_a_key_are_answered_as_before(office: Office) -> None:
    seller = ("sellers", {"seller_id": "S-9", "created_at": "2026-01-01T00:00:00Z"})
    assert office.one_by_one(keyed(events(seller))) == [1]
    assert office.one_by_one(keyed(events(seller))) == [1]


def test_what_failed_may_be_sent_again_under_its_key(office: Office) -> None:
    assert isinstance(office.one_by_one(keyed(again("CL-1")))[0], Exception)
    office.one_by_one(scoring(claim()))
    assert office.one_by_one(keyed(again("CL-1")))[0].entry.kind == "rescore"


def test_without_a_key_a_rescore_as_of_a_stated_instant_is_the_same_decision_while_nothing_changes(
    office: Office,
) -> None:
    office.one_by_one(scoring(claim()))
    instant = "2026-06-01T00:00:00Z"
    first, same = office.one_by_one(again("CL-1", instant), again("CL-1", instant))
    assert decision_ids([same]) == decision_ids([first])
    order = {"order_id": "O-9", "customer_id": "C-1", "seller_id": "S-1", "product_id": "P-1", "amount": 5.0}
    office.one_by_one(events(("orders", {**order, "ordered_at": "2026-03-01T00:00:00Z"})))
    assert decision_ids(office.one_by_one(again("CL-1", instant))) != decision_ids([first])


def test_a_key_is_forgotten_after_its_time_and_then_new(store: EventStore) -> None:
    now = micros(NOW)
    old = Answered(key("a").name, key("a").digest, 200, "{}", None, now - 1)
    young = replace(old, name=key("b").name, expires_at=now + 1)
    with store.begin() as connection:
        idempotency.keep([old, young], connection)
        assert idempotency.answered([key("a"), key("b")], now, connection) == {young.name: young}
        idempotency.keep([replace(old, expires_at=now + 1)], connection)
    with store.begin() as connection:
        assert idempotency.prune(now, connection) == 0
        assert idempotency.prune(now + 1, connection) == 2
        assert idempotency.answered([], now, connection) == {}


def test_what_was_filled_later_counts_in_a_later_decision(office: Office) -> None:
    first = office.one_by_one(scoring(claim(amount_claimed=None)))[0]
    assert '"claim_amount":null' in first.entry.features
    office.one_by_one(events(("claims", claim(amount_claimed=240.0))))
    later = office.one_by_one(again("CL-1"))[0]
    assert '"claim_amount":240.0' in later.entry.features


def test_a_header_makes_every_post_safe_to_send_again(store_url: str, model: Path) -> None:
    headers = {"Idempotency-Key": "f3a1"}
    seller = {"events": [{"table": "sellers", "row": {"seller_id": "S-9", "created_at": "2026-01-01T00:00:00Z"}}]}
    with running(store_url, model) as endpoint:
        asked = [("/v1/claims/score", claim()), ("/v1/claims/CL-1/rescore", {}), ("/v1/events", seller)]
        first = [endpoint.intake.post(path, body, headers=headers) for path, body in asked]
        assert [answer.status_code for answer in first] == [200, 200, 200]
    with running(store_url, model, first_number=100) as restarted:
        again = [restarted.intake.post(path, body, headers=headers).content for path, body in asked]
        assert again == [answer.content for answer in first]
        other = restarted.intake.post("/v1/claims/CL-1/rescore", {"as_of": None}, headers=headers)
        assert other.status_code == 409
        assert other.json()["errors"][0]["field"] == "Idempotency-Key"
        by_another = restarted.admin.post("/v1/claims/CL-1/rescore", {}, headers=headers)
        assert by_another.json()["decision_id"] != first[1].json()["decision_id"]
        assert restarted.intake.post("/v1/events", seller, headers={"Idempotency-Key": "x" * 256}).status_code == 422
