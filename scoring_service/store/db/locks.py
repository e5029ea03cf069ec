"""Who may change which totals: on PostgreSQL, where several transactions write at once, each waits for those it shares a key with.

SQLite has one writer, and needs none of this. A key stands for one of a few hundred numbers; every transaction takes the numbers of
the rows' own keys first and those of keys that it looked up after them, both in ascending order, so that two cannot wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

import sqlalchemy as sa

SLOTS = 512

_ROWS, _KEYS, _COMPONENTS, _EXPERTS = 4_802, 4_803, 4_804, 4_805
_LOCK = "SELECT pg_advisory_xact_lock(%s, slot) FROM unnest(CAST(%s AS integer[])) AS slot"


def rows(connection: sa.Connection, tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    """Wait for transactions that write a row with an identifier of these rows."""
    if connection.dialect.name == "postgresql":
        identifiers = (v for some in tables.values() for row in some for name, v in row.items() if name.endswith("_id"))
        _take(connection, _ROWS, identifiers)


def keys(connection: sa.Connection, found: Iterable[str]) -> None:
    """Wait for transactions that change the totals of these categories or tokens."""
    if connection.dialect.name == "postgresql":
        _take(connection, _KEYS, found)


def _take(connection: sa.Connection, number: int, names: Iterable[str | None]) -> None:
    slots: Sequence[int] = sorted({crc32(name.encode()) % SLOTS for name in names if name is not None})
    if slots:
        connection.exec_driver_sql(_LOCK, (number, slots))


def components(connection: sa.Connection) -> None:
    """Wait for transactions that tie components together."""
    if connection.dialect.name == "postgresql":
        _take(connection, _COMPONENTS, [""])


def experts(connection: sa.Connection) -> None:
    """Wait for transactions that allocate reviews; nothing else is waited for after it."""
    if connection.dialect.name == "postgresql":
        _take(connection, _EXPERTS, [""])
