"""A store of MLflow in a directory, for as long as somebody works in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from claimvet.models.registry.addresses import REGISTRY_VARIABLE, TRACKING_VARIABLE
from claimvet.models.registry.experiment import experiment_id
from claimvet.models.registry.mlflow_store import mlflow_client


@contextmanager
def own_store(root: Path) -> Iterator[None]:
    """Have MLflow keep everything, artifacts too, in `root` while this lasts, whatever the environment says."""
    import mlflow

    before = {name: os.environ.get(name) for name in (TRACKING_VARIABLE, REGISTRY_VARIABLE)}
    os.environ.pop(REGISTRY_VARIABLE, None)
    os.environ[TRACKING_VARIABLE] = f"sqlite:///{root / 'mlflow.db'}"
    try:
        with mlflow_client("make a store of its own") as client:
            experiment_id(client, artifacts=(root / "mlruns").as_uri())
        yield
    finally:
        # None forgets what was set, whereas the signature names text only; the empty text would be a store of files.
        mlflow.set_tracking_uri(before[TRACKING_VARIABLE])  # type: ignore[arg-type]
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
