"""Clients that are generated from the document compile and run, and the field's linters find no error in it.

Java's own client runs in `test_refusals`. `make clients` installs what is needed here; without it these tests are left out, and say so.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from claimvet.scoring_service.http.document.openapi import document
from tests.scoring_service.endpoint.running import PHOTO, Endpoint, claim

pytestmark = pytest.mark.slow
CLIENTS = Path(__file__).resolve().parents[1] / "clients"
MODULES = CLIENTS / "node_modules"
GENERATOR = CLIENTS / ".venv" / "bin" / "openapi-python-client"


def run(command: list[str | Path], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A folder with the document and everything of npm."""
    if shutil.which("node") is None or not MODULES.is_dir():
        pytest.skip("packages of npm are missing, expected node 20 or newer and `make clients`")
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for name in ("claim.ts", "tsconfig.json", ".spectral.yaml"):
        shutil.copy(CLIENTS / name, tmp_path)
    (tmp_path / "openapi.json").write_text(json.dumps(document()))
    return tmp_path


def tool(name: str) -> Path:
    return MODULES / ".bin" / name


def assert_scored(said: str, claim_id: str) -> None:
    found: dict[str, Any] = json.loads(said)
    assert (found["status"], found["claim_id"]) == (200, claim_id)
    assert found["reasons"] > 0


def test_types_of_openapi_typescript_compile_strictly_and_the_client_runs(endpoint: Endpoint, node: Path) -> None:
    run([tool("openapi-typescript"), "openapi.json", "-o", "schema.d.ts"], node)
    run([tool("tsc"), "-p", "."], node)
    asked: list[str | Path] = [
        "node",
        "claim.js",
        str(endpoint.http.base_url),
        endpoint.intake.headers["authorization"],
    ]
    assert_scored(run(asked, node), "CL-TS")


def test_the_client_of_openapi_python_client_runs(endpoint: Endpoint, tmp_path: Path) -> None:
    if not GENERATOR.is_file():
        pytest.skip("openapi-python-client is missing, expected `make clients`")
    (tmp_path / "openapi.json").write_text(json.dumps(document()))
    shutil.copy(CLIENTS / "claim_client.py", tmp_path)
    said = run(
        [GENERATOR, "generate", "--path", "openapi.json", "--meta", "none", "--output-path", "claimvet_client"],
        tmp_path,
    )
    assert "WARNING" not in said
    body = json.dumps(claim("CL-PY", evidence=[PHOTO], x_score=1.5))
    asked = [str(endpoint.http.base_url), endpoint.intake.headers["authorization"], body]
    assert_scored(run([GENERATOR.with_name("python"), "claim_client.py", *asked], tmp_path), "CL-PY")


def test_spectral_and_redocly_find_no_error(node: Path) -> None:
    run([tool("spectral"), "lint", "openapi.json", "-r", ".spectral.yaml"], node)
    run([tool("redocly"), "lint", "openapi.json"], node)
