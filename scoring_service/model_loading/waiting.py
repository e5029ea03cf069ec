"""Waiting for what may never answer, such as MLflow, without keeping the process from ending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

Answer = TypeVar("Answer")


async def in_daemon_thread(do: Callable[[], Answer]) -> Answer:
    """Return what `do` returns, or raise what it raises; a thread of its own does it, which no end of the process waits for.

    `asyncio.to_thread` would be waited for when the event loop is closed, without a bound.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Answer] = loop.create_future()

    def settle(set_it: Callable[[], None]) -> None:
        if not future.done():
            set_it()

    def work() -> None:
        try:
            answer = do()
            done = lambda: future.set_result(answer)  # noqa: E731
        except BaseException as error:
            failed = error
            done = lambda: future.set_exception(failed)  # noqa: E731
        with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
            loop.call_soon_threadsafe(settle, done)

    threading.Thread(target=work, name="waiting", daemon=True).start()
    return await future
