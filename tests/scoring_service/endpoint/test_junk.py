"""Junk is answered with a problem document that names the field, and leaves nothing behind."""

from __future__ import annotations

import gzip
import json
import socket
import time
from typing import Any

import httpx
import pytest

from claimvet.scoring_service.http.parsing import request_parsing
from tests.scoring_service.endpoint.running import PHOTO, Endpoint, claim

SCORE = "/v1/claims/score"


def problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert set(document) == {"type", "title", "status", "detail", "errors"}
    assert document["status"] == answer.status_code
    return document


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"   ", 400),
        (b"no json", 400),
        (b"[" * 5_000, 400),
        (b'{"a":' * 5_000, 400),
        (b"[" * 5_000 + b"]" * 5_000, 400),
        (json.dumps(claim()).encode()[:-1], 400),
        (json.dumps(claim(amount_claimed=float("nan"))).encode(), 400),
        (json.dumps(claim(amount_claimed=float("inf"))).encode(), 400),
        (b'{"claim_id": "\xff"}', 400),
        (b'{"claim_id": "\\ud800"}', 400),
        (b"[]", 422),
        (b"null", 422),
        (b'"claim"', 422),
        (b"{}", 422),
    ],
)
def test_what_is_no_object_of_json_is_refused(shared: Endpoint, content: bytes, status: int) -> None:
    answer = shared.intake.send(SCORE, content)
    assert answer.status_code == status
    problem(answer)


@pytest.mark.parametrize(
    ("more", "name"),
    [
        (', "amount_claimed": 9.0', "amount_claimed"),
        (', "claim_id": "CL-OTHER"', "claim_id"),
        (r', "claim\u005fid": "CL-OTHER"', "claim_id"),
        (', "claim_id" : "CL-TWICE"', "claim_id"),
        (', "x_a": 1, "x_a": 1', "x_a"),
        (', "unknown": [{"b": {"c\\"": 1, "c\\"": 2}}]', "c"),
    ],
)
def test_a_name_that_comes_twice_is_refused_since_two_readers_could_take_either(
    shared: Endpoint, more: str, name: str
) -> None:
    body = json.dumps(claim("CL-TWICE"))[:-1] + more + "}"
    answer = shared.intake.send("/v1/claims/score", body.encode())
    assert answer.status_code == 400
    assert f"the body has '{name}" in answer.json()["detail"]
    assert shared.reviewer.get("/v1/claims/CL-TWICE").status_code == 404


def test_what_only_looks_like_a_name_is_none(shared: Endpoint) -> None:
    tricky = {"narrative": '"a": {"claim_id": 1}, "b\\": "c": :', "zz": [{"a": {"a": [{"a": ":"}]}}, {}], '"a': '":'}
    assert shared.intake.score(claim("CL-TRICKY", **tricky)).status_code == 200


@pytest.mark.parametrize(
    ("changed", "field", "status"),
    [
        ({"claim_id": 7}, "claim_id", 422),
        ({"claim_id": ""}, "claim_id", 422),
        ({"claim_id": "x" * 65}, "claim_id", 422),
        ({"customer_id": None}, "customer_id", 422),
        ({"customer_id": "nul\0"}, "customer_id", 422),
        ({"narrative": "nul\0"}, "narrative", 422),
        ({"filed_at": "2026-02-21T09:30:00"}, "filed_at", 422),
        ({"filed_at": "2026-02-30T09:30:00Z"}, "filed_at", 422),
        ({"filed_at": 1_700_000_000}, "filed_at", 422),
        ({"incident_at": "2026-02-22T00:00:00Z"}, "incident_at", 409),
        ({"claim_type": "fire"}, "claim_type", 422),
        ({"amount_claimed": -1}, "amount_claimed", 422),
        ({"amount_claimed": "240"}, "amount_claimed", 422),
        ({"amount_claimed": True}, "amount_claimed", 422),
        ({"amount_claimed": [[[[]]]]}, "amount_claimed", 422),
        ({"x_deep": {"a": 1}}, "x_deep", 422),
        ({"evidence": {}}, "evidence", 422),
        ({"evidence": [7]}, "evidence[0]", 422),
        ({"evidence": [PHOTO, {**PHOTO, "kind": "film"}]}, "evidence[1].kind", 422),
        (
            {"evidence": [{**PHOTO, "evidence_id": f"E-{n}"} for n in range(request_parsing.MAX_EVIDENCE + 1)]},
            "evidence",
            422,
        ),
    ],
)
def test_a_claim_that_breaks_the_contract_is_refused_by_name(
    shared: Endpoint, changed: dict[str, Any], field: str, status: int
) -> None:
    answer = shared.intake.score(claim(**{"claim_id": "CL-J", **changed}))
    assert answer.status_code == status
    assert problem(answer)["errors"][0]["field"] == field
    assert shared.reviewer.get("/v1/claims/CL-J").status_code == 404


def test_a_claim_that_lacks_a_column_is_refused_by_name(shared: Endpoint) -> None:
    body = claim()
    del body["filed_at"]
    assert problem(shared.intake.score(body))["errors"][0]["field"] == "filed_at"


