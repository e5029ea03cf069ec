"""No connection lives for ever, whatever a client does or leaves undone, and each gets an answer where there is one to give."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from claimvet.scoring_service.http.connection.connections import MAX_HEAD_BYTES, Connection
from tests.scoring_service.endpoint.running import Endpoint, claim

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
PATIENCE = 0.4


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "patience", PATIENCE)


@pytest.fixture
def wire(shared: Endpoint) -> Iterator[socket.socket]:
    with socket.create_connection((shared.http.base_url.host, shared.http.base_url.port or 80)) as wire:
        wire.settimeout(10)
        yield wire


def heard(wire: socket.socket, drip: bytes = b"") -> bytes:
    """All that comes until the other end hangs up, while `drip` is sent again and again."""
    answer, end = b"", time.monotonic() + 10
    wire.settimeout(0.05)
    while time.monotonic() < end:
        try:
            if drip:
                wire.sendall(drip)
            part = wire.recv(65_536)
        except TimeoutError:
            continue
        except ConnectionError:
            return answer
        if not part:
            return answer
        answer += part
    raise AssertionError("the connection was still open after 10 seconds")


def more(wire: socket.socket) -> bytes:
    part = wire.recv(65_536)
    assert part, "the other end has hung up"
    return part


def scoring(endpoint: Endpoint, claim_id: str) -> bytes:
    body = json.dumps(claim(claim_id))
    head = f"POST /v1/claims/score HTTP/1.1\r\nHost: x\r\nAuthorization: {endpoint.intake.headers['authorization']}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def test_who_asks_nothing_is_hung_up_on(wire: socket.socket) -> None:
    assert heard(wire) == b""


@pytest.mark.parametrize("begun", [b"GET /healthz HTTP/1.1\r\n", HEALTH + b"\r\n", HEALTH + HEALTH + HEALTH[:9]])
def test_a_head_that_never_ends_is_hung_up_on(wire: socket.socket, begun: bytes) -> None:
    wire.sendall(begun)
    assert heard(wire, b"\r\n" if begun.endswith(b"\r\n\r\n\r\n") else b"").count(b"200 OK") == begun.count(b"Host")


def test_a_head_that_drips_is_hung_up_on(wire: socket.socket) -> None:
    wire.sendall(b"GET /healthz HTTP/1.1\r\n")
    assert heard(wire, b"X: y\r\n") == b""


def test_the_rest_of_a_body_that_was_refused_is_not_waited_for(wire: socket.socket) -> None:
    wire.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    assert heard(wire, b" ").startswith(b"HTTP/1.1 401 ")


def test_a_client_that_reads_no_answer_is_hung_up_on(shared: Endpoint, wire: socket.socket) -> None:
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 200

    def ask_on() -> None:
        for _ in range(100):
            wire.sendall(ask)
            time.sleep(0.05)

    with pytest.raises(ConnectionError, match=r"reset by peer|Broken pipe"):
        ask_on()
    assert shared.http.get("/healthz").status_code == 200


def test_a_connection_that_is_used_stays_open_longer_than_that(wire: socket.socket) -> None:
    for _ in range(3):
        wire.sendall(HEALTH)
        assert b"200 OK" in wire.recv(1000)
        time.sleep(PATIENCE * 0.75)


def test_a_slow_answer_is_our_turn_and_no_reason_to_hang_up(shared: Endpoint, wire: socket.socket) -> None:
    with shared.service.store.begin():  # nobody else writes
        wire.sendall(scoring(shared, "CL-SLOW") + HEALTH[:9])
        time.sleep(PATIENCE * 2)
    wire.sendall(HEALTH[9:])
    answers = b""
    while answers.count(b"HTTP/1.1 200 OK") < 2:
        answers += more(wire)
    assert b"CL-SLOW" in answers


def test_requests_sent_at_once_are_answered_in_their_order(shared: Endpoint, wire: socket.socket) -> None:
    ids = [f"CL-PIPE-{number}" for number in range(8)]
    wire.sendall(b"".join(scoring(shared, claim_id) for claim_id in ids))
    answers = b""
    while answers.count(b"decision_id") < len(ids):
        answers += more(wire)
    assert [part.split(b'"')[0].decode() for part in answers.split(b'{"claim_id":"')[1:]] == ids


@pytest.mark.parametrize("head", [b"X: " + b"y" * 1_000_000, b"X: y\r\n" * 200_000])
def test_a_head_that_is_too_large_is_refused(wire: socket.socket, head: bytes) -> None:
    with suppress(ConnectionError):  # it does not listen to the end
        wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + head)
    answer = heard(wire)
    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n") or answer == b""


def test_a_head_a_little_too_large_is_answered_by_a_problem(wire: socket.socket) -> None:
    wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"y" * MAX_HEAD_BYTES)
    head, _, body = heard(wire).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["detail"] == "the head has more than 64000 bytes, expected at most that"


@pytest.mark.parametrize(
    "sent",
    [
        b"\0\0\0\0\r\n\r\n",
        b"FOO /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_is_no_http_is_answered_by_a_problem(wire: socket.socket, sent: bytes) -> None:
    wire.sendall(sent)
    head, _, body = heard(wire).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert json.loads(body)["detail"] == "this is no request of HTTP/1.1, expected one"


def test_a_client_that_hangs_up_in_the_middle_of_a_body_is_no_error_of_ours(shared: Endpoint) -> None:
    def counted() -> str:
        return str(shared.http.get("/metrics").text)

    with socket.create_connection((shared.http.base_url.host, shared.http.base_url.port or 80)) as gone:
        gone.sendall(scoring(shared, "CL-GONE")[:-5])
        time.sleep(0.1)
    time.sleep(0.2)
    assert 'route="/v1/claims/score",status="500"' not in counted()
    assert 'route="/v1/claims/score",status="400"' in counted()
    assert shared.reviewer.get("/v1/claims/CL-GONE").status_code == 404


@pytest.mark.parametrize("asked", [1, 3])
def test_who_ends_its_side_after_asking_reads_every_answer(shared: Endpoint, wire: socket.socket, asked: int) -> None:
    wire.sendall(b"".join(scoring(shared, f"CL-HALF-{asked}-{number}") for number in range(asked)))
    wire.shutdown(socket.SHUT_WR)
    answer = b""
    while part := wire.recv(65_536):
        answer += part
    assert answer.count(b"HTTP/1.1 200 OK") == asked


def test_who_ends_its_side_within_a_body_has_asked_nothing(shared: Endpoint, wire: socket.socket) -> None:
    wire.sendall(scoring(shared, "CL-HALF-A-BODY")[:-5])
    wire.shutdown(socket.SHUT_WR)
    assert heard(wire) == b""
    assert shared.reviewer.get("/v1/claims/CL-HALF-A-BODY").status_code == 404
