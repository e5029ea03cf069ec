"""Atomic writes: a file appears whole or not at all, and what a killed process left is cleared by the next run.

Files are made in a scratch directory beside their place, which is locked for as long as its process lives, and then renamed. So
a scratch directory that nobody holds belongs to a process that was killed. Renames of one directory's files happen one run at a time.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from claimvet.data.contract.writing.failures import is_scratch, scratch_name, write_failures_explained


@contextmanager
def atomic_write(out: Path) -> Iterator[Path]:
    """Yield a path to write to; the file takes the place of `out` where all goes well, and vanishes otherwise.

    Where `out` is a link, the file that it points to is replaced and the link stays. The permissions of a file that is replaced are
    kept. Missing directories above it are made.

    Raises:
        OutputError: where the disk is full, read-only, or may not be written to.
    """
    with atomic_writes(out) as (aside,):
        yield aside


@contextmanager
def atomic_writes(*outs: Path) -> Iterator[tuple[Path, ...]]:
    """As `atomic_write`, for files that belong together: of two runs at the same time, all files are those of one of them."""
    targets = [real_path(out) for out in outs]
    with write_failures_explained(outs[0]), ExitStack() as stack:
        scratch = {folder: stack.enter_context(scratch_in(folder)) for folder in {target.parent for target in targets}}
        asides = tuple(scratch[target.parent] / target.name for target in targets)
        yield asides
        with one_at_a_time(targets[0].parent):
            for aside, target in zip(asides, targets, strict=True):
                _commit(aside, target)


def real_path(path: Path) -> Path:
    """Return where the bytes of `path` lie or would lie: absolute, and behind all links."""
    return Path(os.path.realpath(path))


@contextmanager
def scratch_in(folder: Path) -> Iterator[Path]:
    """Yield a new hidden directory in `folder`, which is made where it is missing; what killed processes left there is removed first."""
    with made_directory(folder):
        remove_leftovers(folder)
        scratch, lock = folder / scratch_name(secrets.token_hex(8)), None
        try:  # from before it is made: a signal may come at any time
            scratch.mkdir(mode=0o700)
            lock = _locked(scratch)
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            if lock is not None:
                os.close(lock)


@contextmanager
def made_directory(folder: Path) -> Iterator[None]:
    """Make a directory and those above it that are missing; on an error remove what was made, as far as it is empty."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for path in missing:
            with suppress(OSError):
                path.rmdir()
        raise


def remove_leftovers(folder: Path) -> None:
    """Remove the scratch directories in `folder` that no living process holds."""
    for path in folder.iterdir():
        if is_scratch(path.name) and path.is_dir() and not path.is_symlink():
            lock = _locked(path)
            if lock is not None:
                shutil.rmtree(path, ignore_errors=True)
                os.close(lock)


def _locked(directory: Path) -> int | None:
    """Return a descriptor that holds the lock of a directory; None where somebody else has it, or there are no locks there."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait until no other process renames files in `folder`, and keep others waiting; at once where there are no locks there."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not is_scratch(folder.name):  # which this process holds already, and nobody else looks at
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _commit(aside: Path, target: Path) -> None:
    with suppress(FileNotFoundError):
        aside.chmod(stat.S_IMODE(target.stat().st_mode))
    fsync(aside)
    aside.replace(target)


def fsync(file: Path) -> None:
    """Wait until the bytes of a file are on the disk, so that after a power cut its name never stands for less."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
