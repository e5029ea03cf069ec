"""What the tests of the service share: a store of either kind, and a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from claimvet.scoring_service.store import EventStore
from tests.scoring_service import postgres

_NUMBERS = count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A running server; tests that stop it start it again. Without PostgreSQL its tests are left out, and say so."""
    if postgres.binaries() is None:
        pytest.skip("PostgreSQL is missing, expected Debian's package postgresql")
    server = postgres.Server()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgres_url(postgres_server: postgres.Server) -> str:
    """A new database."""
    name = f"store_{next(_NUMBERS)}"
    with psycopg.connect(postgres_server.url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return postgres_server.url_of(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new store of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    """A new store, open."""
    opened = EventStore.open(store_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[EventStore]:
    """An empty store in a file of its own."""
    store = EventStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    yield store
    store.close()
