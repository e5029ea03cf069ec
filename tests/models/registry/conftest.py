"""A server that is made once, and a proxy before it for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from claimvet.models.registry.registry import CARD_FILE, register
from tests.models.registry.champions import make_champion
from tests.models.registry.mlflow_server import FaultyProxy, MlflowServer
from tests.models.registry.stores import new_store
from tests.scoring_service.endpoint.small_model import small_model


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A server that holds two versions: the first is champion, the second challenger."""
    root = tmp_path_factory.mktemp("served")
    (root / "evaluation").mkdir()
    (root / "evaluation" / CARD_FILE).write_text("For tests.\n")
    new_store(tmp_path_factory, root / "served.db")
    served = MlflowServer(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", served.url)
        for seed in (1, 2):
            number = register(small_model(seed), root / "evaluation", {}, {}, {})
            if seed == 1:
                make_champion(number)
    yield served
    served.stop()


@pytest.fixture
def proxy(server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    """Every call of this process goes through it, and none is repeated; at the end the store is as at the beginning."""
    kept = server.keep(tmp_path / "kept.db")
    between = FaultyProxy(server.port)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", between.url)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    yield between
    between.stop()
    server.restore(kept)
