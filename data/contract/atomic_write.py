"""Files appear whole or not at all: written under another name beside their place, then renamed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(out: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of the file `out` when all went well and vanishes otherwise.

    What processes that were killed had begun to write for the same `out` is removed first.
    """
    _remove_leftovers(out)
    aside = out.with_name(f".{out.name}.{os.getpid()}.aside")
    try:
        yield aside
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)


def _remove_leftovers(out: Path) -> None:
    form = re.compile(re.escape(f".{out.name}.") + r"(\d+)\.aside")
    for path in out.parent.iterdir():
        found = form.fullmatch(path.name)
        if found and not _is_running(int(found.group(1))):
            path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
