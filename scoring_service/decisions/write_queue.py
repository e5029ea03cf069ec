"""The write queue: what changes the store waits here, and one thread does all that waits in one transaction.

So one commit, which has to reach the disk, serves every request of the moment, and an answer is sent only after it. A batch that
fails is undone and done again one by one, so that nobody answers for another's conflict.
"""

from __future__ import annotations

import asyncio
import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from claimvet.data.contract.errors import StoreError
from claimvet.scoring_service.errors import UnavailableError
from claimvet.scoring_service.observability.metrics import Metrics
from claimvet.scoring_service.store import EventStore

MOST_AT_ONCE = 32
"""Requests in one transaction, at most."""
MOMENT_SECONDS, MOST_MOMENTS = 0.001, 5
"""How long a batch that begins with one request waits for the others of its crowd, as long as some come."""
MOST_WAITING = 1_000
"""Requests that may wait; one more is refused with 503 rather than kept waiting."""
FAILED_SECONDS = 5.0
"""So long a store that could not be written to is taken to be out of order, unless something could be written since."""
_RACES = frozenset({"40001", "40P01"})
"""PostgreSQL's states of a transaction that another one was in the way of: serialization failure and deadlock."""
_TRIES = 3


class Request(Protocol):
    """Something to do in a transaction; requests of one `group` are done together by `together`."""

    claim_id: str | None


Together = Callable[[Sequence[Any], sa.Connection], list[Any]]
"""Does requests in a transaction and answers each with a value, or with an exception that concerns only itself."""


@dataclass(eq=False)
class _Waiting:
    request: Request
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]

    since: float = field(default_factory=time.perf_counter)
    fate: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self) -> bool:
        """Whether it may be committed: from now on nobody gives it up. Not where somebody has."""
        with self.lock:
            self.fate = self.fate or "kept"
            return self.fate == "kept"

    def give_up(self) -> bool:
        """Whether nobody waits any more, so that it will not be committed; too late where it is being committed."""
        with self.lock:
            self.fate = self.fate or "given up"
            return self.fate == "given up"

    def run_out(self, seconds: float) -> None:
        """Tells who waits that nothing was done, where that is so."""
        if self.give_up():
            _settle(
                self.future,
                UnavailableError(f"the event store did not answer within {seconds:g} seconds; send it again"),
            )

    def settle(self, answer: Any) -> None:
        self.loop.call_soon_threadsafe(_settle, self.future, answer)


