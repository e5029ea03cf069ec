"""No byte of a body is ever taken for a request, however the head, the body and the pieces of the network are put together."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator

import pytest

from tests.scoring_service.endpoint.running import Endpoint, claim

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
"""What is smuggled: answered by a 200 where it is taken for a request."""
UPGRADES = ["h2c", "websocket", "TLS/1.0", "HTTP/2.0, h2c", "anything/at-all", "\t"]


@pytest.fixture
def wire(shared: Endpoint) -> Iterator[socket.socket]:
    with socket.create_connection((shared.http.base_url.host, shared.http.base_url.port or 80)) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield wire


def answers(wire: socket.socket, *packets: bytes, pause: float = 0.03) -> bytes:
    """All that comes until nothing more does, when `packets` are sent one after the other."""
    for packet in packets:
        wire.sendall(packet)
        time.sleep(pause)
    wire.settimeout(0.4)
    found = b""
    try:
        while part := wire.recv(65_536):
            found += part
    except (TimeoutError, ConnectionError):
        pass
    return found


def statuses(found: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", found)]


def head(endpoint: Endpoint, path: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: {endpoint.intake.headers['authorization']}"]
    return "\r\n".join([*lines, "Content-Type: application/json", *headers, "", ""]).encode()


@pytest.mark.parametrize("upgrade", UPGRADES)
@pytest.mark.parametrize("apart", ["at once", "body apart", "in small pieces"])
@pytest.mark.parametrize("chunked", [False, True])
def test_an_upgrade_is_ignored_and_the_claim_is_scored(
    shared: Endpoint, wire: socket.socket, upgrade: str, apart: str, chunked: bool
) -> None:
    body = json.dumps(claim("CL-UP")).encode()
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    asked = head(shared, "/v1/claims/score", f"Upgrade: {upgrade}", "Connection: Upgrade, HTTP2-Settings", framing)
    whole = asked + sent
    packets = {
        "at once": [whole + HEALTH],
        "body apart": [asked, sent, HEALTH],
        "in small pieces": [whole[place : place + 40] for place in range(0, len(whole), 40)] + [HEALTH],
    }[apart]
    found = answers(wire, *packets, pause=0.004)
    assert statuses(found) == [200, 200]
    assert b'"claim_id":"CL-UP"' in found
    assert b'"alive"' in found


def test_a_rescore_that_offers_an_upgrade_is_done_as_of_the_instant_that_it_names(
    shared: Endpoint, wire: socket.socket
) -> None:
    shared.intake.score(claim("CL-UP-AGAIN"))
    body = b'{"as_of": "2026-03-01T00:00:00Z"}'
    upgrade = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk")
    asked = head(shared, "/v1/claims/CL-UP-AGAIN/rescore", *upgrade, f"Content-Length: {len(body)}")
    assert statuses(answers(wire, asked, body)) == [200]
    seen = shared.reviewer.get("/v1/claims/CL-UP-AGAIN").json()
    assert [entry["as_of"] for entry in seen["decisions"]][1:] == ["2026-03-01T00:00:00.000000Z"]


@pytest.mark.parametrize("framing", [f"Content-Length: {len(HEALTH)}", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("upgrade", [(), ("Upgrade: h2c", "Connection: upgrade"), ("Upgrade: websocket",)])
@pytest.mark.parametrize("path", ["/v1/claims/score", "/v1/events", "/nowhere", "/healthz"])
@pytest.mark.parametrize("key", [True, False])
def test_a_body_that_looks_like_a_request_is_a_body(
    shared: Endpoint, wire: socket.socket, framing: str, upgrade: tuple[str, ...], path: str, key: bool
) -> None:
    asked = head(shared, path, *upgrade, framing)
    asked = asked if key else asked.replace(b"Authorization", b"X-Other")
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(HEALTH), HEALTH) if "chunked" in framing else HEALTH
    assert len(statuses(answers(wire, asked, body))) == 1


@pytest.mark.parametrize(
    "framing",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5, 5",),
        ("Content-Length: +5",),
        ("Content-Length: 0x5",),
        ("Content-Length : 5",),
        ("Content-Length:\r\n 5",),
        ("X: a\r\n b", "Content-Length: 5"),
        ("X: a\r\n\tb", "Content-Length: 5"),
        ("X: a\nContent-Length: 5",),
        ("X: a\rContent-Length: 5",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: identity", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding : chunked",),
        ("Transfer-Encoding: \x0bchunked",),
        ("Transfer-Encoding:\r\n chunked",),
    ],
)
@pytest.mark.parametrize("upgrade", [(), ("Connection: Upgrade", "Upgrade: h2c")])
def test_a_length_that_two_readers_could_read_in_two_ways_is_refused(
    shared: Endpoint, wire: socket.socket, framing: tuple[str, ...], upgrade: tuple[str, ...]
) -> None:
    found = answers(wire, head(shared, "/v1/events", *upgrade, *framing), b"0\r\n\r\n" + HEALTH)
    assert statuses(found) == [400]
    assert b"connection: close" in found


@pytest.mark.parametrize(
    "body",
    [
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhelloXX0\r\n\r\n",
        b"5;a\nb\r\nhello\r\n0\r\n\r\n",
        b"0\r\nContent-Length: 5\r\n\r\n",
        b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"FFFFFFFFFFFFFFFFF\r\n",
        b"-1\r\n",
    ],
)
@pytest.mark.parametrize("upgrade", [(), ("Connection: Upgrade", "Upgrade: h2c")])
def test_chunks_that_two_readers_could_read_in_two_ways_are_refused(
    shared: Endpoint, wire: socket.socket, body: bytes, upgrade: tuple[str, ...]
) -> None:
    asked = head(shared, "/v1/events", *upgrade, "Transfer-Encoding: chunked")
    assert statuses(answers(wire, asked, body + HEALTH)) == [400]


def test_a_trailer_is_no_header(shared: Endpoint, wire: socket.socket) -> None:
    body = json.dumps(claim("CL-TRAILER")).encode()
    asked = head(shared, "/v1/claims/score", "Transfer-Encoding: chunked")
    trailer = b"Content-Type: text/plain\r\nContent-Encoding: gzip\r\nAuthorization: Bearer x\r\n"
    assert statuses(answers(wire, asked + b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, trailer))) == [200]


@pytest.mark.parametrize("endless", [b"X: " + b"y" * 200_000, b"X: y\r\n" * 40_000])
def test_a_trailer_that_never_ends_is_refused(shared: Endpoint, wire: socket.socket, endless: bytes) -> None:
    asked = head(shared, "/v1/claims/score", "Transfer-Encoding: chunked")
    found = answers(
        wire,
        asked + b"2\r\n{}\r\n0\r\n",
        *[endless[at : at + 9_000] for at in range(0, len(endless), 9_000)],
        pause=0.001,
    )
    assert statuses(found)[:1] == [431]


@pytest.mark.parametrize("key", [True, False])
def test_who_expects_a_word_before_the_body_gets_it_or_a_closed_connection(
    shared: Endpoint, wire: socket.socket, key: bool
) -> None:
    body = json.dumps(claim("CL-100")).encode()
    asked = head(shared, "/v1/claims/score", f"Content-Length: {len(body)}", "Expect: 100-continue")
    first = answers(wire, asked if key else asked.replace(b"Authorization", b"X-Other"))
    if key:
        assert statuses(first) == [100]
        assert statuses(answers(wire, body)) == [200]
    else:
        assert statuses(first) == [401]
        assert b"connection: close" in first
        assert answers(wire, HEALTH) == b""


def test_after_an_answer_that_did_not_wait_for_the_body_nothing_is_a_request(
    shared: Endpoint, wire: socket.socket
) -> None:
    asked = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    assert statuses(answers(wire, asked, b" " * 1_000_000, HEALTH)) == [401]


def test_after_a_connection_was_to_close_nothing_is_a_request(wire: socket.socket) -> None:
    closing = HEALTH.replace(b"Host: x", b"Host: x\r\nConnection: close, Upgrade\r\nUpgrade: h2c")
    assert statuses(answers(wire, closing + HEALTH, HEALTH)) == [200]


def test_what_is_no_request_is_refused_after_the_answers_to_those_before_it(
    shared: Endpoint, wire: socket.socket
) -> None:
    body = json.dumps(claim("CL-BEFORE")).encode()
    good = head(shared, "/v1/claims/score", f"Content-Length: {len(body)}") + body
    found = answers(wire, good + HEALTH + b"\0\0\r\n\r\n" + HEALTH)
    assert statuses(found) == [200, 200, 400]
    assert found.index(b"CL-BEFORE") < found.index(b"alive") < found.index(b"expected one")


@pytest.mark.parametrize(
    "line",
    [
        b"CONNECT x:443 HTTP/1.1",
        b"PRI * HTTP/2.0",
        b"GET / HTTP/2.0",
        b"GET / HTTP/1.2",
        b"GET /healthz",
        b"GET http:// HTTP/1.1",
        b"GET /a b HTTP/1.1",
    ],
)
def test_what_is_no_request_of_this_protocol_is_refused_once(wire: socket.socket, line: bytes) -> None:
    assert statuses(answers(wire, line + b"\r\nHost: x\r\n\r\n" + HEALTH)) == [400]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (HEALTH.replace(b"Host: x\r\n", b""), 400),
        (HEALTH.replace(b"Host: x\r\n", b"Host: x\r\nHost: y\r\n"), 400),
        (HEALTH.replace(b"Host: x\r\n", b"Host: x\r\nHost: x\r\n"), 400),
        (HEALTH.replace(b"1.1", b"1.0").replace(b"Host: x\r\n", b"Host: x\r\nHost: y\r\n"), 400),
        (HEALTH.replace(b"1.1", b"1.0").replace(b"Host: x\r\n", b""), 200),
        (HEALTH.replace(b"Host: x\r\n", b"Host:\r\n"), 200),
    ],
)
def test_whom_a_request_is_for_is_said_once(wire: socket.socket, asked: bytes, expected: int) -> None:
    found = answers(wire, asked)
    assert statuses(found) == [expected]
    assert (b"headers Host, expected one" in found) == (expected == 400)


@pytest.mark.parametrize(
    "header", ["Authorization: Bearer x", "Content-Type: text/plain", "Content-Encoding: identity"]
)
def test_what_counts_once_is_refused_twice(shared: Endpoint, wire: socket.socket, header: str) -> None:
    found = answers(wire, head(shared, "/v1/events", header, header, "Content-Length: 2"), b"{}")
    assert statuses(found) == [400]
    assert f"headers {header.partition(':')[0]}, expected one".encode() in found
