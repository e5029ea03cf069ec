"""Rows that repeat are seen from their hashes, also where these are sorted a part at a time."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from claimvet.pipeline.validate.row_hashes import all_distinct, repetitions, sorted_hashes

NUMBERS = "(SELECT unnest(range({rows})) % {distinct} AS n)"


@pytest.mark.parametrize("at_once", [2**23, 7])
def test_one_repeated_row_is_seen_and_none_is_made_up(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr("claimvet.pipeline.validate.row_hashes.HASHES_AT_ONCE", at_once)
    with duckdb.connect() as connection:
        for distinct, expected in ((100, True), (99, False)):
            relation = NUMBERS.format(rows=100, distinct=distinct)
            assert all_distinct(connection, relation, "hash(n)", 100) is expected
        assert all_distinct(connection, NUMBERS.format(rows=0, distinct=1), "hash(n)", 0)


def test_repetitions_are_those_of_counting() -> None:
    with duckdb.connect() as connection:
        hashes = sorted_hashes(connection, NUMBERS.format(rows=10, distinct=4), "hash(n)", "n < 3")
    assert sorted(repetitions(hashes).tolist()) == [2.0, 3.0, 3.0]
    assert repetitions(np.array([], np.uint64)).tolist() == []
