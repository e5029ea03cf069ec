"""Where MLflow keeps what it knows, by the environment; and how that is told without its passwords."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa

DEFAULT_STORE = "sqlite:///mlflow.db"
TRACKING_VARIABLE, REGISTRY_VARIABLE = "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
"""Databases that MLflow keeps itself in."""
_USER = re.compile(r"(?<=://)[^/@\s]+@")
_SECRET = re.compile(r"(?i)\b((?:password|passwd|pwd|token|secret)=)[^&\s'\"]+")


def tracking_uri() -> str:
    """Return where MLflow keeps runs: what the environment says, or SQLite in the working directory."""
    return os.environ.get(TRACKING_VARIABLE) or DEFAULT_STORE


def registry_uri() -> str:
    """Return where MLflow keeps registered models: beside the runs, unless the environment says otherwise."""
    return os.environ.get(REGISTRY_VARIABLE) or tracking_uri()


def shown(uri: str) -> str:
    """Return an address as it may be told: without user, password and query.

    >>> shown("postgresql://ada:secret@db:5432/mlflow?sslpassword=x"), shown("sqlite:///mlflow.db")
    ('postgresql://db:5432/mlflow', 'sqlite:///mlflow.db')
    """
    return without_secrets(uri.partition("?")[0])


def without_secrets(text: str) -> str:
    """Return a text without the users and passwords of the addresses in it.

    >>> without_secrets("API request to http://ada:secret@host/x failed, password=abc&x=1")
    'API request to http://host/x failed, password=...&x=1'
    """
    return _SECRET.sub(r"\1...", _USER.sub("", text))


def database_url(uri: str) -> sa.URL | None:
    """Return the SQLAlchemy URL of a database, None for any other kind of store.

    >>> database_url("http://host:5000"), database_url("sqlite:///mlflow.db").database
    (None, 'mlflow.db')
    """
    if urlsplit(uri).scheme.partition("+")[0] not in _DATABASES:
        return None
    try:
        return sa.make_url(uri)
    except sa.exc.ArgumentError:
        return None


def sqlite_file(url: sa.URL) -> Path | None:
    """Return the file of a SQLite database, None for any other database and for one in memory."""
    if url.get_backend_name() != "sqlite" or not url.database or ":memory:" in url.database:
        return None
    return Path(url.database).absolute()
