"""Hand integers over between Arrow and numpy without copying; make small things of Arrow.

Arrow's own ways (`to_numpy`, `pa.array`, `pa.scalar`, `Schema.empty_table`) import pandas even where no row of it is made,
which costs 40 MB and a third of a second.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def from_arrow(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.signedinteger]:
    """Return a column of an integer type without nulls as an array of the same type; read-only where the column is one
    chunk.
    """
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    if len(chunks) == 1:
        return _chunk(chunks[0])
    return np.concatenate([np.empty(0, str(column.type)), *map(_chunk, chunks)])


def to_arrow(values: npt.NDArray[np.int64], known: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Return int64 values as a column, null where `known` is given and false."""
    bits = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(pa.int64(), len(values), [bits, pa.py_buffer(np.ascontiguousarray(values))])


def text_scalar(text: str) -> pa.LargeStringScalar:
    """Return the text as a value of Arrow.

    >>> text_scalar("é").as_py()
    'é'
    """
    data = text.encode()
    ends = np.array([0, len(data)], np.int64)
    return pa.LargeStringArray.from_buffers(1, pa.py_buffer(ends), pa.py_buffer(data))[0]


def tables_as_one(schema: pa.Schema, tables: Iterable[pa.Table]) -> pa.Table:
    """Return the rows of all tables of this schema, none where there is no table."""
    return pa.concat_tables([pa.Table.from_batches([], schema), *tables])


def _chunk(chunk: pa.Array) -> npt.NDArray[np.signedinteger]:
    dtype = np.dtype(str(chunk.type))
    return np.frombuffer(chunk.buffers()[1], dtype, len(chunk), chunk.offset * dtype.itemsize)
