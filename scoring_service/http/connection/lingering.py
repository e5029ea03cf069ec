"""A connection that the server ends while its client still sends: closed at once, the client would lose the answer with it.

A system that closes a connection with bytes unread resets it, and the client may never see what it was sent (RFC 9112, 9.6). So
the server ends its own side, reads what still comes and forgets it, bounded in bytes and in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

LINGER_SECONDS = 20.0
"""Time for a client to send what it was about to send, and to read its answer."""
MAX_LINGER_BYTES = 256_000_000
"""Bytes read and forgotten, at most: as much as a client sends in that time over a tenth of a gigabit a second."""


class LingeringTransport:
    """A transport whose `close` lingers where `unread` says that more may come; anything else is the transport's own."""

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, unread: Callable[[], bool]
    ) -> None:
        self._transport, self._loop, self._unread = transport, loop, unread
        self._timer: asyncio.TimerHandle | None = None
        self._discarded = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send, but for what comes after the end."""
        if not self.is_closing():
            self._transport.write(data)

    def is_closing(self) -> bool:
        """Return whether nothing is sent any more."""
        return self._timer is not None or self._transport.is_closing()

    def close(self) -> None:
        """End this side, and the other one when it has ended too, or has had its time."""
        if self.is_closing():
            return
        if not self._unread() or not self._transport.can_write_eof():
            self._transport.close()
            return
        self._timer = self._loop.call_later(LINGER_SECONDS, self._transport.abort)
        self._transport.write_eof()
        self._transport.resume_reading()

    def discard(self, data: bytes) -> None:
        """Forget what came after the end."""
        self._discarded += len(data)
        if self._discarded > MAX_LINGER_BYTES:
            self._transport.abort()

    def lost(self) -> None:
        """Wait for nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
