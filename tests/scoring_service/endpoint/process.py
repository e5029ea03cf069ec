"""The endpoint as a process of its own, which can be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx

from tests.scoring_service.endpoint.running import until

CLAIMVET = Path(sys.executable).with_name("claimvet")


class ServerProcess:
    """`claimvet serve` on a port of its own."""

    def __init__(self, url: str, model: Path | str, folder: Path, *options: str, shell: str = "") -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"server-{self.port}.log"
        self._options = ["--store", url, "--model", str(model), "--check", "0", "--port", str(self.port), *options]
        self._folder = folder
        self._shell = shell  # what is done before, such as `ulimit -n 1024`
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns at once; see `wait_ready`."""
        with self.log.open("ab") as log:
            self._process = _started(self._options, self._folder, log, self._shell)

    def wait_ready(self) -> None:
        """Returns when claims can be scored."""
        until(self._is_ready, 60)

    def kill(self) -> None:
        """Kill -9: nothing is ended in order."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process is not None
        return self._process.pid

    def answers(self, path: str) -> int | None:
        """The status that it answers with; None where it does not listen yet."""
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"{self.address}{path}").status_code
        except httpx.TransportError:
            return None

    def _is_ready(self) -> bool:
        return self.answers("/readyz") == 200


def _started(options: list[str], folder: Path, log: IO[bytes], shell: str = "") -> subprocess.Popen[bytes]:
    command = ["sh", "-c", f'{shell}; exec "$@"', "sh"] if shell else []
    return subprocess.Popen([*command, CLAIMVET, "serve", *options], cwd=folder, stderr=log, env=dict(os.environ))


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def processes(count: int, url: str, model: Path, folder: Path) -> Iterator[list[ServerProcess]]:
    """Several instances on one store, ready; killed at the end."""
    servers = [ServerProcess(url, model, folder) for _ in range(count)]
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.wait_ready()
        yield servers
    finally:
        for server in servers:
            server.kill()
