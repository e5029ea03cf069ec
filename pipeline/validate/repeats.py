"""Does a table look like the same load repeated under other ids? That is no error, but whoever learns from copies is too sure.

Rows are alike where their known time and all their columns but identifiers and keys are the same. By chance, of all pairs of rows of one
instant as many are alike as of all pairs of rows whatever their instants; a copy makes nearly all of them alike.
"""

from __future__ import annotations

import duckdb
import numpy as np
import numpy.typing as npt

from claimvet.data.contract.dataset import identifier
from claimvet.data.contract.tables import Kind
from claimvet.pipeline.validate.row_hashes import repetitions, sorted_hashes
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
    instant, content = identifier(table.known_at), ", ".join(map(identifier, rest))
    every = max(1, rows // ROWS_LOOKED_AT)

    def repeated(hashed: str) -> npt.NDArray[np.float64]:
        where = f"hash({instant}) % {every} = 0" if every > 1 else "true"
        return repetitions(sorted_hashes(connection, source.view, f"hash({hashed})", where))

    alike = repeated(f"{instant}, {content}")
    looked_at, twins = alike.sum(), alike[alike > 1].sum()
    if twins < max(MIN_ROWS, SMALLEST_SHARE * looked_at):
        return ""
    by_chance = _pairs(repeated(instant)) * (repeated(content) ** 2).sum() / looked_at**2
    if _pairs(alike) <= TIMES_CHANCE * by_chance:
        return ""
    return (
        f"{source.name} looks like the same load repeated under other ids: {twins / looked_at:.0%} of its rows have a twin that differs in "
        "identifiers alone, far more than chance makes; copies teach nothing, so leave one of the loads out"
    )


def _pairs(rows: npt.NDArray[np.float64]) -> float:
    """Return how many pairs can be made within groups of so many rows."""
    return float((rows * (rows - 1) / 2).sum())