def _settle_all(batch: Sequence[_Waiting], answers: Sequence[Any]) -> None:
    """Wakes each loop once, however many wait there."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for waiting, answer in zip(batch, answers, strict=True):
        by_loop.setdefault(waiting.loop, []).append((waiting.future, answer))
    for loop, settled in by_loop.items():
        loop.call_soon_threadsafe(_settle_each, settled)


def _settle_each(settled: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, answer in settled:
        _settle(future, answer)


class _GivenUpError(Exception):
    """Somebody was told that nothing was done, so it is undone; the others are done again."""


def _settle(future: asyncio.Future[Any], answer: Any) -> None:
    if future.done():  # nobody waits any more
        return
    if isinstance(answer, BaseException):
        future.set_exception(answer)
    else:
        future.set_result(answer)


class WriteQueue:
    """One thread that writes; `submit` from the event loop, `close` when nothing more will come."""

    def __init__(self, store: EventStore, together: Together, metrics: Metrics) -> None:
        self._store = store
        self._together = together
        self._metrics = metrics
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._held_back: list[_Waiting] = []
        self._crowd = 1
        self._busy_since: float | None = None
        self._failure: tuple[float, str] | None = None
        self._thread = threading.Thread(target=self._work, name="write-queue", daemon=True)
        self._thread.start()

    async def submit(self, request: Request, seconds: float) -> Any:
        """The answer to the request, after it is durable; raises what it failed with.

        Raises `UnavailableError` where too many wait, and after `seconds`: then nothing was done, and nothing will be.
        """
        if self._queue.qsize() >= MOST_WAITING:
            raise UnavailableError(f"{MOST_WAITING} requests wait already, expected fewer at once")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(request, loop, loop.create_future())
        self._queue.put(waiting)
        self._metrics.waiting.set(self._queue.qsize())
        patience = loop.call_later(seconds, waiting.run_out, seconds)
        try:
            return await waiting.future
        finally:
            patience.cancel()

    def stalled_seconds(self) -> float:
        """How long the work at hand takes already; 0 where there is none."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def failing(self) -> str | None:
        """Why nothing could be written a moment ago; None where that is over, or long enough ago to try again."""
        since, why = self._failure or (-math.inf, "")
        return why if time.monotonic() - since < FAILED_SECONDS else None

    def close(self) -> None:
        """Does what still waits, then ends the thread."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (batch := self._next_batch()) is not None:
            self._metrics.batch.observe(len(batch))
            self._busy_since = time.monotonic()
            self._do(batch)
            self._busy_since = None

    def _next_batch(self) -> list[_Waiting] | None:
        """All that waits, one request a claim; None at the end. A second request of a claim waits for the first one's commit."""
        batch, self._held_back = self._held_back, []
        while len(batch) < MOST_AT_ONCE:
            try:
                waiting = self._queue.get(block=not batch)
            except queue.Empty:
                break
            if waiting is None:
                self._queue.put(None)  # for the next call, when there is nothing else left
                return batch or None
            batch.append(waiting)
            if len(batch) == 1 and self._crowd > 1:
                self._let_others_come()
        self._crowd = len(batch)
        return self._one_a_claim(batch)

    def _let_others_come(self) -> None:
        """Where several were together before, they come together again, when they have been read; who is alone never waits."""
        for _ in range(MOST_MOMENTS):
            before = self._queue.qsize()
            time.sleep(MOMENT_SECONDS)
            if self._queue.qsize() in (before, self._crowd - 1):
                return

    def _one_a_claim(self, batch: list[_Waiting]) -> list[_Waiting]:
        now: dict[str | int, _Waiting] = {}
        for waiting in batch:
            key = waiting.request.claim_id or id(waiting)
            if key in now:
                self._held_back.append(waiting)
            else:
                now[key] = waiting
        return list(now.values())

    def _do(self, batch: list[_Waiting], tries: int = _TRIES) -> None:
        batch = [waiting for waiting in batch if waiting.fate != "given up"]
        if not batch:
            return
        try:
            self._metrics.observe("wait", *(time.perf_counter() - waiting.since for waiting in batch))
            with self._store.begin() as connection:
                answers = self._together([waiting.request for waiting in batch], connection)
                kept = [waiting.keep() for waiting in batch]  # every one of them is asked
                if not all(kept):
                    raise _GivenUpError
                begun = time.perf_counter()
            each = (time.perf_counter() - begun) / len(batch)
            self._metrics.observe("commit", *[each] * len(batch))
        except _GivenUpError:
            self._do(batch, tries)
        except Exception as error:
            self._do_again(batch, error, tries - 1)
        else:
            self._failure = None
            _settle_all(batch, answers)

    def _do_again(self, batch: list[_Waiting], error: Exception, tries: int) -> None:
        unreachable = _unreachable(error)
        if unreachable is not None:
            self._failure = time.monotonic(), unreachable
            for waiting in batch:
                waiting.settle(
                    UnavailableError(f"{unreachable}; nothing was recorded, so the same request may be sent again")
                )
        elif len(batch) > 1:
            for waiting in batch:
                self._do([waiting])
        elif tries and _is_race(error):
            self._do(batch, tries)
        else:
            batch[0].settle(error)


def _is_race(error: Exception) -> bool:
    """Whether another transaction was in the way, so that the same work may be tried again."""
    failed = error if isinstance(error, DBAPIError) else error.__cause__
    state = getattr(getattr(failed, "orig", None), "sqlstate", None)
    return isinstance(failed, IntegrityError) or state in _RACES


def _unreachable(error: Exception) -> str | None:
    """A sentence where the store itself is the trouble: gone, full, locked for too long."""
    if isinstance(error, StoreError | DBAPIError) and not _is_race(error):
        return " ".join(str(getattr(error, "orig", error)).split())
    return None
