"""HTTP/1.1 connections of uvicorn with httptools, where no byte of a body is ever taken for a request, and nobody waits for ever.

httptools reads a request's head strictly, but takes what follows an `Upgrade` for another protocol, and skips the body; uvicorn then
reads that body as the next request. Nobody here takes an upgrade, so it is ignored, for any value (RFC 9110, 7.8): the framing headers
are read again without it, and the body after them. uvicorn bounds neither the head of a request nor the time for it, nor the rest of a
body that was refused, nor how long a client may leave its answers unread, nor how many connections there are.

`HttpToolsProtocol` is no public interface of uvicorn. It is subclassed because uvicorn has no other way to bound a connection
(docs/decisions/0033); tests over raw sockets (`tests/scoring_service/endpoint/test_connections.py`, `test_smuggling.py`) say what has to
hold of a newer uvicorn.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from claimvet.scoring_service.errors import BadRequestError, ProblemError, TooLargeHeadError, UnavailableError
from claimvet.scoring_service.http.connection.connection_limit import ConnectionLimit
from claimvet.scoring_service.http.connection.lingering import LingeringTransport
from claimvet.scoring_service.http.problems import response_of

MAX_HEAD_BYTES = 64_000
"""Bytes of a request's line and headers, at most, and of what comes between two pieces of a body in chunks."""
PATIENCE_SECONDS = 20.0
"""Time for a head to come in, for the rest of a body that nobody wants, and for a client to read what it was sent."""

_HEARING, _HEARD = "hearing", "heard"
"""What is waited for: something to hear from the client; that it hears."""
_ONCE = (b"host", b"authorization", b"content-type", b"content-encoding")
"""Headers of which one reader would take the first, and another the last."""
_FRAMING = (b"connection", b"content-length", b"transfer-encoding")


