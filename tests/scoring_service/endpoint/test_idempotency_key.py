"""Every POST can be sent again: the same key and body are answered with the same bytes, and nothing is done twice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scoring_service.endpoint.running import PHOTO, Endpoint, claim

HEADER = "Idempotency-Key"
SELLER = {"seller_id": "S-IDEM", "created_at": "2026-01-01T00:00:00Z"}


def post(endpoint: Endpoint, path: str, body: Any, key: str, who: str = "intake") -> Any:
    return getattr(endpoint, who).post(path, body, headers={HEADER: key})


def decisions(endpoint: Endpoint, claim_id: str) -> int:
    return len(endpoint.reviewer.get(f"/v1/claims/{claim_id}").json()["decisions"])


@pytest.mark.parametrize("body", [None, {}, {"as_of": "2026-03-01T00:00:00Z"}])
def test_a_rescore_sent_twice_is_one_decision(endpoint: Endpoint, body: Any) -> None:
    assert post(endpoint, "/v1/claims/score", claim(), "first").status_code == 200
    one, two = (post(endpoint, "/v1/claims/CL-1/rescore", body, "again") for _ in range(2))
    assert one.status_code == 200
    assert (one.status_code, one.content) == (two.status_code, two.content)
    assert decisions(endpoint, "CL-1") == 2
    again = post(endpoint, "/v1/claims/CL-1/rescore", body, "once more")
    assert (again.content == one.content) == bool(body), "one instant is decided once, whatever the key"


def test_the_same_key_with_another_body_is_refused_and_does_nothing(endpoint: Endpoint) -> None:
    post(endpoint, "/v1/claims/score", claim(), "k")
    post(endpoint, "/v1/claims/CL-1/rescore", {"as_of": "2026-03-01T00:00:00Z"}, "r")
    for path, body in (("/v1/claims/score", claim("CL-2")), ("/v1/claims/score", claim(amount_claimed=1.0))):
        answer = post(endpoint, path, body, "k")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (409, HEADER)
    assert post(endpoint, "/v1/claims/CL-1/rescore", {"as_of": "2026-03-02T00:00:00Z"}, "r").status_code == 409
    assert decisions(endpoint, "CL-1") == 2
    assert endpoint.reviewer.get("/v1/claims/CL-2").status_code == 404


def test_events_sent_twice_are_taken_once_and_answered_alike(endpoint: Endpoint) -> None:
    body = {"events": [{"table": "sellers", "row": SELLER}]}
    one, two = (post(endpoint, "/v1/events", body, "e") for _ in range(2))
    assert (one.status_code, one.content) == (two.status_code, two.content) == (200, b'{"accepted":1}')
    assert post(endpoint, "/v1/events", {"events": []}, "e").status_code == 409


def test_a_key_belongs_to_who_sent_it_and_to_the_path(endpoint: Endpoint) -> None:
    events = {"events": [{"table": "sellers", "row": SELLER}]}
    assert post(endpoint, "/v1/events", events, "k").status_code == 200
    assert post(endpoint, "/v1/claims/score", claim(), "k").status_code == 200
    assert post(endpoint, "/v1/events", {"events": []}, "k", "admin").status_code == 200


@pytest.mark.parametrize("key", ["x" * 256, "a\tb", ""])
def test_what_is_no_key_is_refused(endpoint: Endpoint, key: str) -> None:
    answer = post(endpoint, "/v1/claims/score", claim(), key)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, HEADER)


def test_two_keys_are_none(endpoint: Endpoint) -> None:
    headers = [*endpoint.intake.headers.items(), (HEADER, "a"), (HEADER, "b")]
    assert endpoint.http.post("/v1/claims/score", json=claim(), headers=headers).status_code == 422


@pytest.mark.parametrize("key", ["k", '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "a b", "~" * 255])
def test_a_refused_request_may_be_sent_again_corrected_under_its_key(endpoint: Endpoint, key: str) -> None:
    assert post(endpoint, "/v1/claims/score", claim(claim_type="fire"), key).status_code == 422
    assert post(endpoint, "/v1/claims/score", claim(), key).status_code == 200


SPELT = [
    ("amount as a whole number", lambda text: text.replace("240.0", "240")),
    ("amount with an exponent", lambda text: text.replace("240.0", "2.4e2")),
    ("amount with zeros", lambda text: text.replace("240.0", "240.000")),
    ("null left out", lambda text: text.replace('"order_id": null, ', "")),
    ("another zone", lambda text: text.replace("2026-02-21T09:30:00Z", "2026-02-21T10:30:00.000000000+01:00")),
    ("small letters", lambda text: text.replace("2026-02-21T09:30:00Z", "2026-02-21t09:30:00z")),
    ("a blank for T", lambda text: text.replace("2026-02-21T09:30:00Z", "2026-02-21 09:30:00.0Z")),
    ("order of keys", lambda text: json.dumps(dict(reversed(json.loads(text).items())))),
    ("own number as a float", lambda text: text.replace('"x_n": 1', '"x_n": 1.0')),
    ("own number with an exponent", lambda text: text.replace('"x_n": 1', '"x_n": 1e0')),
    ("own null left out", lambda text: text.replace(', "x_null": null', "")),
    ("escapes", lambda text: text.replace("A rung broke.", "A rung br\\u006fke.")),
    ("evidence in another order", lambda text: _evidence(text, lambda rows: rows[::-1])),
    ("evidence repeated", lambda text: _evidence(text, lambda rows: [*rows, rows[0]])),
    (
        "evidence says whose it is",
        lambda text: _evidence(text, lambda rows: [{**row, "claim_id": "CL-1"} for row in rows]),
    ),
    ("evidence with a null", lambda text: _evidence(text, lambda rows: [{**row, "customer_id": None} for row in rows])),
    ("unknown columns", lambda text: text.replace('"x_n"', '"colour": "red", "x_n"')),
]


def _evidence(text: str, change: Any) -> str:
    body = json.loads(text)
    return json.dumps({**body, "evidence": change(body["evidence"])})


def test_a_claim_spelt_in_another_way_is_the_same_claim(endpoint: Endpoint) -> None:
    evidence = [PHOTO, {**PHOTO, "evidence_id": "E-2", "kind": "receipt"}]
    text = json.dumps(claim(x_n=1, x_null=None, evidence=evidence))
    first = endpoint.intake.send("/v1/claims/score", text.encode())
    assert first.status_code == 200
    for name, spell in SPELT:
        assert spell(text) != text, name
        again = endpoint.intake.send("/v1/claims/score", spell(text).encode())
        assert (again.status_code, again.content) == (200, first.content), name
    for other in (
        text.replace("240.0", "240.01"),
        text.replace('"x_n": 1', '"x_n": true'),
        text.replace("09:30:00Z", "09:30:00.000001Z"),
    ):
        assert endpoint.intake.send("/v1/claims/score", other.encode()).status_code == 409
