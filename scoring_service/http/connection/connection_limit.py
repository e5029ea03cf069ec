"""How many connections are open at once: below the limit of files, so that the store, the model and the log always find one free.

Where there are as many as can be, the one that has waited longest without a request makes room, so that thousands of silent
connections keep nobody out; where all of them have one under way, the new one is refused.
"""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Callable
from typing import Protocol

from claimvet.scoring_service.observability.logs import log
from claimvet.scoring_service.observability.metrics import Metrics

MAX_CONNECTIONS = 4_096
"""Connections at once, at most, whatever the limit of files."""
RESERVED_FILES = 256
"""Files for everything else: the store's connections, the outage queue, a model being read, processes beside the server."""
_LOG_SECONDS = 5.0
"""One line of the log speaks for all that were closed in so long."""
_LOG = logging.getLogger("claimvet.connections")


class Evictable(Protocol):
    """A connection that can make room."""

    def evict(self) -> None:
        """Close it at once."""


class ConnectionLimit:
    """The open connections of one server; used in its event loop only."""

    def __init__(self, most: int, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._metrics, self._clock = most, metrics, clock
        self._open: set[Evictable] = set()
        self._idle: dict[Evictable, None] = {}  # who waits longest comes first
        self._closed, self._told = 0, float("-inf")

    def admit(self, connection: Evictable) -> bool:
        """Count a new connection, closing an idle one where there are too many; False where none is idle."""
        room = len(self._open) < self._most or self._evict_one()
        if not room:
            self._tell("refused")
        self._open.add(connection)
        self._idle[connection] = None  # one that is refused makes room for the next
        self._metrics.connections.set(len(self._open))
        return room

    def busy(self, connection: Evictable) -> None:
        """Note that it has a request under way."""
        self._idle.pop(connection, None)

    def idle(self, connection: Evictable) -> None:
        """Note that all its requests are answered."""
        if connection in self._open:
            self._idle[connection] = None

    def gone(self, connection: Evictable) -> None:
        """Note that it is closed."""
        self._open.discard(connection)
        self._idle.pop(connection, None)
        self._metrics.connections.set(len(self._open))

    def _evict_one(self) -> bool:
        connection = next(iter(self._idle), None)
        if connection is None:
            return False
        self.gone(connection)
        connection.evict()
        self._tell("idle")
        return True

    def _tell(self, why: str) -> None:
        self._metrics.connections_closed.labels(why).inc()
        self._closed += 1
        if self._clock() - self._told >= _LOG_SECONDS:
            fields = {"closed": self._closed, "limit": self._most, "why": why}
            log(_LOG, "connections closed at the limit", logging.WARNING, **fields)
            self._closed, self._told = 0, self._clock()


def raise_open_files() -> int:
    """Raise this process's soft limit of open files to its hard one, as every server may; return the limit that holds.

    The soft one is 1,024 at systemd's defaults, for programs that call `select`; none here does.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def connections_for(open_files: int) -> int:
    """Return how many connections fit below a limit of open files.

    >>> connections_for(1_024), connections_for(524_288), connections_for(300)
    (768, 4096, 150)
    """
    if open_files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return min(MAX_CONNECTIONS, max(open_files - RESERVED_FILES, open_files // 2))