class Connection(HttpToolsProtocol):
    """uvicorn's connection, with limits; what is no HTTP is answered by a problem document, too."""

    patience = PATIENCE_SECONDS

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._head_bytes = 0
        self._field_bytes = 0
        self._in_body = False
        self._has_body = False
        self._replays = False
        self._pending = 0
        self._has_ended = False
        self._refusal: ProblemError | None = None
        self._limit: ConnectionLimit | None = self.app_state.get("connection_limit")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give whoever connects so long to ask something."""
        self._lingering = LingeringTransport(transport, self.loop, lambda: self._in_body or self._refusal is not None)
        super().connection_made(self._lingering)  # type: ignore[arg-type]
        if self._limit is not None and not self._limit.admit(self):
            self._refuse(UnavailableError("there are as many connections as the server can take, expected fewer"))
            return
        self._wait(_HEARING)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._wait_no_more(_HEARING, _HEARD)
        self._lingering.lost()
        if self._limit is not None:
            self._limit.gone(self)
        super().connection_lost(exc)

    def evict(self) -> None:
        """Make room for another connection."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read some bytes; a head that has begun has so long to end."""
        if self.transport.is_closing():
            self._lingering.discard(data)
            return
        if self._refusal is not None:
            return
        self._unset_keepalive_if_required()
        self._head_bytes += len(data)
        self._feed(data)
        if self.transport.is_closing() or self._refusal is not None or not self._head_bytes:
            return
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(TooLargeHeadError(f"the head has more than {MAX_HEAD_BYTES} bytes, expected at most that"))
        elif not self._in_body and _HEARING not in self._timers:
            self._wait(_HEARING)

    def eof_received(self) -> bool:  # type: ignore[override]  # which asyncio reads, and uvicorn never gives
        """Keep this side open where the client has ended its own, and still waits for answers to whole requests."""
        self._has_ended = self._pending > 0 and not self._in_body and not self.transport.is_closing()
        return self._has_ended

    def _feed(self, data: bytes) -> None:
        while data and self._refusal is None:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                if not self._ignore_upgrade():
                    return
            except httptools.HttpParserError as error:
                if isinstance(error.__context__, ProblemError):
                    self._refuse(error.__context__)
                else:
                    self.send_400_response(str(error))

    def _ignore_upgrade(self) -> bool:
        """Go on with a parser that has not seen the `Upgrade`; False where nothing more is to be read."""
        last = not self.parser.should_keep_alive()
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(
            lenient_data_after_close=True
        )  # what uvicorn asks for: such data is left out
        if not self._has_body:
            return not last
        framing = [name + b": " + value for name, value in self.headers if name in _FRAMING]
        self._replays = True
        self.parser.feed_data(b"\r\n".join([b"POST / HTTP/1.1", *framing, b"", b""]))
        self._replays = False
        return True

    def on_message_begin(self) -> None:
        """Begin a head, perhaps behind the end of another request."""
        if not self._replays:
            self._head_bytes, self._field_bytes = max(self._head_bytes, 1), 0
            super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Read some of the target."""
        if not self._replays:
            self._count(len(url))
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Read a header; a trailer (RFC 9110, 6.5) is none, and is left out."""
        if not self._in_body:
            self._count(len(name) + len(value))
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the head; its body has a time of its own (`scoring_service.http.parsing.request_parsing`)."""
        if self._replays:
            return
        self._has_body = _has_body(self.headers, self.parser)
        if self.parser.get_http_version() != "1.1":
            self.expect_100_continue = False
        super().on_headers_complete()  # which raises where the target is none
        self._wait_no_more(_HEARING)
        if self._limit is not None:
            self._limit.busy(self)
        self._in_body, self._head_bytes = True, 0
        self._pending += 1

    def on_body(self, body: bytes) -> None:
        """Read a piece of the body."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request, so that the next byte begins another head; not where the parser has only come to an `Upgrade`."""
        if self._has_body and self.parser.should_upgrade():
            return
        self._wait_no_more(_HEARING)
        self._in_body, self._head_bytes = False, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request, or refuse what was no request behind this one."""
        self._pending -= 1
        super().on_response_complete()
        if self.transport.is_closing() or self._pending:
            return
        if self._has_ended:
            self.transport.close()
            return
        if self._limit is not None:
            self._limit.idle(self)
        if self._refusal is not None:
            self._send_refusal(self._refusal)
        elif self._in_body:
            self._wait(_HEARING)

    def shutdown(self) -> None:
        """End it as soon as its answers are sent."""
        if self.transport.is_closing():
            self.transport.abort()
        else:
            super().shutdown()

    def pause_writing(self) -> None:
        """Allow the client not to read for a while."""
        super().pause_writing()
        self._wait(_HEARD)

    def resume_writing(self) -> None:
        """Note that the client reads."""
        self._wait_no_more(_HEARD)
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(BadRequestError("this is no request of HTTP/1.1, expected one"))

    def _count(self, size: int) -> None:
        self._field_bytes += size
        if self._field_bytes > MAX_HEAD_BYTES:
            raise TooLargeHeadError(f"the head has more than {MAX_HEAD_BYTES} bytes, expected at most that")

    def _wait(self, what: str) -> None:
        self._wait_no_more(what)
        self._timers[what] = self.loop.call_later(self.patience, self._lose_patience, what)

    def _wait_no_more(self, *what: str) -> None:
        for one in what:
            if one in self._timers:
                self._timers.pop(one).cancel()

    def _lose_patience(self, what: str) -> None:
        del self._timers[what]
        if what == _HEARING and self._pending:
            self._wait(what)  # it is our turn
        else:
            self.transport.abort()

    def _refuse(self, problem: ProblemError) -> None:
        """Answer what cannot be read, and read nothing more; requests before it get their answers first."""
        self._refusal = problem
        if self._in_body:
            self._give_up_request()
        if not self._pending:
            self._send_refusal(problem)

    def _give_up_request(self) -> None:
        """Leave the request whose body cannot be read; where its answer has begun already, there is no other."""
        self._pending -= 1
        if self.cycle.response_started:
            self.transport.close()
        if self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()
        self.cycle.disconnected = True
        self.cycle.on_response = lambda: None
        self.cycle.message_event.set()

    def _send_refusal(self, problem: ProblemError) -> None:
        answer = response_of(problem)
        lines = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode()]
        headers = [(name, value) for name, value in answer.raw_headers if name.lower() != b"connection"]
        lines += [name + b": " + value for name, value in [*headers, (b"connection", b"close")]]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(answer.body)]))
        self.transport.close()


def _has_body(headers: list[tuple[bytes, bytes]], parser: httptools.HttpRequestParser) -> bool:
    """Return whether a body follows; raise `BadRequestError` where two readers could differ about where it ends, or whom it is for."""
    codings = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
    version = parser.get_http_version()
    if version not in ("1.0", "1.1") or parser.get_method() == b"CONNECT":
        raise BadRequestError("this is no request of HTTP/1.1, expected one")
    if codings and (codings != [b"chunked"] or version == "1.0"):
        raise BadRequestError("the transfer encoding cannot be read, expected chunked, of HTTP/1.1, or none")
    counts = Counter(name for name, _ in headers)
    if version == "1.1" and not counts[b"host"]:  # RFC 9112, 3.2
        raise BadRequestError("the request has 0 headers Host, expected one")
    for name in _ONCE:
        if counts[name] > 1:
            raise BadRequestError(f"the request has {counts[name]} headers {name.decode().title()}, expected one")
    return bool(codings) or any(name == b"content-length" and int(value) > 0 for name, value in headers)
