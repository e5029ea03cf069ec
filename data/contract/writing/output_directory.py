"""Directories that commands write: filled aside, then moved in whole; no file that Claimvet did not write is ever replaced or deleted.

A small file in the directory, `MARKER`, names the command that wrote it and lists what the last run wrote. The next run of the same
command replaces exactly that, and refuses a directory that holds anything else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from claimvet.data.contract.errors import UsageError
from claimvet.data.contract.writing.atomic_write import (
    fsync,
    made_directory,
    one_at_a_time,
    real_path,
    scratch_in,
)
from claimvet.data.contract.writing.checks import require_output_directory
from claimvet.data.contract.writing.failures import is_scratch, write_failures_explained

MARKER = ".claimvet-output.json"
_HARMLESS = frozenset({MARKER, f"{MARKER}.part", ".gitignore", ".gitkeep", ".DS_Store"})
"""Files that tools leave in directories of other people; they stay as they are."""
_EVERYTHING = "*"
"""Stands in the list of a directory that a run works in from its beginning: all that lies there is the run's."""


@contextmanager
def output_directory(out: Path, command: str, reads: Iterable[Path | None] = ()) -> Iterator[Path]:
    """Yield an empty directory to fill; where all goes well its files take the place of those that an earlier run left in `out`.

    Of two runs at the same time, the one that ends later wins whole. Where anything fails, `out` is as it was before.

    Raises:
        UsageError: as `require_own_directory`.
        OutputError: where the disk is full, read-only, or may not be written to.
    """
    require_own_directory(out, command, reads)
    target = real_path(out)
    with write_failures_explained(out), scratch_in(target) as scratch:
        filled = scratch / "new"
        filled.mkdir()
        yield filled
        with one_at_a_time(target):
            require_own_directory(out, command)
            _exchange(filled, target, command)


@contextmanager
def working_directory(out: Path, command: str, reads: Iterable[Path | None] = ()) -> Iterator[Path]:
    """Yield `out` itself, for a run whose files name one another by their place; a directory that it made goes where it fails.

    Raises:
        UsageError: as `require_own_directory`.
        OutputError: where the disk is full, read-only, or may not be written to.
    """
    require_own_directory(out, command, reads)
    target = real_path(out)
    with write_failures_explained(out), made_directory(target):
        is_new = not any(target.iterdir())
        try:
            _write_marker(target, command, [_EVERYTHING])
            yield target
            _write_marker(target, command, sorted(_files(target)))
        except BaseException:
            if is_new:
                _remove(target, _files(target))
                (target / MARKER).unlink(missing_ok=True)
            raise


def require_own_directory(out: Path, command: str, reads: Iterable[Path | None] = ()) -> None:
    """Raise where `out` is anything but a directory that is new, empty, or wholly written by Claimvet and read by nobody of `reads`.

    Raises:
        UsageError: where it is.
        OutputError: where there is no directory to write to, or no permission.
    """
    require_output_directory(out, reads)
    target = real_path(out)
    if not target.is_dir():
        return
    writer, known = _written_by(target)
    foreign = next((name for name in _files(target) if name not in known and _EVERYTHING not in known), None)
    expected = f"expected a new or empty directory, or one of an earlier `claimvet {command}`"
    if foreign is not None:
        raise UsageError(f"{out} holds {foreign}, which claimvet did not write, {expected}")
    if writer not in (command, None):
        raise UsageError(f"{out} holds what `claimvet {writer}` wrote, {expected}")


def _written_by(target: Path) -> tuple[str | None, set[str]]:
    """Return the command that wrote a directory, and the names of its files; None and no names where no marker says so."""
    try:
        marker = json.loads((target / MARKER).read_text(encoding="utf-8"))
        return str(marker["command"]), {str(name) for name in marker["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None, set()


def _files(target: Path) -> Iterator[str]:
    """Yield names of all files and links below a directory, relative to it, but for what is no output."""
    for folder, folders, names in os.walk(target):
        folders[:] = [name for name in folders if not is_scratch(name)]
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in (*names, *links):
            if name not in _HARMLESS:
                yield Path(folder, name).relative_to(target).as_posix()


def _exchange(filled: Path, target: Path, command: str) -> None:
    made, before = sorted(_files(filled)), set(_files(target))
    _write_marker(target, command, sorted({*made, *before}))
    _remove(target, before.difference(made))
    for name in made:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        fsync(filled / name)
        (filled / name).replace(target / name)
    _write_marker(target, command, made)


def _remove(target: Path, names: Iterable[str]) -> None:
    """Remove files, and the directories that are empty then."""
    for name in list(names):
        (target / name).unlink()
        for folder in (target / name).parents:
            if folder == target:
                break
            with suppress(OSError):
                folder.rmdir()


def _write_marker(target: Path, command: str, names: list[str]) -> None:
    note = "Written by claimvet. The next run with this directory as its output replaces the files that are listed, and no other."
    aside = target / f"{MARKER}.part"
    text = json.dumps({"command": command, "note": note, "files": names}, indent=1) + "\n"
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(target / MARKER)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
