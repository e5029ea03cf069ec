"""Behind nginx, as the documentation sets it up, instances are restarted one after the other and nobody notices."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from claimvet.scoring_service.auth.roles import Role
from claimvet.scoring_service.store import EventStore
from tests.scoring_service import nginx
from tests.scoring_service.endpoint.process import ServerProcess, processes
from tests.scoring_service.endpoint.running import Client, claim, keys_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(nginx.PROGRAM is None, reason="nginx is missing, expected Debian's package nginx-light"),
]


def order(number: int, **changed: Any) -> dict[str, Any]:
    parties = {"customer_id": "C-1", "seller_id": "S-1", "product_id": "P-1"}
    return {"order_id": f"O-{number}", **parties, "amount": 9.5, "ordered_at": "2026-02-01T00:00:00Z", **changed}


class Asking:
    """One client that sends an event and a claim, again and again, and reads each at once through the proxy and every instance."""

    def __init__(self, proxy: Client, instances: list[Client]) -> None:
        self._proxy, self._instances = proxy, instances
        self.statuses: Counter[int] = Counter()
        self.wrong: list[str] = []
        self.acknowledged = 0
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Asking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            try:
                self._one(number)
            except Exception as error:
                self.wrong.append(f"{number}: {error!r}")

    def _one(self, number: int) -> None:
        for answer in (self._proxy.events(("orders", order(number))), self._proxy.score(claim(f"CL-{number}"))):
            self.statuses[answer.status_code] += 1
            if answer.status_code != 200 or answer.json().get("p_valid", 0.0) is None:
                self.wrong.append(f"{number}: {answer.status_code} {answer.text[:300]}")
                return
        self.acknowledged = number
        for reader in (self._proxy, *self._instances):
            self._read(reader, number, answer.text)

    def _read(self, reader: Client, number: int, answer: str) -> None:
        try:
            found = reader.get(f"/v1/claims/CL-{number}")
            known = reader.events(("orders", order(number, amount=8.5)))
        except httpx.TransportError:
            assert reader is not self._proxy
            return  # this instance is being restarted
        if 503 in (found.status_code, known.status_code) and reader is not self._proxy:
            return
        same = found.status_code == 200 and found.json()["decision_id"] in answer
        if not same or known.status_code != 409:
            self.wrong.append(f"{number}: read {found.status_code}, {known.status_code} {known.text[:200]}")


def restarted(server: ServerProcess) -> None:
    assert server.stop() == 0
    server.start()
    server.wait_ready()


def test_a_rolling_restart_refuses_refers_and_loses_nothing(postgres_url: str, tmp_path: Path, model: Path) -> None:
    store = EventStore.open(postgres_url)
    key = keys_of(store)[Role.ADMIN]
    store.close()
    with (
        processes(2, postgres_url, model, tmp_path) as servers,
        nginx.in_front([server.port for server in servers], tmp_path) as address,
        httpx.Client(base_url=address, timeout=30) as http,
        httpx.Client(timeout=30) as direct,
    ):
        clients = [Client(_At(direct, server.address), key) for server in servers]
        with Asking(Client(http, key), clients) as asking:
            for server in servers:
                restarted(server)
        assert asking.wrong == []
        assert set(asking.statuses) == {200}
        assert asking.acknowledged > 20
        for number in range(1, asking.acknowledged + 1):
            assert http.get(f"/v1/claims/CL-{number}", headers={"authorization": f"Bearer {key}"}).status_code == 200


class _At:
    """A client for one instance."""

    def __init__(self, http: httpx.Client, address: str) -> None:
        self._http, self._address = http, address

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self._http.get(self._address + path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self._http.post(self._address + path, **options)
