"""What the page says of the endpoint's speed follows from what was measured."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from benchmarks.serving_speed.__main__ import durable_write
from benchmarks.serving_speed.client import Timings, request
from benchmarks.serving_speed.report import PARTS, Figures, Measured, draw, report, rest
from benchmarks.serving_speed.servers import Running
from benchmarks.serving_speed.turns import TURNS, WARM_UP, Asked, take_turns
from claimvet.scoring_service.observability import metrics


def timings(milliseconds: float, connections: int, answers: int = 200) -> Timings:
    """So many answers, each after so long, over so many connections."""
    return Timings(answers * milliseconds / 1000 / connections, np.full(answers, milliseconds), 0)


def measured(name: str, alone: float, crowded: float) -> Measured:
    return Measured(name, {1: timings(alone, 1), 16: timings(crowded, 16)}, 3.2, 250.0)


def figures(loaded: float = 60_000.0) -> Figures:
    parts = {count: dict.fromkeys(PARTS, 0.5) for count in (1, 16)}
    mine, theirs, limit = measured("ours", 5.0, 30.0), measured("theirs", 20.0, 330.0), measured("empty", 0.3, 2.0)
    return Figures(mine, theirs, limit, parts, 1.5, loaded, 3_000)


def test_the_page_tells_ratios_limits_parts_and_what_holds() -> None:
    text = report(figures(), "plot.svg")
    assert "At 16 connections Claimvet answers **11.0 times** as many requests" in text
    assert "one connection 4.0 times" in text
    assert "an empty route of the same framework answers 15 times as many requests" in text
    assert "one durable write takes 1.50 ms" in text
    assert "| at least 10 times `mlflow models serve` at 16 connections | 11.0 times | yes |" in text
    assert "| HTTP and the rest | 2.00 | 0.00 |" in text
    assert "![Requests a second, and where the time of a claim goes](plot.svg)" in text


def test_what_does_not_hold_is_said() -> None:
    assert "| `events load` 50,000 rows/s | 40,000 rows/s | no |" in report(figures(40_000.0), "plot.svg")


def test_the_rest_is_never_less_than_nothing() -> None:
    found = figures()
    slow = Figures(**{**vars(found), "parts": {1: dict.fromkeys(PARTS, 9.0), 16: dict.fromkeys(PARTS, 9.0)}})
    assert rest(slow, 1) == 0.0
    assert rest(found, 1) == pytest.approx(5.0 - 0.5 * (len(PARTS) - 1))


def test_the_same_figures_draw_the_same_plot(tmp_path: Path) -> None:
    draw(figures(), tmp_path / "one.svg")
    draw(figures(), tmp_path / "two.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_the_parts_are_those_of_the_endpoint() -> None:
    assert PARTS == metrics.PARTS


def test_a_request_carries_its_key_and_its_length() -> None:
    sent = request("/v1/claims/score", b'{"a": 1}', "secret")
    head, body = sent.split(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/claims/score HTTP/1.1\r\n")
    assert b"Content-Length: 8" in head
    assert b"Authorization: Bearer secret" in head
    assert body == b'{"a": 1}'


def test_one_durable_write_takes_some_time(tmp_path: Path) -> None:
    assert durable_write(tmp_path, rows=3) > 0.0


class Answering(BaseHTTPRequestHandler):
    """Says yes and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


def test_servers_take_turns_and_no_request_is_sent_twice() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    asked = Asked("here", Running(process, server.server_port, 0.5), [request("/", b"{}")] * 5_000)
    take_turns([asked], (1, 4), 0.2)
    found = asked.measured()
    process.communicate(b"\n")
    server.shutdown()
    server.server_close()
    assert {count: len(turns) for count, turns in asked.timings.items()} == {1: TURNS, 4: TURNS}
    answered = sum(len(timed.each) for timed in found.timings.values())
    assert len(asked.waiting) == 5_000 - answered - 2 * TURNS * WARM_UP
    assert found.timings[1].seconds >= 0.2
    assert all(timed.failed == 0 for timed in found.timings.values())
    assert found.memory > 0
