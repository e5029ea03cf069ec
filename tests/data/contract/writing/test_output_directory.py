"""A directory is replaced only where Claimvet made all of it, and then as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimvet.data.contract.errors import UsageError
from claimvet.data.contract.writing.output_directory import MARKER, output_directory, working_directory


def write(out: Path, command: str = "evaluate", **files: str) -> None:
    with output_directory(out, command) as filled:
        for name, text in files.items():
            (filled / name).parent.mkdir(exist_ok=True)
            (filled / name).write_text(text)


def files(out: Path) -> dict[str, str]:
    return {
        str(path.relative_to(out)): path.read_text()
        for path in out.rglob("*")
        if path.is_file() and path.name != MARKER
    }


def test_the_files_of_an_earlier_run_go_and_those_of_this_one_come(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    with output_directory(out, "train") as filled:
        (filled / "model").mkdir()
        (filled / "model" / "old.txt").write_text("old")
        (filled / "both").write_text("old")
    write(out, "train", both="new", other="new")
    assert files(out) == {"both": "new", "other": "new"}
    assert not (out / "model").exists()


@pytest.mark.parametrize("name", ["notes.txt", "deep/notes.txt", ".git/HEAD"])
def test_a_directory_with_files_of_somebody_else_is_refused_before_any_work(name: str, tmp_path: Path) -> None:
    for out in (tmp_path / "theirs", tmp_path / "ours"):
        if out.name == "ours":
            write(out, a="1")
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("mine")
        before = files(out)
        with (
            pytest.raises(UsageError, match=f"holds {name}, which claimvet did not write"),
            output_directory(out, "evaluate"),
        ):
            pytest.fail("work began")
        assert files(out) == before


def test_what_another_command_wrote_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "out", "train", model="1")
    with pytest.raises(
        UsageError, match=r"holds what `claimvet train` wrote, expected .* an earlier `claimvet evaluate`"
    ):
        write(tmp_path / "out", "evaluate", figures="2")
    assert files(tmp_path / "out") == {"model": "1"}


def test_a_foreign_file_that_comes_while_the_work_is_done_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, a="1")
    with pytest.raises(UsageError, match="holds mine"), output_directory(out, "evaluate") as filled:  # noqa: PT012
        (filled / "a").write_text("2")
        (out / "mine").write_text("mine")
    assert files(out) == {"a": "1", "mine": "mine"}


def test_a_failure_leaves_an_earlier_run_as_it_was_and_no_new_directory(tmp_path: Path) -> None:
    write(tmp_path / "old", a="1")
    for out in (tmp_path / "old", tmp_path / "new" / "deep"):
        with pytest.raises(ValueError, match="half-way"), output_directory(out, "evaluate") as filled:  # noqa: PT012
            (filled / "a").write_text("2")
            raise ValueError("half-way")
    assert files(tmp_path / "old") == {"a": "1"}
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_an_empty_directory_a_link_to_one_and_one_that_git_keeps_are_filled(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / ".gitignore").write_text("/a\n")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", a="1")
    write(tmp_path / "link", b="2")
    assert files(tmp_path / "real") == {"b": "2", ".gitignore": "/a\n"}
    assert (tmp_path / "link").is_symlink()


def test_a_link_inside_is_removed_and_never_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "kept").write_text("kept")
    with output_directory(tmp_path / "out", "evaluate") as filled:
        (filled / "link").symlink_to(tmp_path / "theirs")
    write(tmp_path / "out", a="1")
    assert (files(tmp_path / "out"), files(tmp_path / "theirs")) == ({"a": "1"}, {"kept": "kept"})


def test_a_working_directory_goes_with_its_failure_and_stays_for_the_next_run(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    with pytest.raises(ValueError, match="half-way"), working_directory(out, "demo") as work:  # noqa: PT012
        (work / "a").write_text("1")
        raise ValueError("half-way")
    assert list(tmp_path.iterdir()) == []
    for text in ("1", "2"):
        with working_directory(out, "demo") as work:
            (work / "a").write_text(text)
    (out / "mine").write_text("mine")
    with pytest.raises(UsageError, match="holds mine"), working_directory(out, "demo"):
        pytest.fail("work began")
    assert files(out) == {"a": "2", "mine": "mine"}
