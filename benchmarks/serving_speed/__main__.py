"""Runs the comparison and writes its section of docs/benchmarks.md; `make bench-serving`."""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from pathlib import Path

from benchmarks.page import PAGE, write_section
from benchmarks.serving_speed import servers
from benchmarks.serving_speed.client import request, timed
from benchmarks.serving_speed.report import PARTS, Figures, Measured, draw, report
from benchmarks.serving_speed.servers import Running
from benchmarks.serving_speed.work import Work, make

CONNECTIONS = (1, 16)
WARM_UP = 50
"""Requests before those that are timed."""
PLOT = "serving-speed.svg"


def main() -> None:
    """Measures, prints and writes."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="claimvet-bench-") as scratch:
        folder = Path(scratch)
        work = make(folder, options.history, options.claims)
        servers.publish(work, folder)
        with servers.ours(work, folder):
            pass  # compiles what a first start compiles
        mine, parts = _ours(work, folder, options.seconds)
        with servers.mlflows(folder) as running:
            theirs = _measured(
                "`mlflow models serve`, predicts only", running, _repeated("/invocations", work.rows), options.seconds
            )
        with servers.empty_route(folder) as running:
            limit = _measured(
                "an empty route of the same framework", running, _repeated("/", work.claims[:1]), options.seconds
            )
        write = durable_write(folder)
    found = Figures(mine, theirs, limit, parts, write, work.loaded, options.history)
    text = report(found, PLOT)
    print(text)
    if options.write:
        draw(found, PAGE.with_name(PLOT))
        write_section("serving", text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving_speed")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--history", type=int, default=3_000, help="claims of the marketplace in the store")
    parser.add_argument("--claims", type=int, default=20_000, help="claims to score, at most")
    parser.add_argument("--write", action=argparse.BooleanOptionalAction, default=True, help="into docs/benchmarks.md")
    return parser.parse_args()


def _ours(work: Work, folder: Path, seconds: float) -> tuple[Measured, dict[int, dict[str, float]]]:
    """Ours, and the milliseconds of each part of a claim by number of connections."""
    waiting = [request("/v1/claims/score", body, work.key) for body in work.claims]
    timings, parts = {}, {}
    with servers.ours(work, folder) as running:
        for connections in CONNECTIONS:
            waiting = _after_warm_up(running, waiting)
            before = running.metrics()
            found = timings[connections] = timed(running.port, waiting, connections, seconds)
            waiting = waiting[len(found.each) + found.failed :]
            after = running.metrics()
            parts[connections] = {name: (after[name] - before[name]) * 1000 / len(found.each) for name in PARTS}
        return Measured(
            "Claimvet: history, features, score, reasons, ledger", timings, running.seconds, running.memory()
        ), parts


def _after_warm_up(running: Running, waiting: list[bytes]) -> list[bytes]:
    timed(running.port, waiting[:WARM_UP], 1, 60.0)
    return waiting[WARM_UP:]


def _measured(name: str, running: Running, requests: list[bytes], seconds: float) -> Measured:
    _after_warm_up(running, requests)
    timings = {connections: timed(running.port, requests, connections, seconds) for connections in CONNECTIONS}
    return Measured(name, timings, running.seconds, running.memory())


def _repeated(path: str, bodies: list[bytes]) -> list[bytes]:
    return [request(path, body) for body in bodies] * (300_000 // len(bodies))


def durable_write(folder: Path, rows: int = 300) -> float:
    """Milliseconds of one row committed to SQLite with a write-ahead log and `synchronous = FULL`."""
    connection = sqlite3.connect(folder / "one-write.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE ledger (number INTEGER PRIMARY KEY, answer TEXT)")
    start = time.perf_counter()
    for number in range(rows):
        connection.execute("INSERT INTO ledger VALUES (?, ?)", (number, "x" * 2_000))
    connection.close()
    return (time.perf_counter() - start) * 1000 / rows


if __name__ == "__main__":
    main()
