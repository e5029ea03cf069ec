"""A server at the limits that systemd gives a service: it serves beside a thousand silent connections, and a stop has a bound."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from claimvet.scoring_service.store import EventStore
from tests.scoring_service.endpoint.process import ServerProcess
from tests.scoring_service.endpoint.running import claim, keys_of, until

pytestmark = pytest.mark.slow
SILENT = 1_100


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != -1 and hard < 3 * SILENT:
        pytest.skip(f"the hard limit of open files is {hard}, expected {3 * SILENT} for this test's own connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize("limit", ["ulimit -Sn 1024", "ulimit -n 1024"], ids=["raised", "hard"])
def test_a_thousand_silent_connections_keep_nobody_out(tmp_path: Path, model: Path, limit: str) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    store = EventStore.open(url)
    key = next(iter(keys_of(store).values()))
    store.close()
    server = ServerProcess(url, model, tmp_path, shell=limit)
    server.start()
    try:
        server.wait_ready()
        with ExitStack() as silent:
            for _ in range(SILENT):
                silent.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            answer = httpx.post(
                f"{server.address}/v1/claims/score",
                json=claim("CL-CROWD"),
                headers={"authorization": f"Bearer {key}"},
                timeout=10,
            )
            metrics = httpx.get(f"{server.address}/metrics").text
        assert answer.status_code == 200
        crowded = limit == "ulimit -n 1024"
        assert ('claimvet_connections_closed_total{why="idle"}' in metrics) == crowded
        assert ("connections closed at the limit" in server.log.read_text()) == crowded
        assert server.stop() == 0
    finally:
        server.kill()


def fetchers(server: ServerProcess) -> list[int]:
    """Processes that fetch a model for the server."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            parent = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == server.pid and b"fetch_process" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


def lives(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


@pytest.mark.parametrize("killed", [False, True], ids=["SIGTERM", "SIGKILL"])
def test_a_stop_does_not_wait_for_mlflow_and_ends_the_process_that_asks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=50) as mlflow:  # takes connections, and says nothing
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{mlflow.getsockname()[1]}")
        url = f"sqlite:///{tmp_path / 'store.db'}"
        server = ServerProcess(url, "models:/claimvet@champion", tmp_path)
        server.start()
        try:
            until(lambda: server.answers("/healthz") == 200, 60)
            until(lambda: fetchers(server), 60)
            running = fetchers(server)
            begun = time.monotonic()
            if killed:
                server.kill()
            else:
                assert server.stop() == 0
            until(lambda: not any(lives(pid) for pid in running), 15)
            assert time.monotonic() - begun < 15
        finally:
            server.kill()


def test_a_stop_does_not_wait_for_clients_either(tmp_path: Path, model: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    store = EventStore.open(url)
    key = next(iter(keys_of(store).values()))
    store.close()
    server = ServerProcess(url, model, tmp_path)
    server.start()
    head = f"POST /v1/claims/score HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    try:
        server.wait_ready()
        with ExitStack() as open_:
            for sent in (
                head + "Content-Length: 99\r\n\r\n{",
                head,
                "",
                "\0\0\r\n\r\n",
                "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
            ):
                wire = open_.enter_context(socket.create_connection(("127.0.0.1", server.port)))
                wire.sendall(sent.encode())
            time.sleep(0.3)
            begun = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - begun < 15
    finally:
        server.kill()
