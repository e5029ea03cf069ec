"""The one way to MLflow: which store, for how long, what it may print, and what its answers mean.

"There is none" is MLflow's `RESOURCE_DOES_NOT_EXIST` to a question about exactly one thing (`none_if_missing`), or an alias that is not
among those of a model that it returned. Whatever else it answers is a `RegistryError` that names the store and what was asked. What each
call answers is in docs/decisions/0030-one-way-to-mlflow.md.

MLflow takes seconds and a hundred megabytes to import, so it is imported only by the calls that need it; the endpoint looks up an alias in
a database without it.
"""

from __future__ import annotations

import io
import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa

from claimvet.data.contract.errors import ClaimvetError, RegistryError
from claimvet.models.registry.addresses import database_url, registry_uri, shown, sqlite_file, tracking_uri
from claimvet.models.registry.first_use import prepare_sqlite
from claimvet.models.registry.mlflow_errors import is_missing, is_unreachable, reason

if TYPE_CHECKING:
    from mlflow import MlflowClient

Answer = TypeVar("Answer")

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
        "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
)
"""What MLflow is told where the environment says nothing: a silent store is given up after about a minute (MLflow's own settings allow a
quarter of an hour, and as long as a `Retry-After` says), and nothing is printed or sent to anybody else."""
CONNECT_SECONDS = 10
"""How long a database may take to let us in."""
_CONNECT_ARGUMENTS = {
    "postgresql": "connect_timeout",
    "mysql": "connect_timeout",
    "mssql": "timeout",
    "sqlite": "timeout",
}
_ALIAS_TABLE = "registered_model_aliases"
_VERSIONS = f"SELECT version FROM {_ALIAS_TABLE} WHERE name = :name AND alias = :alias"
"""MLflow's own table; a test holds it against what MLflow's client answers."""
_LOGGERS = ("mlflow", "alembic", "urllib3", "git")
_prepared: set[tuple[str, str, str]] = set()


@contextmanager
def mlflow_client(asked: str) -> Iterator[MlflowClient]:
    """Yield a client of the store for calls that do what `asked` says ("make version 2 champion").

    Raise `RegistryError` for whatever MLflow answers but that, and for a store that cannot be reached. Nothing that MLflow prints or logs
    gets out.
    """
    _import_mlflow()
    with silenced():
        try:
            yield _client(tracking_uri(), registry_uri())
        except ClaimvetError:
            raise
        except Exception as error:
            raise registry_error(asked, error) from error


def none_if_missing(call: Callable[[], Answer]) -> Answer | None:
    """Return what a call of MLflow answers, None where MLflow itself says that the one thing asked for does not exist."""
    try:
        return call()
    except Exception as error:
        if is_missing(error):
            return None
        raise


def registry_error(asked: str, error: BaseException) -> RegistryError:
    """Return the error that tells what MLflow was asked to do, where, and why it did not."""
    verb = "cannot be reached to" if is_unreachable(error) else "could not"
    return RegistryError(f"MLflow at {shown(registry_uri())} {verb} {asked}: {reason(error)}")


def version_of(name: str, alias: str) -> str | None:
    """Return the number of the version of a registered model that has an alias, None where none has.

    Raise `RegistryError` where MLflow does not say. A database is asked without MLflow, and not made where there is none.
    """
    asked = f"say which version of {name} is {alias}"
    url = database_url(registry_uri())
    if url is not None:
        return _version_in_database(url, name, alias, asked)
    with mlflow_client(asked) as client:
        model = none_if_missing(lambda: client.get_registered_model(name))
        version = None if model is None else model.aliases.get(alias)
        return None if version is None else str(version)


def _version_in_database(url: sa.URL, name: str, alias: str, asked: str) -> str | None:
    try:
        if not _is_there(url):
            return None
        with connected(url) as connection:
            if not sa.inspect(connection).has_table(_ALIAS_TABLE):
                return None
            found = list(connection.execute(sa.text(_VERSIONS), {"name": name, "alias": alias}).scalars())
    except (sa.exc.SQLAlchemyError, ImportError, OSError) as error:
        raise RegistryError(
            f"MLflow at {shown(registry_uri())} cannot be reached to {asked}: {reason(error)}"
        ) from error
    if len(found) > 1:
        raise RegistryError(
            f"MLflow at {shown(registry_uri())} could not {asked}: {len(found)} versions are, expected one"
        )
    return str(found[0]) if found else None


def is_made() -> bool:
    """Return whether there may be a store at all: a SQLite file that is not there has nothing in it."""
    url = database_url(registry_uri())
    return url is None or _is_there(url)


def _is_there(url: sa.URL) -> bool:
    file = sqlite_file(url)
    if file is None or file.exists():
        return True
    if not file.parent.is_dir():
        raise FileNotFoundError(2, f"there is no directory {file.parent}")
    return False


@contextmanager
def connected(url: sa.URL) -> Iterator[sa.Connection]:
    """Yield a connection to a database, which is given up after `CONNECT_SECONDS`."""
    argument = _CONNECT_ARGUMENTS.get(url.get_backend_name())
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={argument: CONNECT_SECONDS} if argument else {})
    with engine.connect() as connection:
        yield connection


def _import_mlflow() -> None:
    """Import it by our settings, and before it is silenced, since importing it sets up its logging."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: F401


def _client(tracking: str, registry: str) -> MlflowClient:
    """Return a client of stores that are there and let us in; MLflow itself would knock at a database for two minutes."""
    import mlflow

    # MLflow prefers what was set last in this process, even the empty text, to the variable; here the variable always decides.
    mlflow.set_tracking_uri(tracking)
    key = (tracking, registry, str(Path.cwd()))
    if key not in _prepared:
        for uri in dict.fromkeys((tracking, registry)):
            _prepare(uri)
        _prepared.add(key)
    return mlflow.MlflowClient(tracking, registry)


def _prepare(uri: str) -> None:
    url = database_url(uri)
    if url is None:
        return
    file = sqlite_file(url)
    if file is None or file.exists():
        with connected(url) as connection:
            sa.inspect(connection).has_table(_ALIAS_TABLE)  # a file that is no database says so here
    prepare_sqlite(url)


@contextmanager
def silenced() -> Iterator[None]:
    """Keep back what MLflow and its migrations print and log; stdout only on the main thread, since all threads share it."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        if threading.current_thread() is threading.main_thread():
            stack.enter_context(redirect_stdout(io.StringIO()))
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
