"""A file appears whole or not at all, and what a killed process had begun goes away with the next run."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from claimvet.data.contract.errors import OutputError
from claimvet.data.contract.writing.atomic_write import atomic_write, atomic_writes, scratch_in

WAITS = (
    "import sys, time; from pathlib import Path; from claimvet.data.contract.writing.atomic_write import atomic_write\n"
    "with atomic_write(Path(sys.argv[1])) as aside:\n"
    "    aside.write_text('half'); print('ready', flush=True); time.sleep(60)"
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_its_place_when_it_is_complete(tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    out.write_text("old")
    with atomic_write(out) as aside:
        aside.write_text("new")
        assert out.read_text() == "old"
    assert (out.read_text(), names(tmp_path)) == ("new", ["scores.csv"])


def test_a_failure_leaves_what_was_there_and_no_directory_that_was_made_for_it(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("old")
    for out in (tmp_path / "scores.csv", tmp_path / "a" / "b" / "scores.csv"):
        with pytest.raises(ValueError, match="half-way"), atomic_write(out) as aside:  # noqa: PT012
            aside.write_text("ne")
            raise ValueError("half-way")
    assert (names(tmp_path), (tmp_path / "scores.csv").read_text()) == (["scores.csv"], "old")


def test_a_link_stays_and_what_it_points_to_gets_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    real, link, dangling = tmp_path / "disk" / "real.csv", tmp_path / "link.csv", tmp_path / "dangling.csv"
    real.write_text("old")
    link.symlink_to(real)
    dangling.symlink_to("disk/later.csv")
    for out in (link, dangling):
        with atomic_write(out) as aside:
            aside.write_text("new")
    assert link.is_symlink()
    assert dangling.is_symlink()
    assert [path.read_text() for path in (real, tmp_path / "disk" / "later.csv")] == ["new", "new"]
    assert names(tmp_path) == ["dangling.csv", "disk", "link.csv"]


def test_permissions_are_those_of_the_replaced_file_or_of_the_umask(tmp_path: Path) -> None:
    kept, new = tmp_path / "kept.csv", tmp_path / "new.csv"
    kept.touch()
    kept.chmod(0o640)
    before = os.umask(0o027)
    try:
        for out in (kept, new):
            with atomic_write(out) as aside:
                aside.write_text("x")
    finally:
        os.umask(before)
    assert [oct(path.stat().st_mode & 0o777) for path in (kept, new)] == ["0o640", "0o640"]
    kept.chmod(0o604)
    with atomic_write(kept) as aside:
        aside.write_text("y")
    assert oct(kept.stat().st_mode & 0o777) == "0o604"


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    killed = subprocess.Popen([sys.executable, "-c", WAITS, str(out)], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    assert killed.stdout.readline() == "ready\n"
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    killed.stdout.close()
    (leftover,) = names(tmp_path)
    (tmp_path / ".claimvet-notes.aside").mkdir()  # somebody else's: no name that is given here
    with scratch_in(tmp_path) as living:
        assert names(tmp_path) == sorted([".claimvet-notes.aside", living.name])
        with atomic_write(out) as aside:
            aside.write_text("whole")
        assert living.is_dir()
        assert leftover not in names(tmp_path)
    assert names(tmp_path) == [".claimvet-notes.aside", "scores.csv"]


def test_files_that_belong_together_are_all_of_one_run(tmp_path: Path) -> None:
    outs = (tmp_path / "a", tmp_path / "b")
    script = (
        "import sys; from pathlib import Path; from claimvet.data.contract.writing.atomic_write import atomic_writes\n"
        "for turn in range(40):\n"
        "    with atomic_writes(*map(Path, sys.argv[2:])) as asides:\n"
        "        for aside in asides: aside.write_text(f'{sys.argv[1]} {turn}')"
    )
    runs = [subprocess.Popen([sys.executable, "-c", script, name, *map(str, outs)]) for name in "xy"]
    assert [run.wait() for run in runs] == [0, 0]
    assert outs[0].read_text() == outs[1].read_text()
    assert names(tmp_path) == ["a", "b"]


def test_a_scratch_directory_takes_atomic_writes_itself(tmp_path: Path) -> None:
    with scratch_in(tmp_path) as scratch, atomic_write(scratch / "features.parquet") as aside:
        aside.write_text("x")
    assert names(tmp_path) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_file_system_that_refuses_becomes_one_sentence(number: int, tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    with (
        pytest.raises(OutputError, match=rf"scores\.csv cannot be written: {os.strerror(number).lower()}"),
        atomic_write(out),
    ):
        raise OSError(number, os.strerror(number))
    assert names(tmp_path) == []


def test_an_error_about_another_file_stays_what_it_is(tmp_path: Path) -> None:
    elsewhere = PermissionError(errno.EACCES, "Permission denied", "/elsewhere/claims.parquet")
    with pytest.raises(PermissionError, match="elsewhere"), atomic_writes(tmp_path / "scores.csv"):
        raise elsewhere
