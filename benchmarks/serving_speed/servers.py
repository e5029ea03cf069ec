"""The servers that are compared, each a process of its own on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.serving_speed.work import Work
from claimvet.models.registry.lifecycle import Entry, Event, promote_version
from claimvet.models.registry.registry import CARD_FILE, register
from claimvet.models.scoring.claim_model import ClaimModel

_BIN = Path(sys.executable).parent
_SECONDS_TO_START = 90


@dataclass(frozen=True)
class Running:
    """A server that answers; `seconds` from its start until it did. `tells`: it has metrics of the parts of a claim."""

    process: subprocess.Popen[bytes]
    port: int
    seconds: float
    tells: bool = False

    def memory(self) -> float:
        """Resident memory of the process and its children, in megabytes."""
        listed = subprocess.run(["ps", "-eo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True).stdout
        rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
        family = {self.process.pid}
        while more := {pid for pid, parent, _ in rows if parent in family} - family:
            family |= more
        return sum(rss for pid, _, rss in rows if pid in family) / 1024

    def metrics(self) -> dict[str, float]:
        """Seconds so far by part of a claim; nothing of a server that does not tell."""
        if not self.tells:
            return {}
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics").read().decode()
        lines = (line for line in text.splitlines() if line.startswith("claimvet_part_seconds_sum"))
        return {line.split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in lines}


@contextmanager
def ours(work: Work, folder: Path) -> Iterator[Running]:
    """`claimvet serve`, with the model from MLflow's registry; the self-check, which takes a core, is off."""
    options: list[str | Path] = [_BIN / "claimvet", "serve", "--store", work.store_url, "--check", "0"]
    with _started([*options, "--port"], folder, "/readyz") as running:
        yield replace(running, tells=True)


@contextmanager
def mlflows(folder: Path) -> Iterator[Running]:
    """`mlflow models serve` of the same model."""
    program: list[str | Path] = [
        _BIN / "mlflow",
        "models",
        "serve",
        "-m",
        "models:/claimvet@champion",
        "--env-manager",
        "local",
        "-w",
        "1",
        "-p",
    ]
    with _started(program, folder, "/ping") as running:
        yield running


@contextmanager
def empty_route(folder: Path) -> Iterator[Running]:
    """The same framework with a route that does nothing."""
    program: list[str | Path] = [sys.executable, "-m", "benchmarks.serving_speed.empty_route"]
    with _started(program, folder, "/readyz") as running:
        yield running


def publish(work: Work, folder: Path) -> None:
    """Registers the model as champion in a registry of its own."""
    (folder / "evaluation").mkdir()
    (folder / "evaluation" / CARD_FILE).write_text("Grown to be compared for speed; it decides on nobody.\n")
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder / 'mlflow.db'}"
    os.chdir(folder)
    number = register(ClaimModel.load(work.model), folder / "evaluation", {}, {}, {})
    entry = Entry(Event.PROMOTED, number, "benchmark", datetime.now(UTC), "to be measured")
    promote_version(entry, {}, {}, before=None)


@contextmanager
def _started(program: Sequence[str | Path], folder: Path, ready: str) -> Iterator[Running]:
    port = _free_port()
    root = Path(__file__).resolve().parents[2]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {**inherited, "PYTHONPATH": str(root), "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}"}
    start = time.perf_counter()
    with (folder / f"server-{port}.log").open("wb") as log:
        process = subprocess.Popen(
            [*program, str(port)], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}{ready}", folder / f"server-{port}.log")
        yield Running(process, port, time.perf_counter() - start)
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.perf_counter() + _SECONDS_TO_START
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if process.poll() is not None or time.perf_counter() > end:
                raise RuntimeError(f"the server does not answer at {address}: {log.read_text()[-2000:]}") from None
            time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
