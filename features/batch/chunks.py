"""How many claims are built at once where memory is limited, so that the whole process keeps to the limit and not
DuckDB alone.

Half of the limit is DuckDB's, which spills what does not fit. The other half is for Python and for what claims need in
this process: breakpoints, columns, and what is made of them. More claims are built chunk by chunk, each with its own
pass over the sources.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from claimvet.data.contract.dataset import DataSet, connect

BYTES_PER_VALUE = 24
"""Of a claim and a feature, at the peak of a build: 300,000 claims with 157 features took 1.1 GB beside DuckDB, 23
bytes each."""

LIBRARIES = 200_000_000
"""Bytes of Python and the libraries that a build imports."""

MIN_CLAIMS = 10_000
"""Chunks get no smaller than this, however little memory there is: each costs a pass over all sources."""


def claims_at_once(share: int, features: int) -> int:
    """Return how many claims, with so many features, fit into a share of the memory, bytes."""
    free = share - LIBRARIES
    return max(free // (BYTES_PER_VALUE * max(features, 1)), MIN_CLAIMS)


def row_chunks(data_set: DataSet, claims: Path | None, share: int, features: int) -> list[range]:
    """Return the rows of the claims to build, counted from 1, in chunks of about one size that `share` bytes hold; one
    chunk at least.
    """
    count = _count(data_set, claims)
    chunks = max(1, -(-count // claims_at_once(share, features)))
    bounds = [1 + count * chunk // chunks for chunk in range(chunks + 1)]
    return [range(start, stop) for start, stop in pairwise(bounds)]


def _count(data_set: DataSet, claims: Path | None) -> int:
    if claims is None:
        return data_set.rows("claims")
    with connect() as counting:
        return data_set.claims_file(claims).rows(counting)


class BatchFile:
    """A Parquet file that is written a chunk after the other, all with the columns of the first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, batches: pa.RecordBatchReader) -> int:
        """Write the batches, each a row group; the number of rows."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, batches.schema, compression="zstd", compression_level=1)
        rows = 0
        for batch in batches:
            self._writer.write_batch(batch)
            rows += batch.num_rows
        return rows
