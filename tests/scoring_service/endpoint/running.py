"""An endpoint that listens on a port of its own, and what a client says to it."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from claimvet.scoring_service.auth.keys import create_key, list_keys
from claimvet.scoring_service.auth.roles import Role
from claimvet.scoring_service.http.app import create_app
from claimvet.scoring_service.http.server import server_config
from claimvet.scoring_service.service import Service, ServiceSettings
from claimvet.scoring_service.store import EventStore

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

CLAIM: dict[str, Any] = {
    "claim_id": "CL-1",
    "order_id": None,
    "customer_id": "C-1",
    "seller_id": "S-1",
    "product_id": "P-1",
    "incident_at": "2026-02-20T18:00:00+01:00",
    "filed_at": "2026-02-21T09:30:00Z",
    "claim_type": "property_damage",
    "amount_claimed": 240.0,
    "narrative": "A rung broke.",
}
PHOTO = {"evidence_id": "E-1", "kind": "photo", "content_hash": "9f2c", "submitted_at": "2026-02-21T09:29:00Z"}


def claim(claim_id: str = "CL-1", **changed: Any) -> dict[str, Any]:
    return {**CLAIM, "claim_id": claim_id, **changed}


def keys_of(store: EventStore) -> dict[Role, str]:
    """A key for each role; the same every time, so that several processes know them."""
    with store.begin() as connection:
        known = {key.key_id: key for key in list_keys(connection)}
        for place, role in enumerate(Role):
            if f"{place:012x}" not in known:
                create_key(role, f"{place:012x}", f"{place:064x}", 0, connection)
    return {role: f"cv_{place:012x}_{place:064x}" for place, role in enumerate(Role)}


class Client:
    """What a stranger's client does, with the key of one role."""

    def __init__(self, http: Any, key: str | None) -> None:
        self.http = http
        self.headers = {"authorization": f"Bearer {key}"} if key else {}

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.http.post(path, json=body, headers={**self.headers, **options.pop("headers", {})}, **options)

    def send(self, path: str, content: bytes, kind: str = "application/json") -> Any:
        return self.http.post(path, content=content, headers={**self.headers, "content-type": kind})

    def get(self, path: str) -> Any:
        return self.http.get(path, headers=self.headers)

    def score(self, body: dict[str, Any]) -> Any:
        return self.post("/v1/claims/score", body)

    def events(self, *events: tuple[str, dict[str, Any]]) -> Any:
        return self.post("/v1/events", {"events": [{"table": table, "row": row} for table, row in events]})


class Endpoint:
    """A running endpoint and a client for each role."""

    def __init__(self, service: Service, http: httpx.Client, keys: dict[Role, str]) -> None:
        self.service, self.http, self.keys = service, http, keys
        self.intake, self.reviewer, self.admin = (Client(http, keys[role]) for role in Role)
        self.stranger = Client(http, None)

    def wait_ready(self) -> None:
        until(lambda: self.http.get("/readyz").status_code == 200, 60)


def until(holds: Any, seconds: float = 60.0) -> None:
    """Waits until it holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@contextmanager
def running(
    url: str, model: Path | str, *, ready: bool = True, first_number: int = 1, **settings: Any
) -> Iterator[Endpoint]:
    """An endpoint on the store at `url` whose clock stands at `NOW` and whose ids count up from `first_number`."""
    store = EventStore.open(url)
    keys = keys_of(store)
    numbers = itertools.count(first_number)
    options = ServiceSettings(**{"model": str(model), "check_seconds": 0, "follow_seconds": 0.05, **settings})
    service = Service(store, options, lambda: NOW, lambda: f"{next(numbers):032x}")
    with listening(service) as address, httpx.Client(base_url=address, timeout=30) as http:
        endpoint = Endpoint(service, http, keys)
        if ready:
            endpoint.wait_ready()
        yield endpoint


@contextmanager
def listening(service: Service) -> Iterator[str]:
    """The address of a server in a thread of its own, which drains and stops at the end."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(server_config(create_app(service)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
