"""Progress of long work on stderr: bars and spinners on a terminal, plain lines elsewhere (a log, a test, `dvc repro`).

>>> from pipeline.progress import step, track
>>> with step("Reading claims"):
...     rows = [row for row in track(range(3), "claims", total=3)]
>>> rows
[0, 1, 2]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")

PLAIN_SECONDS_BETWEEN_LINES = 10.0
"""How often `track` speaks where there is no terminal."""


def on_terminal() -> bool:
    """Whether stderr is a terminal that can redraw a line."""
    return sys.stderr.isatty()


def say(text: str) -> None:
    """Write one line to stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@contextmanager
def step(text: str) -> Iterator[Callable[[str], None]]:
    """Show that `text` is being done, then how many seconds it took; nothing more where it fails.

    Yields a function to tell what part of it comes next, such as the `progress` argument of a stage wants.
    """
    start = time.perf_counter()
    if on_terminal():
        from rich.console import Console

        with Console(stderr=True).status(f"{text} …") as status:
            yield lambda part: status.update(f"{text}: {part} …")
    else:
        yield lambda part: say(f"{text}: {part}")
    say(f"{text}: {time.perf_counter() - start:.1f} s")


def track(items: Iterable[Item], text: str, total: int | None = None) -> Iterator[Item]:
    """Hand on `items` one by one and show how many of `total` went by."""
    return _with_bar(items, text, total) if on_terminal() else _with_lines(items, text, total)


def _with_bar(items: Iterable[Item], text: str, total: int | None) -> Iterator[Item]:
    from rich.console import Console
    from rich.progress import track as bar

    yield from bar(items, description=text, total=total, console=Console(stderr=True), transient=True)


def _with_lines(items: Iterable[Item], text: str, total: int | None) -> Iterator[Item]:
    spoke = time.perf_counter()
    for done, item in enumerate(items, start=1):
        yield item
        if time.perf_counter() - spoke > PLAIN_SECONDS_BETWEEN_LINES:
            spoke = time.perf_counter()
            say(f"{text}: {done:,}" + (f" of {total:,}" if total else ""))
