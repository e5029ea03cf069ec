"""The systemd unit and the Containerfile stand up to their linters."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
HADOLINT = Path(sys.executable).with_name("hadolint")
"""Of the development requirements, so that it is never left out."""
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
    checked = subprocess.run([HADOLINT, DEPLOY / "Containerfile"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_text("FROM debian\nRUN cd /tmp\n")
    checked = subprocess.run([HADOLINT, tmp_path / "Containerfile"], capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    assert "DL3006" in checked.stdout


@pytest.mark.parametrize("name", ["claimvet.service", "Containerfile"])
def test_what_is_started_is_a_command_of_ours(name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    assert INSTALLED in text
    assert "serve" in text
