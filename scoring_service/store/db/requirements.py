"""Is this a database that a store can live in? What is needed of it is asked when the store is opened, not found out by a claim.

PostgreSQL: UTF-8, a server that takes writes, strings as the standard has them, a version that is still maintained, rights to read and
to write. SQLite: a file that is a database and can be written. A pooler that hands each transaction to another session is noticed, and
nothing is prepared then.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from claimvet.data.contract.errors import StoreError
from claimvet.scoring_service.store.db.records import METADATA

OLDEST_POSTGRESQL = 13
"""The oldest major version that has what the statements use and was maintained when they were written."""

_SETTINGS: tuple[tuple[str, str, str], ...] = (
    ("server_encoding", "UTF8", "a database made with ENCODING 'UTF8'"),
    ("standard_conforming_strings", "on", "on"),
    ("default_transaction_read_only", "off", "off"),
    ("default_transaction_isolation", "read committed", "read committed"),
)
_NOT_DURABLE = "off"
_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")


def require(connection: sa.Connection, shown: str) -> None:
    """Check what a store needs of its database; `shown` is its URL without a password.

    Raises:
        StoreError: with one sentence on the first thing that is not as it has to be.
    """
    if connection.dialect.name == "postgresql":
        _require_postgresql(connection, shown)


def _require_postgresql(connection: sa.Connection, shown: str) -> None:
    version = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    if version < OLDEST_POSTGRESQL * 10_000:
        raise StoreError(f"the store {shown} is PostgreSQL {version // 10_000}, expected {OLDEST_POSTGRESQL} or newer")
    if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar():
        raise StoreError(f"the store {shown} is a standby, which only reads, expected the primary server")
    if connection.exec_driver_sql("SHOW synchronous_commit").scalar() == _NOT_DURABLE:
        raise StoreError(
            f"the store {shown} has synchronous_commit off, expected on: what is answered has to be on the disk"
        )
    for name, needed, expected in _SETTINGS:
        found = connection.exec_driver_sql(f"SHOW {name}").scalar()
        if found != needed:
            raise StoreError(f"the store {shown} has {name} {found}, expected {expected}")


def require_rights(connection: sa.Connection, shown: str) -> None:
    """Check that every table may be read and written; for a store that has its tables already.

    Raises:
        StoreError: where the database's user may not.
    """
    if connection.dialect.name != "postgresql":
        return
    names = sorted(METADATA.tables)
    asked = ", ".join(f"has_table_privilege('{name}', '{right}')" for name in names for right in _RIGHTS)
    may = iter(connection.exec_driver_sql(f"SELECT {asked}").one())
    lacking = [f"{right} on {name}" for name in names for right in _RIGHTS if not next(may)]
    if lacking:
        user = connection.exec_driver_sql("SELECT current_user").scalar()
        raise StoreError(
            f"the user {user} of the store {shown} lacks the right to {lacking[0]}, expected all rights on its tables"
        )


def prepare_nothing_behind_a_pooler(connection: Any, _: ConnectionPoolEntry) -> None:
    """Switch off prepared statements where a pooler answers: they live in one session, and it hands each transaction to any.

    A pooler such as pgbouncer names a process of its own at the start, and the server another one when it is asked.
    """
    if connection.prepare_threshold is None:
        return
    with connection.cursor() as cursor:
        threshold, connection.prepare_threshold = connection.prepare_threshold, None
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    connection.rollback()
    if pid == connection.info.backend_pid:
        connection.prepare_threshold = threshold


def prepare_threshold_of(url: sa.URL) -> tuple[sa.URL, dict[str, Any]]:
    """Return the URL without `prepare_threshold`, and that as psycopg takes it: a number of executions, None for `none` or 0 for at once.

    Raises:
        StoreError: where it is neither a number nor `none`.
    """
    given = url.query.get("prepare_threshold")
    if given is None:
        return url, {}
    rest = url.difference_update_query(["prepare_threshold"])
    if str(given).lower() == "none":
        return rest, {"prepare_threshold": None}
    if not str(given).isdecimal():
        raise StoreError(f"prepare_threshold in the store's URL is {given}, expected a whole number or none")
    return rest, {"prepare_threshold": int(str(given))}


def cannot_be_opened(error: sa.exc.DBAPIError) -> str | None:
    """Return what is wrong with an SQLite file that is there and cannot be used; None where it is something else."""
    origin = error.orig
    code = getattr(origin, "sqlite_errorcode", 0) & 0xFF if isinstance(origin, sqlite3.Error) else 0
    if code == sqlite3.SQLITE_NOTADB:
        return "it is no SQLite database, expected one, or the name of a new file"
    if code == sqlite3.SQLITE_READONLY:
        return "it cannot be written to, expected a file and a directory that can"
    if code == sqlite3.SQLITE_CORRUPT:
        return "the file is damaged, expected a whole SQLite database"
    if isinstance(origin, psycopg.errors.InsufficientPrivilege):
        return "its user may not make the tables, expected the right to CREATE in its schema"
    return None
