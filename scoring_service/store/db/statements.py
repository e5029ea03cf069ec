"""SQL that SQLite and PostgreSQL both understand, run past the query builder: a claim needs some thirty in a few milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

AT_ONCE = 500
"""Most values of one `IN` list."""

Rows = Sequence[Sequence[Any]]


def run(connection: sa.Connection, sql: str, parameters: Sequence[Any] = ()) -> Rows:
    """Return the rows of a query; its parameters are written as question marks.

    The driver's own cursor runs it: what SQLAlchemy has around it takes longer than a statement.

    Raises:
        sqlalchemy.exc.DBAPIError: where the database fails, as if the query builder had run it.
    """
    cursor: Any = connection.connection.cursor()
    try:
        cursor.execute(_in_style(connection, sql), parameters)
        rows: Rows = cursor.fetchall()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_if_built(connection, sql, error) from error
    finally:
        cursor.close()
    return rows


def stream(connection: sa.Connection, sql: str, at_once: int) -> Iterator[Rows]:
    """Yield the rows of a query, so many at once, without all of them in memory: PostgreSQL keeps the rest behind a cursor of its own.

    Raises:
        sqlalchemy.exc.DBAPIError: where the database fails.
    """
    named = {"name": "claimvet_stream"} if connection.dialect.name == "postgresql" else {}
    cursor: Any = connection.connection.cursor(**named)
    try:
        cursor.execute(_in_style(connection, sql))
        while rows := cursor.fetchmany(at_once):
            yield rows
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_if_built(connection, sql, error) from error
    finally:
        cursor.close()


def run_many(connection: sa.Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """One statement for each of the rows of parameters; raises as `run`."""
    if not rows:
        return
    cursor: Any = connection.connection.cursor()
    try:
        cursor.executemany(_in_style(connection, sql), rows)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_if_built(connection, sql, error) from error
    finally:
        cursor.close()


def _as_if_built(connection: sa.Connection, sql: str, error: Exception) -> sa.exc.StatementError:
    driver = connection.dialect.loaded_dbapi
    return sa.exc.DBAPIError.instance(sql, None, error, driver.Error, dialect=connection.dialect)


def values(connection: sa.Connection, types: Sequence[str], rows: int) -> str:
    """So many rows of parameters of these SQL types as a table, `VALUES …`; only PostgreSQL has to be told the types."""
    return _values(tuple(types), rows, told=connection.dialect.name != "sqlite")


@lru_cache(maxsize=1024)
def _values(types: tuple[str, ...], rows: int, *, told: bool) -> str:
    row = ", ".join(f"CAST(? AS {one})" if told else "?" for one in types)
    return f"VALUES {', '.join([f'({row})'] * rows)}"


def where_in(connection: sa.Connection, select: str, column: str, values: Iterable[Any]) -> list[Sequence[Any]]:
    """Return the rows of `select` where the column has one of the values, each of which is asked for once."""
    found: list[Sequence[Any]] = []
    asked = list(dict.fromkeys(values))
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        found += run(connection, f"{select} WHERE {column} IN ({', '.join('?' * len(some))})", some)
    return found


def _in_style(connection: sa.Connection, sql: str) -> str:
    return sql.replace("?", "%s") if connection.dialect.paramstyle in {"format", "pyformat"} else sql
