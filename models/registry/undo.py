"""Steps that are taken back in reverse where a later one fails, so that a change of the registry happens whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from claimvet.data.contract.errors import ClaimvetError, RegistryError

MAX_SECONDS = 60.0
"""After so long no further step is taken back; each may wait for a store that has gone silent."""


class Undo:
    """What was done so far: for each step what stands, in words, and how to take it back."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, Callable[[], object]]] = []

    def later(self, stands: str, take_back: Callable[[], object]) -> None:
        """Remember a step that is about to be taken; `take_back` has to work even if it was not."""
        self._steps.append((stands, take_back))

    def forget_last(self) -> None:
        """Forget the last step, which is known not to have been taken."""
        self._steps.pop()

    def take_back(self) -> list[str]:
        """Take all steps back, the last first; return what stands because that failed."""
        deadline, standing = time.monotonic() + MAX_SECONDS, []
        while self._steps:
            stands, take_back = self._steps.pop()
            try:
                if time.monotonic() > deadline:
                    raise TimeoutError
                take_back()
            except (ClaimvetError, TimeoutError):
                standing.append(stands)
        return standing


@contextmanager
def undone_on_failure(unchanged: str) -> Iterator[Undo]:
    """Yield an `Undo`; where the block fails or is stopped, take everything back and say so.

    Raise `RegistryError` in the place of a `RegistryError`: with `unchanged` at its end, or with exactly what stands.
    """
    undo = Undo()
    try:
        yield undo
    except BaseException as error:
        standing = undo.take_back()
        said = str(error) or type(error).__name__
        if standing:
            raise RegistryError(
                f"{said}; taking back what was done failed too, so these stand: {', '.join(standing)}"
            ) from error
        if isinstance(error, RegistryError):
            raise RegistryError(f"{said}; {unchanged}") from error
        raise
