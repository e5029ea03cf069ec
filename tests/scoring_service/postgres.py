"""A PostgreSQL server for tests: its own cluster in a directory for temporary files, on loopback, stopped at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECONDS_TO_START = 30


def binaries() -> Path | None:
    """Where the newest server's programs are, None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).parent if on_path else None


class Server:
    """A cluster that nobody else uses; `start` and `stop` as often as a test wants."""

    def __init__(self) -> None:
        programs = binaries()
        assert programs is not None
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="claimvet-postgres-"))
        self._run_as = ordinary_user()
        if self._run_as:
            os.chown(self._folder, int(self._run_as["user"]), int(self._run_as["group"]))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        self._run("initdb", "--auth=trust", "--username=claimvet", "--encoding=UTF8", "--locale=C", "--no-sync")

    @property
    def url(self) -> str:
        """The server's first database."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://claimvet@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Returns when the server answers."""
        options = ["-p", str(self.port), "-h", "127.0.0.1", "-k", str(self._folder), "-c", "shared_buffers=64MB"]
        program = [str(self._programs / "postgres"), "-D", str(self._data), *options]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(program, stderr=log, cwd=self._folder, **self._as())
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """At once: connections are cut, what was committed stays."""
        if self._process is not None:
            self._process.send_signal(2)
            self._process.wait(SECONDS_TO_START)
            self._process = None

    def remove(self) -> None:
        """Stop, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._folder)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _answers(self) -> bool:
        ready = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self._data), *arguments]
        done = subprocess.run(command, capture_output=True, check=False, cwd=self._folder, **self._as())
        assert done.returncode == 0, done.stderr.decode()

    def _as(self) -> dict[str, Any]:
        """PostgreSQL refuses to run as root."""
        return self._run_as


def ordinary_user() -> dict[str, Any]:
    """Whom to run the server as, nothing where whoever runs the tests will do."""
    if os.geteuid() != 0:
        return {}
    names: list[Callable[[], pwd.struct_passwd]] = [lambda: pwd.getpwnam("postgres"), lambda: pwd.getpwnam("nobody")]
    for name in names:
        try:
            user = name()
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise AssertionError("there is neither a user postgres nor nobody, expected one to run PostgreSQL as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
