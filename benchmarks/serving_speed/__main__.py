"""Runs the comparison and writes its section of docs/benchmarks.md; `make bench-serving`."""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from pathlib import Path

from benchmarks.page import PAGE, write_section
from benchmarks.serving_speed import servers
from benchmarks.serving_speed.client import request
from benchmarks.serving_speed.report import Figures, draw, report
from benchmarks.serving_speed.turns import Asked, take_turns
from benchmarks.serving_speed.work import make

CONNECTIONS = (1, 16)
_MINE = "Claimvet: history, features, score, reasons, ledger"
_THEIRS = "`mlflow models serve`, predicts only"
_LIMIT = "an empty route of the same framework"
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
        with servers.ours(work, folder) as ours, servers.mlflows(folder) as mlflows:
            mine = Asked(_MINE, ours, [request("/v1/claims/score", body, work.key) for body in work.claims])
            theirs = Asked(_THEIRS, mlflows, _repeated("/invocations", work.rows))
            take_turns([mine, theirs], CONNECTIONS, options.seconds)
            measured = mine.measured(), theirs.measured()
        with servers.empty_route(folder) as running:
            limit = Asked(_LIMIT, running, _repeated("/", work.claims[:1]))
            take_turns([limit], CONNECTIONS, options.seconds)
            fastest = limit.measured()
        write = durable_write(folder)
    found = Figures(*measured, fastest, mine.parts(), write, work.loaded, options.history)
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
