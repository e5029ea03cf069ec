"""SQL that SQLite and PostgreSQL both understand, run past the query builder: a claim needs some thirty in a few milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

AT_ONCE = 500
"""Most values of one `IN` list."""

Rows = Sequence[Sequence[Any]]


def run(connection: sa.Connection, sql: str, parameters: Sequence[Any] = ()) -> Rows:
    """The rows of a query; its parameters are written as question marks.

    Raises:
        sqlalchemy.exc.DBAPIError: where the database fails, as if the query builder had run it.
    """
    with _cursor(connection, sql) as cursor:
        cursor.execute(_in_style(connection, sql), tuple(parameters))
        return list(cursor.fetchall())


def run_many(connection: sa.Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """One statement for each of the rows of parameters; raises as `run`."""
    if rows:
        with _cursor(connection, sql) as cursor:
            cursor.executemany(_in_style(connection, sql), rows)


@contextmanager
def _cursor(connection: sa.Connection, sql: str) -> Iterator[Any]:
    """The driver's own cursor: what SQLAlchemy has around it takes longer than a statement."""
    driver = connection.dialect.loaded_dbapi
    cursor = connection.connection.cursor()
    try:
        yield cursor
    except driver.Error as error:
        raise sa.exc.DBAPIError.instance(sql, None, error, driver.Error, dialect=connection.dialect) from error
    finally:
        cursor.close()


def where_in(connection: sa.Connection, select: str, column: str, values: Iterable[Any]) -> list[Sequence[Any]]:
    """The rows of `select` where the column has one of the values, each of which is asked for once."""
    found: list[Sequence[Any]] = []
    asked = list(dict.fromkeys(values))
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        found += run(connection, f"{select} WHERE {column} IN ({', '.join('?' * len(some))})", some)
    return found


def _in_style(connection: sa.Connection, sql: str) -> str:
    return sql.replace("?", "%s") if connection.dialect.paramstyle in {"format", "pyformat"} else sql
