"""What the tests of the service share: a store of either kind, and a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count
from pathlib import Path

import psycopg
import pytest

from claimvet.features.catalogue.declaration import Feature
from claimvet.features.catalogue.features import FEATURES
from claimvet.features.catalogue.sources import SOURCES
from claimvet.features.online.layout import Layout
from claimvet.features.online.plan import OnlinePlan, compile_plan
from claimvet.scoring_service.store import EventStore, event_store
from claimvet.scoring_service.store.derived.fingerprint import fingerprint_of
from tests.scoring_service import postgres

_NUMBERS = count()
_compile_once = cache(compile_plan)
_WHOLE = cache(lambda: fingerprint_of(_compile_once(FEATURES).layout))


_SOURCES = dict(SOURCES)


def _plan_of(features: Sequence[Feature]) -> OnlinePlan:
    """The plan of the catalogue from the shelf, but anew where a test has changed what a source means."""
    return _compile_once(FEATURES) if features is FEATURES and SOURCES == _SOURCES else compile_plan(features)


def _fingerprint_of(layout: Layout) -> str:
    return _WHOLE() if layout is _compile_once(FEATURES).layout else fingerprint_of(layout)


@pytest.fixture(scope="session", autouse=True)
def _plan_made_once() -> Iterator[None]:
    """As in a server: a process compiles the whole catalogue once, and not again for each of a thousand stores."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_store, "compile_plan", _plan_of)
        patch.setattr(event_store, "fingerprint_of", _fingerprint_of)
        yield


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
