"""A refusal reaches the client: each reads why, though it was given before the client had sent what it wanted to."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from claimvet.scoring_service.http.connection import lingering
from tests.scoring_service.endpoint.running import Endpoint, claim

JAVA = Path(__file__).resolve().parents[1] / "clients" / "Send.java"
LARGE = 20_000_000
Send = Callable[[str, str, Path, bool], tuple[int, str]]
"""Sends a file to an address with a key, in chunks or with its length; the status and the body of the answer."""


def by_urllib(address: str, key: str, body: Path, chunked: bool) -> tuple[int, str]:
    headers = {"Authorization": key, "Content-Type": "application/json"}
    with body.open("rb") as file:
        request = urllib.request.Request(address, iter([file.read()]) if chunked else file.read(), headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def by_curl(address: str, key: str, body: Path, chunked: bool, *options: str) -> tuple[int, str]:
    if shutil.which("curl") is None:
        pytest.skip("curl is missing, expected Debian's package curl")
    headers = [f"Authorization: {key}", "Content-Type: application/json"]
    headers += ["Transfer-Encoding: chunked"] * chunked
    asked = [option for header in headers for option in ("-H", header)]
    command = ["curl", "-sS", "-w", "\n%{http_code}", "--data-binary", f"@{body}", *asked, *options, address]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    found, status = said.stdout.rsplit("\n", 1)
    return int(status), found


def by_curl_that_sends_at_once(address: str, key: str, body: Path, chunked: bool) -> tuple[int, str]:
    return by_curl(address, key, body, chunked, "-H", "Expect:")


def by_curl_that_offers_http2(address: str, key: str, body: Path, chunked: bool) -> tuple[int, str]:
    return by_curl(address, key, body, chunked, "--http2")


def by_java(address: str, key: str, body: Path, chunked: bool) -> tuple[int, str]:
    if shutil.which("javac") is None:
        pytest.skip("javac is missing, expected a JDK of Java 11 or newer")
    command = ["java", "-cp", _compiled().name, "Send", address, key, body, *["chunked"] * chunked]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    status, found = said.stdout.split("\n", 1)
    return int(status), found


@cache
def _compiled() -> TemporaryDirectory[str]:
    folder = TemporaryDirectory()
    subprocess.run(["javac", "-d", folder.name, JAVA], check=True)
    return folder


CLIENTS = [by_urllib, by_curl, by_curl_that_sends_at_once, by_curl_that_offers_http2, by_java]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    body = tmp_path_factory.mktemp("large") / "body.json"
    body.write_bytes(b'{"events": "' + b"x" * LARGE + b'"}')
    return body


@pytest.mark.parametrize("send", CLIENTS)
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_that_is_too_large_is_refused_and_the_client_reads_it(
    shared: Endpoint, large: Path, send: Send, chunked: bool
) -> None:
    key = shared.intake.headers["authorization"]
    for path in ("/v1/events", "/v1/claims/score"):
        status, found = send(f"{shared.http.base_url}{path}", key, large, chunked)
        assert status == 413
        assert json.loads(found)["title"] == "Too large"


@pytest.mark.parametrize("send", CLIENTS)
def test_a_key_that_is_none_is_refused_before_the_body_and_the_client_reads_it(
    shared: Endpoint, large: Path, send: Send
) -> None:
    status, found = send(f"{shared.http.base_url}/v1/events", "Bearer none", large, False)
    assert (status, json.loads(found)["status"]) == (401, 401)


@pytest.mark.parametrize("send", CLIENTS)
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_every_client_scores_as_it_comes(
    shared: Endpoint, tmp_path: Path, send: Send, chunked: bool, request: pytest.FixtureRequest
) -> None:
    body = tmp_path / "claim.json"
    claim_id = f"CL-{send.__name__}-{chunked}"[:64]
    body.write_text(json.dumps(claim(claim_id)))
    address = f"{shared.http.base_url}/v1/claims/score"
    status, found = send(address, shared.intake.headers["authorization"], body, chunked)
    assert (status, json.loads(found)["claim_id"]) == (200, claim_id)


def send_on(wire: socket.socket, size: int) -> None:
    for _ in range(1_000):
        wire.sendall(b" " * size)
        time.sleep(0.001)


def test_who_sends_on_for_ever_is_hung_up_on(shared: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, "MAX_LINGER_BYTES", 1_000_000)
    with socket.create_connection((shared.http.base_url.host, shared.http.base_url.port or 80)) as wire:
        wire.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n")
        assert b" 401 " in wire.recv(65_536).splitlines()[0]
        with pytest.raises(ConnectionError, match=r"reset by peer|Broken pipe"):
            send_on(wire, 100_000)


def test_who_sends_on_slowly_is_hung_up_on_as_well(shared: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, "LINGER_SECONDS", 0.2)
    with socket.create_connection((shared.http.base_url.host, shared.http.base_url.port or 80)) as wire:
        wire.sendall(b"\0\0\0 no http\r\n\r\n")
        assert b" 400 " in wire.recv(65_536).splitlines()[0]
        with pytest.raises(ConnectionError, match=r"reset by peer|Broken pipe"):
            send_on(wire, 1)
