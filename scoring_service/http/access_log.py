"""Access log: the time and status of every request go to the metrics, and one line to the log."""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from claimvet.scoring_service.observability.logs import log
from claimvet.scoring_service.observability.metrics import Metrics

_LOG = logging.getLogger("claimvet.request")
_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"})
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines; not logged where all is well."""


class AccessLog:
    """ASGI middleware that counts, times and logs requests; paths as declared, so that no claim is named."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._tell(scope, status, time.perf_counter() - start)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path_format", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(route, method, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if route in _QUIET and status < 400:
            return
        fields: dict[str, Any] = {"route": route, "method": method, "status": status, "ms": round(seconds * 1000, 2)}
        if "claimvet.decision_id" in scope:
            fields["decision_id"] = scope["claimvet.decision_id"]
        log(_LOG, "request", logging.INFO if status < 500 else logging.ERROR, **fields)
