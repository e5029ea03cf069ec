"""A file appears whole or not at all, and what a killed process had begun goes away with the next run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from claimvet.data.contract.writing.atomic_write import atomic_write


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_its_place_when_it_is_complete(tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    out.write_text("old")
    with atomic_write(out) as aside:
        aside.write_text("new")
        assert (out.read_text(), aside.parent) == ("old", tmp_path)
    assert (out.read_text(), names(tmp_path)) == ("new", ["scores.csv"])


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    out.write_text("old")

    def fail() -> None:
        with atomic_write(out) as aside:
            aside.write_text("ne")
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        fail()
    assert (out.read_text(), names(tmp_path)) == ("old", ["scores.csv"])


def test_what_a_killed_process_left_is_removed_and_what_a_running_one_writes_is_not(tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    leftover = tmp_path / f".scores.csv.{int(gone.stdout)}.aside"
    running = tmp_path / f".scores.csv.{os.getppid()}.aside"
    other = tmp_path / f".other.csv.{int(gone.stdout)}.aside"
    for path in (leftover, running, other):
        path.touch()
    with atomic_write(out) as aside:
        aside.touch()
    assert names(tmp_path) == sorted([other.name, running.name, "scores.csv"])
