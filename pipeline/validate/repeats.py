"""Does a table look like the same load repeated under other ids? That is no error, but whoever learns from copies is too sure.

Rows are alike where their known time and all their columns but identifiers and keys are the same. By chance, of all pairs of rows of one
instant as many are alike as of all pairs of rows whatever their instants; a copy makes nearly all of them alike.
"""

from __future__ import annotations

import duckdb

from claimvet.data.contract.dataset import identifier
from claimvet.data.contract.tables import Kind
from claimvet.pipeline.validate.sources import Source

ROWS_LOOKED_AT = 200_000
"""About how many rows of a table are looked at, drawn by their instants, so that a row and its copy are drawn together."""

SMALLEST_SHARE = 0.05
"""Share of rows with a twin from which on a load is meant: two of the same article in one basket are rarer."""

MIN_ROWS = 20
TIMES_CHANCE = 3.0
"""Twins are far more often than chance where there are more than so many times the pairs that it makes; whole days as times and few
prices make many, and a copy of all of it no more than doubles the rows of a day."""


def repeated_load(connection: duckdb.DuckDBPyConnection, source: Source, sound: frozenset[str], rows: int) -> str:
    """Return the note about a table whose rows repeat under other ids, empty where they do not or nobody could tell.

    The source's view has to be there; `sound` are its columns of the right type, `rows` is how many it has.
    """
    table = source.table
    rest = [
        column.name
        for column in table.columns
        if column.kind is not Kind.IDENTIFIER and column.name not in (table.known_at, *table.key)
    ]
    if not rest or rows < MIN_ROWS or not sound.issuperset({table.known_at, *rest}):
        return ""
    looked_at, twins, pairs, by_chance = _counts(connection, source, rest, max(1, rows // ROWS_LOOKED_AT))
    if twins < max(MIN_ROWS, SMALLEST_SHARE * looked_at) or pairs <= TIMES_CHANCE * by_chance:
        return ""
    return (
        f"{source.name} looks like the same load repeated under other ids: {twins / looked_at:.0%} of its rows have a twin that differs in "
        "identifiers alone, far more than chance makes; copies teach nothing, so leave one of the loads out"
    )


def _counts(
    connection: duckdb.DuckDBPyConnection, source: Source, rest: list[str], every: int
) -> tuple[int, int, float, float]:
    """Rows looked at, those with a twin, pairs of twins, and how many pairs chance would make."""
    instant, content = identifier(source.table.known_at), ", ".join(map(identifier, rest))
    pairs = "sum(rows * (rows - 1) / 2)"
    query = f"""
        WITH looked_at AS MATERIALIZED (
            SELECT hash({instant}) AS instant, hash({content}) AS content
            FROM {source.view} WHERE hash({instant}) % {every} = 0
        ), instants AS (SELECT count(*) AS rows FROM looked_at GROUP BY instant),
        contents AS (SELECT count(*) AS rows FROM looked_at GROUP BY content),
        alike AS (SELECT count(*) AS rows FROM looked_at GROUP BY instant, content)
        SELECT (SELECT count(*) FROM looked_at), (SELECT sum(rows) FROM alike WHERE rows > 1), (SELECT {pairs} FROM alike),
            (SELECT {pairs} FROM instants) * (SELECT sum(rows * rows) FROM contents) / (SELECT count(*) FROM looked_at) ** 2
    """
    row = connection.execute(query).fetchone() or ()
    looked_at, twins, paired, by_chance = (value or 0 for value in row)
    return int(looked_at), int(twins), float(paired), float(by_chance)
