"""A model and an endpoint for the tests of the service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scoring_service.endpoint.running import Endpoint, running
from tests.scoring_service.endpoint.small_model import saved, small_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(small_model(), tmp_path_factory.mktemp("model"))


@pytest.fixture
def endpoint(tmp_path: Path, model: Path) -> Iterator[Endpoint]:
    with running(f"sqlite:///{tmp_path / 'store.db'}", model) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Endpoint]:
    """One endpoint for tests that leave nothing behind."""
    with running(f"sqlite:///{tmp_path_factory.mktemp('shared') / 'store.db'}", model) as endpoint:
        yield endpoint
