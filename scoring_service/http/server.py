"""Run the endpoint: one process, one event loop, one store; several of them behind a proxy share a PostgreSQL."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import sys
import threading
from datetime import UTC, datetime
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from claimvet.data.contract.errors import UsageError
from claimvet.scoring_service.http.app import create_app
from claimvet.scoring_service.http.connection.connection_limit import connections_for, raise_open_files
from claimvet.scoring_service.http.connection.connections import Connection
from claimvet.scoring_service.model_loading.fetching import Fetching
from claimvet.scoring_service.observability.logs import log, start_logging
from claimvet.scoring_service.service import Service, ServiceSettings
from claimvet.scoring_service.store import EventStore

_LOG = logging.getLogger("claimvet.server")
DEFAULT_STORE = "sqlite:///claimvet.db"
"""SQLite in the working directory."""
DRAIN_SECONDS = 11
"""After SIGTERM no connection is taken any more, and requests that run have so long to end: longer than any answer takes."""
STOP_SECONDS = 14.0
"""So long after SIGTERM the process ends, whatever still waits for a store, for MLflow or for a disk; what was answered is durable."""
_KEEP_ALIVE_SECONDS = 30
_TURN_SECONDS = 0.0005
"""How long the write queue's thread may keep Python to itself while the event loop has something to read or to answer; Python's own is
ten times that, longer than a claim takes."""


def serve(
    store_url: str,
    settings: ServiceSettings,
    host: str,
    port: int,
    begun: Fetching | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; raise `StoreError` where the store cannot be opened, `UsageError` where the address cannot be had.

    The socket listens before the model is there: until then `/readyz` says no. `begun` is the fetching of `settings.model`, which
    takes as long as the imports of the server, where it has begun before them.
    """
    start_logging()
    sys.setswitchinterval(_TURN_SECONDS)
    max_connections = connections_for(raise_open_files())
    bound = bound_socket(host, port)
    store = EventStore.open(store_url)
    service = Service(store, settings, lambda: datetime.now(UTC), lambda: secrets.token_hex(16), begun)
    server = BoundedServer(server_config(create_app(service, max_connections)))
    for number in (signal.SIGTERM, signal.SIGINT):  # the server drains at a signal, then passes it on
        signal.signal(number, _stopped_as_asked)
    server.run(sockets=[bound])


class BoundedServer(uvicorn.Server):
    """uvicorn's server, whose end is bounded: `timeout_graceful_shutdown` bounds its requests only, not what ends after them."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop."""
        if not self.should_exit:
            timer = threading.Timer(STOP_SECONDS, _end_at_once)
            timer.daemon = True
            timer.start()
        super().handle_exit(sig, frame)


def _end_at_once() -> None:
    log(_LOG, "stopped before everything had ended", logging.ERROR, seconds=STOP_SECONDS)
    os._exit(0)


def bound_socket(host: str, port: int) -> socket.socket:
    """Bind a socket, which refuses connections until the server listens; raise `UsageError` where the address cannot be had."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise UsageError(
            f"the address {host}, port {port}, cannot be had ({error.strerror}), expected a free one"
        ) from error
    return bound


def _stopped_as_asked(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def server_config(app: Starlette) -> uvicorn.Config:
    """Return how the application is served: JSON logs, one process, requests drained at the end."""
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
