"""Progress of long work on stderr: bars and spinners on a terminal, plain lines elsewhere (a log, a test, `dvc repro`).

>>> from claimvet.pipeline.progress import step, track
>>> with step("Reading claims"):
...     rows = [row for row in track(range(3), "claims", total=3)]
>>> rows
[0, 1, 2]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from claimvet.features.engines.progress import Progress

Item = TypeVar("Item")

PLAIN_SECONDS_BETWEEN_LINES = 10.0
"""How often `track` speaks where there is no terminal."""


def on_terminal() -> bool:
    """Return whether stderr is a terminal that can redraw a line."""
    return sys.stderr.isatty()


def say(text: str) -> None:
    """Write one line to stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@contextmanager
def step(text: str) -> Iterator[Progress]:
    """Show that `text` is being done, then how many seconds it took; nothing more where it fails.

    Yields a function to tell what part of it comes next, such as the `progress` argument of a stage wants; where that knows how many
    rows are done it also shows their rate and about how long the rest will take.
    """
    start = time.perf_counter()

    def line(part: str, done: int, total: int) -> str:
        return f"{text}: {part}{_pace(done, total, time.perf_counter() - start)}"

    if on_terminal():
        from rich.console import Console

        with Console(stderr=True).status(f"{text} …") as status:
            yield lambda part, done=0, total=0: status.update(f"{line(part, done, total)} …")
    else:
        yield lambda part, done=0, total=0: say(line(part, done, total))
    say(f"{text}: {time.perf_counter() - start:.1f} s")


def _pace(done: int, total: int, seconds: float) -> str:
    """Return what is done, how fast, and about how long the rest takes at that rate.

    >>> _pace(2_000_000, 8_000_000, 4.0)
    ' (2,000,000 of 8,000,000, 500,000 a second, about 12 s left)'
    """
    if not done or not total or seconds <= 0:
        return ""
    rate = done / seconds
    return f" ({done:,} of {total:,}, {rate:,.0f} a second, about {(total - done) / rate:.0f} s left)"


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
