"""The first use of a SQLite store is safe for any number of processes at once: one makes it, the others wait.

MLflow makes its tables by some forty migrations, in the file itself and without a lock; processes that begin together break it, for good
if one is killed. So the store is made in a file beside its place, by one process, and then renamed.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from claimvet.data.contract.errors import RegistryError
from claimvet.models.registry.addresses import sqlite_file

MAX_SECONDS = 180.0
"""Waiting for another process to make the store; alone on one core that takes about ten seconds."""
_POLL_SECONDS = 0.05


def prepare_sqlite(url: sa.URL) -> None:
    """Make MLflow's SQLite store where there is none, and have MLflow look at its tables, one process at a time.

    Any other database is left to whoever keeps it. Raise `RegistryError` where another process does not finish within `MAX_SECONDS`.
    """
    file = sqlite_file(url)
    if file is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(file.parent):
        if not file.exists():
            new = file.with_name(f"{file.name}.new")
            new.unlink(missing_ok=True)
            new.touch()  # where that cannot be, MLflow would try again for two minutes
            try:
                _open(f"sqlite:///{new}")
                new.replace(file)
            finally:
                new.unlink(missing_ok=True)
        _open(url.render_as_string(hide_password=False))


def _open(uri: str) -> None:
    """Both stores of MLflow, that of runs and that of models, make the tables or look at them when they are opened."""
    import mlflow

    client = mlflow.MlflowClient(uri, uri)
    client.search_experiments(max_results=1)
    client.search_registered_models(max_results=1)


@contextmanager
def _one_at_a_time(directory: Path) -> Iterator[None]:
    """Hold a lock on the directory: no file is left behind, and the system lets go of it when a process ends, however it ends."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        _lock(handle, directory)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, directory: Path) -> None:
    deadline = time.monotonic() + MAX_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise RegistryError(
                    f"another process has been making MLflow's store in {directory} for {MAX_SECONDS:g} seconds, expected it to finish"
                ) from None
            time.sleep(_POLL_SECONDS)
        else:
            return