@pytest.mark.parametrize(
    ("events", "field"),
    [
        (None, "events"),
        ({}, "events"),
        (5, "events"),
        (True, "events"),
        (1.5, "events"),
        ("events" * 50, "events"),
        (["claims"], "events[0]"),
        ([{"row": {}}], "events[0].table"),
        ([{"table": "truth", "row": {}}], "events[0].table"),
        ([{"table": "sellers"}], "events[0].row"),
        ([{"table": "sellers", "row": {"seller_id": "S", "created_at": "2026"}}], "events[0].row.created_at"),
        ([{"table": "sellers", "row": {}}] * (request_parsing.MAX_EVENTS + 1), "events"),
    ],
)
def test_events_that_break_the_contract_are_refused_by_name(shared: Endpoint, events: Any, field: str) -> None:
    answer = shared.intake.post("/v1/events", {"events": events})
    assert answer.status_code == 422
    assert problem(answer)["errors"][0]["field"] == field


def test_of_events_that_break_the_contract_none_is_taken_in(shared: Endpoint) -> None:
    good, bad = {"seller_id": "S-9", "created_at": "2026-01-01T00:00:00Z"}, {"seller_id": "S-9"}
    assert shared.intake.events(("sellers", good), ("sellers", bad)).status_code == 422
    assert shared.intake.events(("sellers", {**good, "created_at": "2026-01-02T00:00:00Z"})).status_code == 200


def test_a_body_that_is_too_large_is_refused_before_it_is_read(shared: Endpoint) -> None:
    for path in (SCORE, "/v1/events"):
        answer = shared.intake.send(path, b'{"a": "' + b"x" * 20_000_000 + b'"}')
        assert answer.status_code == 413
        problem(answer)


def test_a_body_without_a_length_is_refused_when_it_grows_too_large(shared: Endpoint) -> None:
    parts = (b"x" * 100_000 for _ in range(20))
    headers = {**shared.intake.headers, "content-type": "application/json"}
    assert shared.http.post(SCORE, content=parts, headers=headers).status_code == 413


@pytest.mark.parametrize("kind", ["text/plain", "", "application/xml"])
def test_a_body_that_is_not_sent_as_json_is_refused(shared: Endpoint, kind: str) -> None:
    answer = shared.intake.send(SCORE, b"{}", kind)
    assert answer.status_code == 415
    problem(answer)


def test_a_body_that_is_packed_is_refused(shared: Endpoint) -> None:
    headers = {**shared.intake.headers, "content-type": "application/json", "content-encoding": "gzip"}
    answer = shared.http.post(SCORE, content=gzip.compress(json.dumps(claim()).encode()), headers=headers)
    assert answer.status_code == 415
    assert problem(answer)["detail"] == "the content encoding is gzip, expected none"


def test_an_outcome_before_its_claim_is_a_conflict_that_names_it(shared: Endpoint) -> None:
    outcome = {"outcome_id": "O-E", "claim_id": "CL-E", "label": "valid", "decided_by": "expert"}
    early = ("outcomes", {**outcome, "decided_at": "2026-02-21T09:29:59Z"})
    assert shared.intake.score(claim("CL-E")).status_code == 200
    answer = shared.intake.events(early)
    assert answer.status_code == 409
    assert problem(answer)["errors"][0]["field"] == "outcomes[O-E]"


@pytest.mark.parametrize("value", ["x" * 500_000, {"a": ["b"] * 50_000}])
def test_a_problem_does_not_repeat_a_long_value(shared: Endpoint, value: Any) -> None:
    for changed in ({"claim_id": value}, {"evidence": [{**PHOTO, "claim_id": value}]}, {"x_own": [value]}):
        assert len(shared.intake.score(claim(**{"claim_id": "CL-L", **changed})).content) < 1_000
    assert len(shared.intake.events((value, {})).content) < 1_000


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", SCORE, 405),
        ("DELETE", "/v1/events", 405),
        ("GET", "/v1", 404),
        ("POST", "/healthz", 405),
        ("POST", "/v1/events/", 404),
        ("GET", "/v1/claims", 404),
    ],
)
def test_what_cannot_be_asked_is_a_problem_too(shared: Endpoint, method: str, path: str, status: int) -> None:
    answer = shared.http.request(method, path)
    assert answer.status_code == status
    problem(answer)
    assert status == 404 or answer.headers["allow"]


UNKNOWN = "cv_" + "0" * 12 + "_" + "f" * 64


@pytest.mark.parametrize("token", ["x", UNKNOWN, UNKNOWN.upper(), "c" * 5_000])
def test_a_key_that_is_none_is_refused_and_not_repeated(shared: Endpoint, token: str) -> None:
    answer = shared.http.get("/v1/claims/CL-1", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert len(token) < 2 or token not in json.dumps(problem(answer))


@pytest.mark.parametrize("header", ["", "Bearer", "Basic eDp5"])
def test_what_is_no_bearer_token_is_refused(shared: Endpoint, header: str) -> None:
    assert shared.http.get("/v1/claims/CL-1", headers={"authorization": header}).status_code == 401


def test_a_body_that_does_not_arrive_is_given_up(shared: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_parsing.read_body, "__defaults__", (0.2,))
    host, port = shared.http.base_url.host, shared.http.base_url.port
    with socket.create_connection((host, port or 80)) as raw:
        head = f"POST {SCORE} HTTP/1.1\r\nHost: x\r\nAuthorization: {shared.intake.headers['authorization']}\r\n"
        raw.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
        start = time.monotonic()
        assert b" 408 " in raw.recv(1000).splitlines()[0]
        assert time.monotonic() - start < 5
