"""Integers between Arrow and numpy: the same values both ways, and no pandas on the way."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.features.engines.arrow_numpy import from_arrow, to_arrow

whole = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40)


@given(whole, st.integers(0, 50), st.integers(1, 7))
def test_a_column_comes_as_it_is_whatever_its_chunks_and_slices(values: list[int], start: int, size: int) -> None:
    column = pa.array(values, pa.int64())
    chunks = pa.chunked_array([column.slice(at, size) for at in range(0, len(values), size)], pa.int64())
    assert from_arrow(column.slice(start)).tolist() == values[start:]
    assert from_arrow(chunks).tolist() == values
    assert from_arrow(chunks).dtype == np.int64


@pytest.mark.parametrize("name", ["int8", "int32", "int64"])
def test_the_type_stays(name: str) -> None:
    assert from_arrow(pa.array([1, 2], name)).dtype == np.dtype(name)


@given(
    whole.flatmap(
        lambda values: st.tuples(st.just(values), st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    )
)
def test_what_is_not_known_is_null(drawn: tuple[list[int], list[bool]]) -> None:
    values, known = drawn
    made = to_arrow(np.array(values, np.int64), np.array(known, bool))
    made.validate(full=True)
    assert made.to_pylist() == [value if is_known else None for value, is_known in zip(values, known, strict=True)]
    assert made.null_count == known.count(False)


def test_every_second_value_of_an_array_is_a_column_too() -> None:
    assert to_arrow(np.arange(6)[::2]).to_pylist() == [0, 2, 4]


def test_no_pandas_is_imported_on_the_way() -> None:
    asked = """
import sys, numpy, pyarrow
from claimvet.features.engines.arrow_numpy import from_arrow, to_arrow
part = to_arrow(numpy.arange(3), numpy.array([True, True, False]))
print(from_arrow(pyarrow.chunked_array([part.slice(0, 2), part.slice(0, 1)])).tolist(), "pandas" in sys.modules)
"""
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[0, 1, 0] False"
