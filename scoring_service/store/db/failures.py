"""What an error of the database means: that it cannot be reached, that a row cannot be stored, or that something is set up wrongly.

Only an outage is an outage. PostgreSQL says by its SQLSTATE which it is (PostgreSQL 17, appendix A), SQLite by its result code
(https://sqlite.org/rescode.html).
"""

from __future__ import annotations

import sqlite3
from enum import Enum
from typing import Any

import sqlalchemy as sa

_OUTAGE_CLASSES = ("08", "53", "58")
"""Connection exception; insufficient resources, a full disk among them; system error."""
_OUTAGE_STATES = frozenset({"57P01", "57P02", "57P03", "57P05", "57014", "55P03", "25006", "25P03", "XX000"})
"""Shut down, crashed, starting, idle for too long; cancelled and locked for too long; read-only since a failover; an internal error."""
_ROW_CLASSES = ("22", "23", "54")
"""Data exception; integrity constraint; program limit exceeded, such as a value too long for an index."""
_RACE_STATES = frozenset({"40001", "40P01", "23505"})
"""Serialization failure, deadlock, and a key that another transaction has put in meanwhile."""
_OUTAGE_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_ROW_CODES = frozenset({sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_CONSTRAINT})
_UNIQUE_CODES = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY})


class Failure(Enum):
    """What went wrong, and so what is to be done about it."""

    OUTAGE = "the database cannot be reached"
    RACE = "another transaction was in the way"
    ROW = "a row cannot be stored"
    SETTING = "the database is set up in another way than is needed"


def failure_of(error: BaseException) -> Failure | None:
    """Return what an error of the database means, also where a `StoreError` was made of it; None for any other error.

    >>> failure_of(sa.exc.DataError("INSERT", None, ValueError("a NUL"))).name
    'ROW'
    """
    failed = error if isinstance(error, sa.exc.DBAPIError) else error.__cause__
    if isinstance(error, UnicodeEncodeError | OverflowError):
        return Failure.ROW  # the driver could not even write the value down
    if not isinstance(failed, sa.exc.DBAPIError):
        return None
    origin: Any = failed.orig
    state = getattr(origin, "sqlstate", None)
    if state is not None:
        return _of_state(state)
    code = getattr(origin, "sqlite_errorcode", None)
    if code is not None:
        return _of_code(code)
    return _without_a_code(failed)


def _of_state(state: str) -> Failure:
    if state in _RACE_STATES:
        return Failure.RACE
    if state in _OUTAGE_STATES or state.startswith(_OUTAGE_CLASSES):
        return Failure.OUTAGE
    return Failure.ROW if state.startswith(_ROW_CLASSES) else Failure.SETTING


def _of_code(code: int) -> Failure:
    if code in _UNIQUE_CODES:
        return Failure.RACE
    primary = code & 0xFF
    if primary in _OUTAGE_CODES:
        return Failure.OUTAGE
    return Failure.ROW if primary in _ROW_CODES else Failure.SETTING


def _without_a_code(error: sa.exc.DBAPIError) -> Failure:
    """Return what the driver says by itself: a connection that is gone has no code, and neither has a text that cannot be sent."""
    if isinstance(error, sa.exc.DataError):
        return Failure.ROW
    if isinstance(error, sa.exc.IntegrityError):
        return Failure.RACE
    gone = error.connection_invalidated or isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
    return Failure.OUTAGE if gone else Failure.SETTING


def reason_of(error: BaseException) -> str:
    """Return what the database said, on one line, for the log; of a row only its code, since the rest may show a value."""
    failed = error if isinstance(error, sa.exc.DBAPIError) else error.__cause__ or error
    origin: Any = getattr(failed, "orig", None) or failed
    code = getattr(origin, "sqlstate", None) or getattr(origin, "sqlite_errorname", None) or type(origin).__name__
    if failure_of(error) is Failure.ROW:
        return str(code)
    return " ".join([f"{code}:", *(str(origin).splitlines() or [""])[0].split()])
