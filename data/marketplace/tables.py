"""From the world's arrays to the contract's tables: identifiers, tokens, times and Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from claimvet.data.contract.arrays import Floats
from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace.randomness import Flags, Ints

ROWS_AT_ONCE = 1_000_000
"""Rows turned into Arrow, and written as a row group, at a time; bounds memory."""
ID_DIGITS = 9
UTC = pa.timestamp("us", tz="UTC")


def identifiers(prefix: str, numbers: Ints, absent: Flags | None = None) -> pa.Array:
    """Strings such as `o000000042`; null where `absent`.

    >>> identifiers("o", np.array([42])).to_pylist()
    ['o000000042']
    """
    width = len(prefix) + ID_DIGITS
    letters = np.empty((len(numbers), width), dtype=np.uint8)
    letters[:, : len(prefix)] = np.frombuffer(prefix.encode(), dtype=np.uint8)
    rest = numbers.astype(np.int64)
    for place in range(width - 1, len(prefix) - 1, -1):
        quotient = rest // 10
        letters[:, place] = 48 + (rest - 10 * quotient)
        rest = quotient
    offsets = np.arange(0, (len(numbers) + 1) * width, width, dtype=np.int32)
    valid = None if absent is None else pa.array(~absent, type=pa.bool_()).buffers()[1]
    return pa.Array.from_buffers(pa.string(), len(numbers), [valid, pa.py_buffer(offsets), pa.py_buffer(letters)])


def hashes(prefix: str, numbers: Ints) -> pa.Array:
    """Sixteen hexadecimal digits of a mixed 64-bit number, after a prefix: equal numbers, equal hashes (splitmix64)."""
    mixed = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    shifts = np.arange(60, -1, -4, dtype=np.uint64)
    letters = digits[((mixed[:, None] >> shifts) & np.uint64(15)).astype(np.int64)]
    head = np.tile(np.frombuffer(prefix.encode(), dtype=np.uint8), (len(numbers), 1))
    text = np.ascontiguousarray(np.hstack([head, letters]))
    offsets = np.arange(0, (len(numbers) + 1) * text.shape[1], text.shape[1], dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), len(numbers), [None, pa.py_buffer(offsets), pa.py_buffer(text)])


def choices(names: Iterable[str], codes: Ints) -> pa.Array:
    """Return the name of each code; null where the code is below zero."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=codes < 0), pa.array(list(names)))


def references(prefix: str, numbers: Ints, size: int, absent: Flags | None = None) -> pa.Array:
    """Return identifiers of `size` known things, as a dictionary of them, because each is referred to many times."""
    codes = pa.array(numbers.astype(np.int32), mask=absent)
    return pa.DictionaryArray.from_arrays(codes, identifiers(prefix, np.arange(size)))


def times(instants: Ints) -> pa.Array:
    """Return microseconds as UTC timestamps; null where `NULL_TIME`."""
    return pa.array(instants, type=pa.int64(), mask=instants == c.NULL_TIME).cast(UTC)


def money(amounts: Floats) -> pa.Array:
    """Dollars as float64; null where NaN."""
    return pa.array(amounts, type=pa.float64(), mask=np.isnan(amounts))


def write_table(path: Path, batches: Iterable[Mapping[str, pa.Array]]) -> int:
    """Write one Parquet file and return its rows. Arrow's own schema is left out, so that plain strings are read."""
    writer, rows = None, 0
    for batch in batches:
        table = pa.table(dict(batch))
        writer = writer or pq.ParquetWriter(path, table.schema, compression="snappy", store_schema=False)
        writer.write_table(table, row_group_size=ROWS_AT_ONCE)
        rows += table.num_rows
    if writer is not None:
        writer.close()
    return rows


def slices(size: int) -> list[slice]:
    """Consecutive slices of at most `ROWS_AT_ONCE`; one empty slice for an empty table."""
    return [slice(first, min(first + ROWS_AT_ONCE, size)) for first in range(0, max(size, 1), ROWS_AT_ONCE)]
