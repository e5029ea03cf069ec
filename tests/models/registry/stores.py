"""MLflow's stores for tests: its forty migrations take three seconds, so an empty store is made once and then copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from claimvet.models.registry.mlflow_store import mlflow_client
from tests.made_once import made_once


def new_store(factory: pytest.TempPathFactory, file: Path) -> str:
    """Return the URI of `file`, which is an empty SQLite store of MLflow from now on."""
    shutil.copy(made_once(factory, "empty-mlflow-store", _make_empty) / "mlflow.db", file)
    return f"sqlite:///{file}"


def _make_empty(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        patch.delenv("MLFLOW_REGISTRY_URI", raising=False)
        with mlflow_client("make an empty store"):
            pass
