"""HTTP connections that neither silence nor size can hold: what does not come, or is not taken, in time ends the connection.

uvicorn bounds neither the head of a request nor the time for it, nor the rest of a body that was refused, nor how long a client may
leave its answers unread. Each of them costs a file descriptor or memory, and a client needs no key for it.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from claimvet.scoring_service.errors import BadRequestError, ProblemError, TooLargeHeadError
from claimvet.scoring_service.http.problems import response_of

MAX_HEAD_BYTES = 64_000
"""Bytes of a request's line and headers, at most; what comes in one piece of the network is not cut."""
PATIENCE_SECONDS = 20.0
"""Time for a head to come in, for the rest of a body that nobody wants, and for a client to read what it was sent."""

_HEARING, _HEARD = "hearing", "heard"
"""What is waited for: something to hear from the client; that it hears."""


class Connection(HttpToolsProtocol):
    """uvicorn's connection, with limits; what is no HTTP is answered by a problem document, too."""

    patience = PATIENCE_SECONDS

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._head_bytes = 0
        self._in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Whoever connects has so long to ask something."""
        super().connection_made(transport)
        self._wait(_HEARING)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._wait_no_more(_HEARING, _HEARD)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes; a head that has begun has so long to end."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_body or not self._head_bytes or self.transport.is_closing():
            return
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(TooLargeHeadError(f"the head has more than {MAX_HEAD_BYTES} bytes, expected at most that"))
        elif _HEARING not in self._timers:
            self._wait(_HEARING)

    def on_message_begin(self) -> None:
        """A head begins, perhaps behind the end of another request."""
        self._head_bytes = max(self._head_bytes, 1)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there; its body has a time of its own (`scoring_service.http.request_parsing`)."""
        self._wait_no_more(_HEARING)
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next byte begins another head."""
        self._wait_no_more(_HEARING)
        self._in_body, self._head_bytes = False, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The rest of a body that was answered before its end is not waited for long."""
        super().on_response_complete()
        if self._in_body and not self.transport.is_closing():
            self._wait(_HEARING)

    def pause_writing(self) -> None:
        """The client does not read; it need not for a while."""
        super().pause_writing()
        self._wait(_HEARD)

    def resume_writing(self) -> None:
        """It reads."""
        self._wait_no_more(_HEARD)
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """For what is no HTTP."""
        self._refuse(BadRequestError("this is no request of HTTP/1.1, expected one"))

    def _wait(self, what: str) -> None:
        self._wait_no_more(what)
        self._timers[what] = self.loop.call_later(self.patience, self._lose_patience, what)

    def _wait_no_more(self, *what: str) -> None:
        for one in what:
            if one in self._timers:
                self._timers.pop(one).cancel()

    def _lose_patience(self, what: str) -> None:
        del self._timers[what]
        if what == _HEARING and self.cycle is not None and not self.cycle.response_complete:
            self._wait(what)  # it is our turn
        else:
            self.transport.abort()

    def _refuse(self, problem: ProblemError) -> None:
        answer = response_of(problem)
        lines = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode()]
        lines += [name + b": " + value for name, value in [*answer.raw_headers, (b"connection", b"close")]]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(answer.body)]))
        self.transport.close()
