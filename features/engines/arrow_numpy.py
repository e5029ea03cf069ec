"""Hand integers over between Arrow and numpy without copying.

Arrow's own ways (`to_numpy`, `pa.array`) import pandas even where no row of it is made, which costs 40 MB and a third
of a second.
"""

from __future__ import annotations

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


def _chunk(chunk: pa.Array) -> npt.NDArray[np.signedinteger]:
    dtype = np.dtype(str(chunk.type))
    return np.frombuffer(chunk.buffers()[1], dtype, len(chunk), chunk.offset * dtype.itemsize)
