"""Work that a stop does not wait for: MLflow may take minutes to say that it does not answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def in_daemon_thread(do: Callable[[], T]) -> T:
    """Return what `do` returns or raises, from a thread of its own; whoever is cancelled leaves it behind, and so
    does the process at its end.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = do()
        except BaseException as error:
            _tell(loop, future, future.set_exception, error)
        else:
            _tell(loop, future, future.set_result, result)

    threading.Thread(target=run, daemon=True, name="beside").start()
    return await future


def _tell(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], settle: Callable[[Any], None], what: Any
) -> None:
    def tell() -> None:
        if not future.done():
            settle(what)

    try:
        loop.call_soon_threadsafe(tell)
    except RuntimeError:  # the loop is closed: nobody waits any more
        return
