"""How long-running work says what it is doing, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told what comes next and, where they are known, how many rows have been read by then and how many there are to
    read."""

    def __call__(self, part: str, done: int = 0, total: int = 0) -> None: ...


def silent(part: str, done: int = 0, total: int = 0) -> None:
    """Ignore what is told, for whoever does not want to know."""
