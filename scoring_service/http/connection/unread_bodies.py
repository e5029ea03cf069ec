"""A connection ends with an answer that was given before the whole body had come: what follows could be more of it, or a request."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BODY = frozenset({b"content-length", b"transfer-encoding"})
_CLOSE = (b"connection", b"close")


class CloseUnread:
    """ASGI middleware that adds `Connection: close` to a response to a request whose body was not read to its end (RFC 9112, 9.3)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not any(name in _BODY and value != b"0" for name, value in scope["headers"]):
            await self._app(scope, receive, send)
            return
        unread = True

        async def watched_receive() -> Message:
            nonlocal unread
            message = await receive()
            unread = bool(message.get("more_body", False))
            return message

        async def watched_send(message: Message) -> None:
            if unread and message["type"] == "http.response.start" and _CLOSE not in message["headers"]:
                message = {**message, "headers": [*message["headers"], _CLOSE]}
            await send(message)

        await self._app(scope, watched_receive, watched_send)
