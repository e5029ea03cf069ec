"""A real MLflow server on loopback, and a real HTTP proxy before it that fails the calls that a test chooses."""

from __future__ import annotations

import http.client
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

from claimvet.models.registry.lifecycle import Entry, record
from claimvet.models.registry.mlflow_store import mlflow_client
from claimvet.models.registry.model_store import NAME

SECONDS_TO_START = 60
Failure = Literal[403, 404, 500, "closed", "html", "lost", "silent"]
"""`closed`: the connection is closed and the call not passed on; `lost`: it is passed on, and its answer lost; `silent`: no answer."""
State = tuple[dict[str, str], list[dict[str, str]], list[Entry]]


SERVE = """
import os, sys, uvicorn, mlflow.server as server
os.environ[server.BACKEND_STORE_URI_ENV_VAR] = sys.argv[2]
os.environ[server.ARTIFACT_ROOT_ENV_VAR] = "mlflow-artifacts:/"
os.environ[server.SERVE_ARTIFACTS_ENV_VAR] = "true"
os.environ[server.ARTIFACTS_DESTINATION_ENV_VAR] = sys.argv[3]
uvicorn.run("mlflow.server.fastapi_app:app", host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
"""
"""What `mlflow server` runs in a second process, with what it hands over; importing MLflow in two costs six seconds."""


class MlflowServer:
    """Keeps everything in one directory, where its store `served.db` may lie already; `stop` ends it."""

    def __init__(self, root: Path) -> None:
        self.port = free_port()
        self._store = root / "served.db"
        command = [sys.executable, "-c", SERVE, str(self.port), f"sqlite:///{self._store}", str(root / "artifacts")]
        quiet = {
            **os.environ,
            "MLFLOW_TRACKING_URI": "",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        self._log = (root / "server.log").open("wb")
        self._process = subprocess.Popen(
            command, stdout=self._log, stderr=self._log, cwd=root, env=quiet, start_new_session=True
        )
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._answers():
            assert self._process.poll() is None, (root / "server.log").read_text()
            assert time.monotonic() < deadline, (root / "server.log").read_text()
            time.sleep(0.1)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def keep(self, file: Path) -> Path:
        """Copy what is in the store to a file, for `restore`."""
        _copy(self._store, file)
        return file

    def restore(self, kept: Path) -> None:
        """Put into the store, under the running server, what `keep` kept."""
        _copy(kept, self._store)

    def stop(self) -> None:
        """End the server."""
        os.killpg(self._process.pid, 15)
        self._process.wait(SECONDS_TO_START)
        self._log.close()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def _copy(source: Path, target: Path) -> None:
    """A whole SQLite file, in one transaction of the target."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target, timeout=30)) as other:
        one.backup(other)


@dataclass
class FaultyProxy:
    """Passes calls on to a port, but those for which `fails(number, method, path)` names a failure; `calls` holds all, in order."""

    target: int
    fails: Callable[[int, str, str], Failure | None] = lambda number, method, path: None
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._lock = threading.Lock()
        self._ended = threading.Event()
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def fail(self, *numbers: int, how: Failure, and_after: bool = False) -> None:
        """Count anew, and fail these calls; with `and_after` all that follow the last one, too."""
        self.calls.clear()
        last = max(numbers)
        self.fails = lambda number, method, path: how if number in numbers or (and_after and number > last) else None

    def mend(self) -> None:
        """Pass everything on from now."""
        self.calls.clear()
        self.fails = lambda number, method, path: None

    def stop(self) -> None:
        """Close the door, and let go of those that wait."""
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def _next(self, method: str, path: str) -> Failure | None:
        with self._lock:
            self.calls.append(f"{method} {path.split('?')[0]}")
            return self.fails(len(self.calls), method, path)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or the second part of an answer waits for the first one's receipt, 40 ms

            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                failure = proxy._next(self.command, self.path)
                if failure == "silent":
                    proxy._ended.wait(60)
                if failure in ("closed", "silent") or proxy._ended.is_set():
                    self._cut()
                elif failure in (None, "lost"):
                    status, kind, answer = self._asked(body)
                    self._cut() if failure == "lost" else self._send(status, kind, answer)
                else:
                    status = 200 if failure == "html" else int(failure)
                    self._send(status, "text/html", b"<html><body>the gateway says no</body></html>")

            def _asked(self, body: bytes) -> tuple[int, str, bytes]:
                connection = http.client.HTTPConnection("127.0.0.1", proxy.target, timeout=60)
                kept = {
                    name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")
                }
                connection.request(self.command, self.path, body or None, kept)
                got = connection.getresponse()
                answer = got.read()
                connection.close()
                return got.status, got.headers.get("Content-Type", "application/json"), answer

            def _send(self, status: int, kind: str, answer: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def _cut(self) -> None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def state(proxy: FaultyProxy) -> State:
    """Aliases, tags of all versions, and the record, as the server has them."""
    proxy.mend()
    with mlflow_client("show it") as client:
        aliases = {name: str(number) for name, number in client.get_registered_model(NAME).aliases.items()}
        versions = sorted(client.search_model_versions(f"name = '{NAME}'"), key=lambda one: int(one.version))
        tags = [dict(version.tags) for version in versions]
    entries = record()
    proxy.mend()
    return aliases, tags, entries


def kinds_of(calls: list[str]) -> list[str]:
    """What each call is about; files of artifacts are of one kind."""
    return [call.split("/mlflow-artifacts/")[0].split("/logged-models/")[0] for call in calls]


def one_of_each(calls: list[str]) -> list[int]:
    """The place of the first and of the last call of each kind; files of artifacts are of one kind."""
    kinds = kinds_of(calls)
    places = [[number for number, kind in enumerate(kinds, 1) if kind == each] for each in dict.fromkeys(kinds)]
    return sorted({place for each in places for place in (each[0], each[-1])})
