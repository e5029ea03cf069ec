"""Hashes of a table's rows, sorted in this process: whether rows repeat is seen in a third of the time of the engine's own grouping."""

from __future__ import annotations

import duckdb
import numpy as np
import numpy.typing as npt

HASHES_AT_ONCE = 2**23
"""About how many hashes are sorted at once, of 8 bytes each; a table of more rows takes a pass for each so many."""

Hashes = npt.NDArray[np.uint64]


def all_distinct(connection: duckdb.DuckDBPyConnection, relation: str, hashed: str, rows: int) -> bool:
    """Return whether no two of the `rows` rows of a relation have the same hash; `hashed` is SQL of a uint64 that is never null."""
    parts = 1 + rows // HASHES_AT_ONCE
    for part in range(parts):
        hashes = sorted_hashes(connection, relation, hashed, f"{hashed} % {parts} = {part}" if parts > 1 else "true")
        if (hashes[1:] == hashes[:-1]).any():
            return False
    return True


def sorted_hashes(connection: duckdb.DuckDBPyConnection, relation: str, hashed: str, where: str) -> Hashes:
    """Return the hashes of the rows of a relation for which the condition `where` holds, uint64, sorted."""
    rows = connection.execute(f"SELECT {hashed} AS hashed FROM {relation} WHERE {where}").fetchnumpy()
    hashes: Hashes = np.asarray(rows["hashed"], dtype=np.uint64)
    hashes.sort()
    return hashes


def repetitions(hashes: Hashes) -> npt.NDArray[np.float64]:
    """Return how often each distinct value occurs among sorted hashes, as float64, since pairs of them are counted.

    >>> repetitions(np.array([3, 3, 7], np.uint64)).tolist()
    [2.0, 1.0]
    """
    firsts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]])[: len(hashes)])
    return np.diff(np.append(firsts, len(hashes))).astype(np.float64)
