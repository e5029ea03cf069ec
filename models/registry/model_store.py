"""Where MLflow keeps models, for those who need a model and not MLflow: it is imported only where nothing lighter will do.

MLflow takes seconds and a hundred megabytes to import. A server therefore has models fetched by a process of its own
(`python -m claimvet.models.registry.model_store URI DIRECTORY`), and looks up by itself only which version an alias names.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from claimvet.data.contract.errors import ModelError

if TYPE_CHECKING:
    import mlflow

NAME = "claimvet"
"""The registered model, and the experiment of its runs."""
CHALLENGER, CHAMPION = "challenger", "champion"
DEFAULT_STORE = "sqlite:///mlflow.db"
ARTIFACT = "claim_model"
"""Directory of the model among the artifacts of an MLflow model."""

_ALIASED = re.compile(r"models:/([^/@]+)@([^/@]+)")
_NUMBERED = re.compile(r"models:/([^/@]+)/(\d+)")
_VERSIONS = "SELECT version FROM registered_model_aliases WHERE name = :name AND alias = :alias"
"""MLflow's own table; a test holds it against what MLflow's client answers."""


@dataclass(frozen=True)
class Fetched:
    """A model on this machine: `uri` names exactly it, `expected` is the hash that the registry tells, where it does."""

    uri: str
    directory: Path
    expected: str | None


def tracking_uri() -> str:
    """Where MLflow lives: what the environment says, or SQLite in the working directory."""
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_STORE


@contextmanager
def quiet_store() -> Iterator[mlflow.MlflowClient]:
    """A client of the store; MLflow's own chatter, of which none is meant for the user of `claimvet`, is kept back."""
    import mlflow

    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # MLflow prefers what was set last in this process, even the empty text, to the variable; here the variable always decides.
    mlflow.set_tracking_uri(tracking_uri())
    names = ("mlflow", "alembic")
    levels = {name: logging.getLogger(name).level for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield mlflow.MlflowClient()
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


def exact_uri(uri: str) -> str:
    """The address of the version that an alias points to now; any other address as it is. Raises `ModelError` where there is none.

    A database is asked itself; any other kind of store is asked through MLflow.
    """
    aliased = _ALIASED.fullmatch(uri)
    if aliased is None:
        return uri
    numbers = _versions_in_database(aliased[1], aliased[2])
    if numbers is None:
        return _asked_through_mlflow(uri, aliased[1], aliased[2])
    if len(numbers) != 1:
        raise ModelError(
            f"there is no model {uri} in {tracking_uri()}: {len(numbers)} versions have that alias, expected one"
        )
    return f"models:/{aliased[1]}/{numbers[0]}"


def _versions_in_database(name: str, alias: str) -> list[int] | None:
    """None where the store is no database, or one that MLflow has not made."""
    try:
        url = sa.make_url(tracking_uri())
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            return []
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            return list(connection.execute(sa.text(_VERSIONS), {"name": name, "alias": alias}).scalars())
    except (sa.exc.SQLAlchemyError, ImportError):
        return None


def _asked_through_mlflow(uri: str, name: str, alias: str) -> str:
    from mlflow.exceptions import MlflowException

    try:
        with quiet_store() as client:
            return f"models:/{name}/{client.get_model_version_by_alias(name, alias).version}"
    except MlflowException as error:
        raise ModelError(f"there is no model {uri}: {first_line(error)}") from error


def expected_hash(uri: str) -> str | None:
    """The hash that the registry tells of a version; None where it tells none."""
    numbered = _NUMBERED.fullmatch(uri)
    if numbered is None:
        return None
    with quiet_store() as client:
        found: str | None = client.get_model_version(numbered[1], numbered[2]).tags.get("model_version")
        return found


def fetch(uri: str, folder: Path) -> Fetched:
    """The model at an address, an alias too, in `folder`; a directory stays where it is. Raises `ModelError` where there is none."""
    if Path(uri).is_dir():
        return Fetched(uri, model_directory(Path(uri)), None)
    exact = exact_uri(uri)
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        with quiet_store():
            root = Path(mlflow.artifacts.download_artifacts(exact, dst_path=str(folder)))
        return Fetched(exact, model_directory(root), expected_hash(exact))
    except MlflowException as error:
        raise ModelError(f"there is no model {uri} in {tracking_uri()}: {first_line(error)}") from error


def model_directory(root: Path) -> Path:
    """Where the model is in a downloaded MLflow model; the directory itself where `ClaimModel.save` wrote it."""
    inside = root / "artifacts" / ARTIFACT
    return inside if inside.is_dir() else root


def first_line(error: Exception) -> str:
    """What an error says, as the end of a sentence."""
    return str(error).splitlines()[0].removesuffix(".")


def main() -> int:
    """Fetches a model, and says in one JSON object where it is, or what is wrong."""
    uri, folder = sys.argv[1:]
    try:
        fetched = fetch(uri, Path(folder))
        said = {"uri": fetched.uri, "directory": str(fetched.directory), "expected": fetched.expected}
    except (ModelError, OSError) as error:
        said = {"problem": str(error)}
    sys.stdout.write(json.dumps(said))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
