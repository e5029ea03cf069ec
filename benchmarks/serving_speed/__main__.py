"""Runs the comparison and writes its section of docs/benchmarks.md; `make bench-serving`."""

from __future__ import annotations

import argparse
import os
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.page import table, write_section
from benchmarks.serving_speed import servers
from benchmarks.serving_speed.client import Timings, request, timed
from benchmarks.serving_speed.servers import Running
from benchmarks.serving_speed.work import FEATURES, TREES, Work, make

CONNECTIONS = (1, 16)
WARM_UP = 50
"""Requests before those that are timed."""
_PARTS = ("parse", "features", "predict", "explain", "write")


@dataclass(frozen=True)
class Measured:
    """One server: how it did at each number of connections, its start in seconds and its memory in megabytes."""

    name: str
    timings: dict[int, Timings]
    start: float
    memory: float


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
        text = report([mine, theirs, limit], parts, durable_write(folder), options.history)
    print(text)
    if options.write:
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
            parts[connections] = {name: (after[name] - before[name]) * 1000 / len(found.each) for name in _PARTS}
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


def report(measured: list[Measured], parts: dict[int, dict[str, float]], write: float, history: int) -> str:
    """The section of the page."""
    mine, theirs, limit = measured
    rows = [
        [m.name, connections, f"{t.rate:,.0f}", f"{t.quantile(0.5):.1f}", f"{t.quantile(0.99):.1f}", t.failed]
        for m in measured
        for connections, t in m.timings.items()
    ]
    most = max(CONNECTIONS)
    ratio = mine.timings[most].rate / theirs.timings[most].rate
    of_limit = limit.timings[most].rate / mine.timings[most].rate
    split = [[name, *(f"{parts[connections][name]:.2f}" for connections in CONNECTIONS)] for name in _PARTS]
    return "\n\n".join(
        [
            "## The endpoint",
            f"`make bench-serving`: {TREES} trees in two boosters over {FEATURES} features, the same model for all, served on loopback "
            f"with the client on the same {os.cpu_count()} cores; a store with the history of {history:,} claims. Claimvet reads that "
            "history, computes the features, scores, explains, and answers when the decision is on the disk.",
            table(["server", "connections", "requests/s", "p50 ms", "p99 ms", "failed"], rows),
            f"At {most} connections Claimvet answers **{ratio:.1f} times** as many requests as `mlflow models serve`; its p99 at one "
            f"connection is **{mine.timings[1].quantile(0.99):.1f} ms**. The limit is the empty route, {of_limit:.0f} times further, "
            f"and one durable write, {write:.2f} ms here, which the requests of a moment share.",
            table(["part of a claim, ms", *(f"{connections} connections" for connections in CONNECTIONS)], split),
            table(
                ["server", "start to ready, s", "memory, MB"],
                [[m.name, f"{m.start:.1f}", f"{m.memory:.0f}"] for m in measured],
            ),
        ]
    )


if __name__ == "__main__":
    main()
