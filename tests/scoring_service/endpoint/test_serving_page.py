"""What docs/serving.md says is so: its commands run as they are printed, and its limits are those of the code."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from claimvet.data.marketplace import generate
from claimvet.models.registry import registry
from claimvet.scoring_service import service
from claimvet.scoring_service.auth import authentication
from claimvet.scoring_service.decisions.write_queue import FAILED_SECONDS
from claimvet.scoring_service.errors import UnavailableError
from claimvet.scoring_service.http import server
from claimvet.scoring_service.http.connection import connections
from claimvet.scoring_service.http.document import examples
from claimvet.scoring_service.http.parsing import request_parsing
from claimvet.scoring_service.model_loading import loaded_model
from claimvet.scoring_service.service import ServiceSettings
from claimvet.scoring_service.store.db import database
from tests.models.registry.champions import make_champion
from tests.models.registry.stores import new_store
from tests.scoring_service.endpoint.process import free_port
from tests.scoring_service.endpoint.running import until
from tests.scoring_service.endpoint.small_model import small_model

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "serving.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())
SETTINGS = ServiceSettings()
FIRST_COMMANDS = re.findall(r"^ {4}(\S.*?)(?: {2,}#.*)?$", PAGE.split("\n## ")[0], re.MULTILINE)

NUMBERS = ("", "one", "two", "three", "four", "five")


@pytest.mark.parametrize(
    "sentence",
    [
        f"{request_parsing.MAX_CLAIM_BYTES // 10**6} MB and {request_parsing.MAX_EVIDENCE:,} pieces of evidence a claim",
        f"{request_parsing.MAX_EVENT_BYTES // 10**6} MB and {request_parsing.MAX_EVENTS:,} events a request",
        f"a head has {connections.MAX_HEAD_BYTES // 1000} kB and {connections.PATIENCE_SECONDS:g} seconds to arrive",
        f"a body {request_parsing.BODY_SECONDS:g} seconds",
        f"who leaves answers unread for {connections.PATIENCE_SECONDS:g} seconds",
        f"An answer takes at most {SETTINGS.answer_seconds:g} seconds",
        f"held by somebody for more than {database.WAIT_SECONDS} seconds",
        f"counts as missing for {FAILED_SECONDS:g} seconds",
        f"Keys that were good in the last {NUMBERS[round(authentication.TRUSTED_SECONDS / 60)]} minutes",
        f"looked up in MLflow every {SETTINGS.follow_seconds:g} seconds",
        f"every {SETTINGS.check_seconds / 60:g} minutes (`--check`)",
        f"computes the features of {SETTINGS.check_decisions} first",
        f"answers what is under way for up to {server.DRAIN_SECONDS} seconds",
    ],
)
def test_a_figure_of_the_page_is_that_of_the_code(sentence: str) -> None:
    assert sentence in WORDS


def test_figures_in_words_are_those_of_the_code() -> None:
    assert authentication.REMEMBERED_SECONDS == 1 / 5
    assert "takes a fifth of a second to notice" in WORDS
    assert loaded_model.LOOKS_BEFORE_AGAIN * SETTINGS.follow_seconds == 60
    assert "not tried again for a minute" in WORDS
    assert service._CHECKPOINT_SECONDS == 3
    assert "it is emptied every three seconds" in WORDS
    assert database.WAL_BYTES == 80_000_000
    assert "may grow to some 80 MB" in WORDS
    assert "retry-after" in {name.lower() for name in UnavailableError("no").headers}
    assert "are 503 with `Retry-After`" in WORDS


@pytest.mark.slow
def test_the_first_commands_run_as_they_are_printed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "claim.json").write_text(json.dumps(examples.CLAIM, indent=2))
    new_store(tmp_path_factory, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    make_champion(registry.register(small_model(), tmp_path / "evaluation", {}, {}, {}))
    generate(tmp_path / "world", 100, 5)
    keys, load, serve, curl = FIRST_COMMANDS
    port = free_port()
    key = subprocess.run(shlex.split(keys), capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(shlex.split(load.replace("DIR", "world")), capture_output=True, check=True)
    command = [*shlex.split(serve), "--port", str(port)]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stderr=log, env=dict(os.environ)) as process:
        try:
            until(lambda: _ready(f"http://127.0.0.1:{port}/readyz"))
            state = httpx.get(f"http://127.0.0.1:{port}/readyz").json()
            ask = shlex.split(curl.replace("KEY", key).replace(":8080", f":{port}"))
            answered = subprocess.run([*ask, "--silent", "--show-error"], capture_output=True, check=True)
        finally:
            process.terminate()
    assert process.returncode == 0
    assert (state["model_uri"], state["model_version"]) == ("models:/claimvet/1", small_model().version)
    assert state["latest_events"]["orders"] is not None
    score = json.loads(answered.stdout)
    assert (score["claim_id"], score["model_version"]) == (examples.CLAIM["claim_id"], small_model().version)


def _ready(address: str) -> bool:
    try:
        return httpx.get(address).status_code == 200
    except httpx.TransportError:
        return False
