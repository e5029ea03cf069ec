"""The write queue: what changes the store waits here, and one thread does all that waits in one transaction.

So one commit, which has to reach the disk, serves every request of the moment, and an answer is sent only after it. A batch that
fails is undone and done again, each request in a transaction of its own, so that nobody answers for another's conflict or for a row
that the store refuses. Only where the store cannot be reached at all does a batch fail as a whole.
"""

from __future__ import annotations

import asyncio
import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa

from claimvet.scoring_service.errors import OutageError, UnavailableError, UnprocessableError
from claimvet.scoring_service.observability.logs import log
from claimvet.scoring_service.observability.metrics import Metrics
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.store.db.failures import Failure, failure_of, reason_of

_LOG = logging.getLogger("claimvet.service")

MAX_AT_ONCE = 32
"""Requests in one transaction, at most."""
MOMENT_SECONDS, MAX_MOMENTS = 0.001, 5
"""How long a batch that begins with one request waits for the others of its crowd, as long as some come."""
MAX_WAITING = 1_000
"""Requests that may wait; one more is refused with 503 rather than kept waiting."""
CLOSE_SECONDS = 12.0
"""A little longer than who waits for an answer has patience: after that nobody does."""
FAILED_SECONDS = 5.0
"""So long a store that could not be written to is taken to be out of order, unless something could be written since."""
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
        """Return whether it may be committed: from now on nobody gives it up. Not where somebody has."""
        with self.lock:
            self.fate = self.fate or "kept"
            return self.fate == "kept"

    def give_up(self) -> bool:
        """Return whether nobody waits any more, so that it will not be committed; too late where it is being committed."""
        with self.lock:
            self.fate = self.fate or "given up"
            return self.fate == "given up"

    def run_out(self, seconds: float) -> None:
        """Tell who waits that nothing was done, where that is so."""
        if self.give_up():
            _settle(
                self.future,
                OutageError(f"the event store did not answer within {seconds:g} seconds; send it again"),
            )

    def settle(self, answer: Any) -> None:
        self.loop.call_soon_threadsafe(_settle, self.future, answer)


def _settle_all(batch: Sequence[_Waiting], answers: Sequence[Any]) -> None:
    """Wake each loop once, however many wait there."""
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
        """Return the answer to the request, after it is durable; raises what it failed with.

        Raises `UnavailableError` where too many wait, and after `seconds`: then nothing was done, and nothing will be.
        """
        if self._queue.qsize() >= MAX_WAITING:
            raise UnavailableError(f"{MAX_WAITING} requests wait already, expected fewer at once")
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
        """Return how long the work at hand takes already; 0 where there is none."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def failing(self) -> str | None:
        """Return why nothing could be written a moment ago; None where that is over, or long enough ago to try again."""
        since, why = self._failure or (-math.inf, "")
        return why if time.monotonic() - since < FAILED_SECONDS else None

    def close(self) -> None:
        """Do what still waits, then end the thread; one that hangs in a database is left behind after `CLOSE_SECONDS`."""
        self._queue.put(None)
        self._thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        while (batch := self._next_batch()) is not None:
            self._metrics.batch.observe(len(batch))
            self._busy_since = time.monotonic()
            self._do(batch)
            self._busy_since = None

    def _next_batch(self) -> list[_Waiting] | None:
        """Return all that waits, one request a claim; None at the end. A second request of a claim waits for the first one's commit."""
        batch, self._held_back = self._held_back, []
        while len(batch) < MAX_AT_ONCE:
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
        for _ in range(MAX_MOMENTS):
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
        failure = failure_of(error)
        if failure is Failure.OUTAGE:
            self._fail(batch, error)
        elif len(batch) > 1:
            for waiting in batch:
                self._do([waiting])
        elif tries and failure is Failure.RACE:
            self._do(batch, tries)
        else:
            batch[0].settle(_told(error, failure))

    def _fail(self, batch: Sequence[_Waiting], error: Exception) -> None:
        reason = reason_of(error)
        if self.failing() is None:
            log(_LOG, "the event store cannot be reached", logging.ERROR, error=type(error).__name__, reason=reason)
        self._failure = time.monotonic(), _SAID
        for waiting in batch:
            waiting.settle(OutageError(f"{_SAID}; nothing was recorded, so the same request may be sent again"))


_SAID = "the event store cannot be written to"
"""What whoever asked is told; the log has what the database said."""


def _told(error: Exception, failure: Failure | None) -> Exception:
    """Return an error that concerns one request alone, as it is answered; what the database said goes to the log alone."""
    if failure is None:
        return error
    log(_LOG, failure.value, logging.ERROR, error=type(error).__name__, reason=reason_of(error))
    if failure is Failure.ROW:
        return UnprocessableError(
            "the event store cannot keep a value of this request, expected text without NUL, and texts and numbers within bounds"
        )
    return UnavailableError(f"the event store refused it: {failure.value}; the log has more")
