"""Connections to the store's database: SQLite in one file, or PostgreSQL; its version, and how it is made.

SQLite is used with a write-ahead log and `synchronous = FULL`: what a transaction did is on the disk when it ends. A transaction that
writes takes the write lock when it begins (`BEGIN IMMEDIATE`), so that nothing it has read can change before it writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from claimvet.data.contract.errors import StoreError
from claimvet.scoring_service.store.db.records import METADATA
from claimvet.scoring_service.store.db.requirements import (
    cannot_be_opened,
    prepare_nothing_behind_a_pooler,
    prepare_threshold_of,
    require,
    require_rights,
)
from claimvet.scoring_service.store.db.schema import EVENT_TABLES, VERSION
from claimvet.scoring_service.store.db.statements import run

WAIT_SECONDS = 10
"""How long a writer waits for another, and a new connection for the server, before it gives up."""

PAGE_BYTES = 2_048
"""Of a new SQLite file. A claim changes some twenty pages, each of which is written whole: half of SQLite's 4,096 bytes is half as much to
write and to check, and no slower to read."""

PAGES_KIB = 16_000
"""What each connection to SQLite keeps in memory of the file."""

WAL_BYTES = 80_000_000
"""Bytes of pages that SQLite's write-ahead log holds before who writes moves them into the file. A claim writes some twenty; `checkpoint`
moves them before, beside the writer, so that then little is left to do and the log begins anew."""

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
_MIGRATING = 4_801
"""Number of the advisory lock of PostgreSQL under which a store is made; any number will do."""

_WRITES = {"claimvet_writes": True}


def open_engine(url: str) -> sa.Engine:
    """Return an engine for the store; nothing is connected yet.

    Raises:
        StoreError: where the URL is none, or of another database.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise StoreError(f"the store is {url!r}, expected a URL such as sqlite:///claimvet.db") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(parsed)
    if backend != "postgresql":
        raise StoreError(f"the store is a {backend} database, expected sqlite or postgresql")
    parsed, prepared = prepare_threshold_of(parsed)
    options = {"connect_timeout": WAIT_SECONDS, "client_encoding": "utf8", **prepared}
    engine = sa.create_engine(parsed.set(drivername="postgresql+psycopg"), connect_args=options, pool_pre_ping=True)
    sa.event.listen(engine, "connect", prepare_nothing_behind_a_pooler)
    return engine


def require_file(url: str) -> None:
    """Raise `StoreError` where the store is an SQLite file that is not there: what only changes a store makes none."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        return  # who opens it says so
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database
    if is_file and not Path(parsed.database or "").is_file():
        raise StoreError(f"there is no store {parsed.database}, expected an SQLite file")


def _sqlite(url: sa.URL) -> sa.Engine:
    if url.database in {None, "", ":memory:"}:
        raise StoreError(
            "the store is an SQLite database in memory, expected one in a file, such as sqlite:///claimvet.db"
        )
    engine = sa.create_engine(url, connect_args={"timeout": WAIT_SECONDS, "cached_statements": 512})
    sa.event.listen(engine, "connect", _set_up)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin where `_begin` says so, not where the driver thinks fit
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a file that has pages already it changes nothing
    page_bytes = connection.execute("PRAGMA page_size").fetchone()[0]
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "temp_store = MEMORY",
        f"cache_size = -{PAGES_KIB}",
        f"wal_autocheckpoint = {WAL_BYTES // page_bytes}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("claimvet_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that may write; committed when it ends, undone where it ends with an error.

    Raises:
        StoreError: where the database fails: it is gone, full, or somebody else writes too long.
    """
    try:
        with engine.connect().execution_options(**_WRITES) as connection, connection.begin():
            yield connection
    except sa.exc.DBAPIError as error:
        raise StoreError(_failure(engine, error)) from error


def checkpoint(engine: sa.Engine) -> None:
    """On SQLite, move what the write-ahead log holds into the file, as far as nobody has to wait for it; a thread beside may.

    Raises:
        StoreError: where the database fails.
    """
    if engine.dialect.name != "sqlite":
        return
    try:
        with engine.connect() as connection:
            run(connection, "PRAGMA wal_checkpoint(PASSIVE)")
    except sa.exc.DBAPIError as error:
        raise StoreError(_failure(engine, error)) from error


def _failure(engine: sa.Engine, error: sa.exc.DBAPIError) -> str:
    known = cannot_be_opened(error)
    if known is not None:
        return f"the store {shown(engine)} cannot be used: {known}"
    reason = (str(error.orig).splitlines() or [type(error).__name__])[0]
    return f"the store {shown(engine)} failed: {reason}"


def shown(engine: sa.Engine) -> str:
    """Return the store's URL without its password."""
    return engine.url.render_as_string(hide_password=True)


def ensure_version(engine: sa.Engine) -> None:
    """Make the tables of a new store; what holds other tables of ours must be of this version.

    Raises:
        StoreError: where it cannot be reached, or is of another version.
    """
    with writing(engine) as connection:
        require(connection, shown(engine))
        _wait_for_others(connection)
        found = store_version(connection)
        if found is None:
            _migrate(connection)
        elif found != VERSION:
            raise StoreError(
                f"the store {shown(engine)} is of version {found}, expected {VERSION}; `claimvet events upgrade` brings an older one there"
            )
        else:
            require_rights(connection, shown(engine))


@contextmanager
def opened(url: str) -> Iterator[sa.Engine]:
    """Open an engine for the store, made where it is new, for who does not touch what is derived of events: nothing
    is derived, or migrated.

    Raises:
        StoreError: where it cannot be reached, or is of another version.
    """
    engine = open_engine(url)
    try:
        ensure_version(engine)
        yield engine
    finally:
        engine.dispose()


def upgrade(url: str) -> None:
    """Bring the store to this version; a new one is made.

    Raises:
        StoreError: where it cannot be reached, or this code does not know its version.
    """
    engine = open_engine(url)
    try:
        with writing(engine) as connection:
            require(connection, shown(engine))
            _wait_for_others(connection)
            _migrate(connection)
    finally:
        engine.dispose()


def store_version(connection: sa.Connection) -> str | None:
    """Return the revision of the store's tables; None where it has none.

    Raises:
        StoreError: where tables of ours are there that no migration made.
    """
    names = set(sa.inspect(connection).get_table_names())
    if "alembic_version" in names:
        return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())
    ours = sorted(names & set(METADATA.tables))
    if ours:
        raise StoreError(
            f"the store {shown(connection.engine)} has a table {ours[0]} and no version, expected a new store"
        )
    return None


def _wait_for_others(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))


def keep_others_out(connection: sa.Connection) -> None:
    """Until the transaction ends nobody else writes events; on SQLite nobody can."""
    if connection.dialect.name == "postgresql":
        tables = ", ".join(EVENT_TABLES)
        connection.exec_driver_sql(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")


def _migrate(connection: sa.Connection) -> None:
    from alembic import command  # takes a quarter of a second, and a store is made once
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, VERSION)
    except CommandError as error:
        found = store_version(connection)
        raise StoreError(f"the store is of version {found}, which this code cannot bring to {VERSION}") from error
