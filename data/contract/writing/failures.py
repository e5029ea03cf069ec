"""What a file system says when it cannot be written to, as one sentence."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from claimvet.data.contract.errors import OutputError

_CANNOT_WRITE = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EFBIG,
    errno.EIO,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ELOOP,
)
_SCRATCH = re.compile(r"\.claimvet-\w{16}\.aside")


def scratch_name(token: str) -> str:
    """Return the name of a scratch directory; `token` has 16 letters or digits."""
    return f".claimvet-{token}.aside"


def is_scratch(name: str) -> bool:
    """Return whether a file's name is one that `scratch_name` gives.

    >>> is_scratch(".claimvet-a1b2c3d4e5f60718.aside"), is_scratch("claims.parquet")
    (True, False)
    """
    return _SCRATCH.fullmatch(name) is not None


@contextmanager
def write_failures_explained(out: Path) -> Iterator[None]:
    """Raise `OutputError` with the name of `out` where the file system refuses to take it; any other error as it is.

    So is one about a scratch file: who writes the file or directory that it is for knows the name that a person gave.
    """
    try:
        yield
    except (OSError, duckdb.IOException) as error:
        reason = write_failure(error, out)
        if reason is None or any(is_scratch(part) for part in out.parts):
            raise
        raise OutputError(f"{out} cannot be written: {reason}") from error


def write_failure(error: Exception, out: Path | None = None) -> str | None:
    """Return what the file system said, such as `no space left on device`; None where the error is about something else.

    An error that names a file is about that file: where `out` is given it has to lie beside or below it. DuckDB and Arrow put the
    system's words into theirs.

    >>> write_failure(OSError(28, "No space left on device"))
    'no space left on device'
    """
    number = error.errno if isinstance(error, OSError) else None
    text = str(error)
    if number is None:
        number = next((each for each in _CANNOT_WRITE[:4] if os.strerror(each) in text), None)
    if number not in _CANNOT_WRITE:
        return None
    named = getattr(error, "filename", None)
    if named is None and number not in _CANNOT_WRITE[:5]:
        return None
    if named is not None and out is not None and not _is_near(str(named), out):
        return None
    return os.strerror(number).lower()


def _is_near(named: str, out: Path) -> bool:
    folder = Path(os.path.realpath(out)).parent
    path = Path(os.path.realpath(named))
    return path.is_relative_to(folder) or folder.is_relative_to(path)
