"""What a platform knew at an instant: the same data set, without anything that it learned later.

Convention: the tables' own declarations say when a row was known; what a return's inspection found has a time of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from claimvet.data.contract.dataset import DataSet, connect, identifier, quoted
from claimvet.data.contract.tables import TABLES
from claimvet.data.contract.writing.atomic_write import atomic_write

_LATER_KNOWN = {"returns": ("inspected_at", ("inspected_at", "condition"))}
"""By table: the time at which some of its columns are known, and those columns; null until then."""


def known_by(data_set: DataSet, moment: datetime, out: Path) -> DataSet:
    """Write to `out` the rows that were known before `moment` (with a zone), one Parquet file a table, and opens it.

    An inspection that came later leaves `inspected_at` and `condition` null. Extra columns are kept.
    """
    connection = connect()
    try:
        data_set.register(connection)
        for name in data_set.tables:
            query = f"SELECT {_columns(name, moment)} FROM {identifier(name)} WHERE {_is_before(TABLES[name].known_at, moment)}"
            copy_query(connection, query, out / f"{name}.parquet")
    finally:
        connection.close()
    return DataSet.open(out)


def claims_from(data_set: DataSet, moment: datetime, out: Path) -> None:
    """Write the claims filed at or after `moment` to the Parquet file `out`, earliest first."""
    connection = connect()
    try:
        data_set.register(connection, ["claims"])
        copy_query(
            connection,
            f"SELECT * FROM claims WHERE NOT {_is_before('filed_at', moment)} ORDER BY filed_at, claim_id",
            out,
        )
    finally:
        connection.close()


def copy_query(connection: duckdb.DuckDBPyConnection, query: str, out: Path) -> None:
    """Write what a query answers to the Parquet file `out`, aside first."""
    with atomic_write(out) as aside:
        connection.execute(f"COPY ({query}) TO {quoted(str(aside))} (FORMAT parquet, COMPRESSION zstd)")


def _columns(table: str, moment: datetime) -> str:
    known_at, columns = _LATER_KNOWN.get(table, ("", ()))
    replaced = [
        f"CASE WHEN {_is_before(known_at, moment)} THEN {identifier(name)} END AS {identifier(name)}"
        for name in columns
    ]
    return f"* REPLACE ({', '.join(replaced)})" if replaced else "*"


def _is_before(column: str, moment: datetime) -> str:
    return f"({identifier(column)} < TIMESTAMPTZ {quoted(moment.astimezone(UTC).isoformat())})"
