"""Every command that asks MLflow, where nobody listens or something else answers: one sentence, status 1, nothing written."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from claimvet.pipeline.cli.main import main
from tests.models.registry.mlflow_server import FaultyProxy, free_port
from tests.pipeline.cli.test_every_command_fails_well import RECIPES
from tests.pipeline.validate.good_data import make_tables, write_parquet

pytestmark = pytest.mark.slow

ASKING = ["monitor", "promote", "rollback", "score", "train"]
"""`serve` asks in a process of its own and goes on; `tests/scoring_service/endpoint/test_degraded.py` has it."""


class Babble(socketserver.BaseRequestHandler):
    """Something that listens and speaks no HTTP."""

    def handle(self) -> None:
        """Greet as a mail server does."""
        self.request.recv(1024)
        self.request.sendall(b"220 mail.example ESMTP\r\n\x00\xff")


@pytest.fixture(params=["refused", "no HTTP", "a page"])
def registry(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of what is no MLflow server."""
    if request.param == "refused":
        yield f"http://127.0.0.1:{free_port()}"
    elif request.param == "a page":
        proxy = FaultyProxy(0, lambda number, method, path: "html")
        yield proxy.url
        proxy.stop()
    else:
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Babble) as server:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
            yield f"http://ada:secret@127.0.0.1:{server.server_address[1]}"
            server.shutdown()


@pytest.mark.parametrize("command", ASKING)
def test_it_is_told_before_any_work(
    command: str, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    data = write_parquet(make_tables(), tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    given = RECIPES[command].format(data=data, file=data / "claims.parquet", out="out", store="")
    before = sorted(tmp_path.rglob("*"))
    status, said = main([*command.split(), *given.split()]), capfd.readouterr()
    assert (status, said.out) == (1, "")
    told = said.err.splitlines()[-1]
    shown = registry.replace("ada:secret@", "")
    assert told.startswith(
        (f"claimvet: MLflow at {shown} cannot be reached to ", f"claimvet: MLflow at {shown} could not ")
    )
    assert "secret" not in said.err
    assert "unexpected" not in said.err
    assert sorted(tmp_path.rglob("*")) == before
