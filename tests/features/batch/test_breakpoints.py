"""The arithmetic under breakpoints, each against the obvious way to do it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.features.batch.breakpoints import (
    Breakpoints,
    Groups,
    Timeline,
    distinct,
    extremes,
    found,
    is_first,
    running,
)

NUMBERS = st.lists(st.integers(-(2**40), 2**40), max_size=50)


def array(values: list[int]) -> Any:
    return np.array(values, np.int64)


@given(values=NUMBERS)
def test_distinct_values_come_once_and_in_order(values: list[int]) -> None:
    assert distinct(array(values)).tolist() == sorted(set(values))


@given(values=NUMBERS)
def test_a_value_is_first_where_it_differs_from_the_one_before(values: list[int]) -> None:
    assert is_first(array(values)).tolist() == [i == 0 or values[i] != values[i - 1] for i in range(len(values))]


@given(ordered=NUMBERS.map(sorted), values=NUMBERS)
def test_values_are_found_in_any_order(ordered: list[int], values: list[int]) -> None:
    asked = array(values)
    assert found(array(ordered), asked, np.argsort(asked)).tolist() == np.searchsorted(array(ordered), asked).tolist()


@given(values=st.lists(st.integers(-5, 5), min_size=2, max_size=40), data=st.data())
@pytest.mark.parametrize("by", [np.minimum, np.maximum])
def test_extremes_are_those_of_each_range(by: np.ufunc, values: list[int], data: st.DataObject) -> None:
    first = data.draw(st.lists(st.integers(0, len(values) - 2), min_size=1, max_size=10))
    last = [data.draw(st.integers(begin + 1, len(values) - 1)) for begin in first]
    right = [by.reduce(values[a + 1 : b + 1]) for a, b in zip(first, last, strict=True)]
    assert extremes(array(values), array(first), array(last), by).tolist() == right


def test_running_totals_are_exact_beyond_float64() -> None:
    assert running(array([2**60, 1, 1])).tolist() == [2**60, 2**60 + 1, 2**60 + 2]


def test_an_event_goes_to_the_next_breakpoint_of_its_own_entity() -> None:
    timeline = Timeline(array([100, 200, 100]), [50])
    breakpoints = Breakpoints(timeline, np.array([0, 0, 1], np.int32))
    assert timeline.times[1:].tolist() == [50, 100, 150, 200]
    key, at = np.array([0, 0, 0, 0, 1], np.int32), array([49, 50, 100, 199, 99])
    groups = Groups(breakpoints, breakpoints.code(key, timeline.next_rank(at)))
    # breakpoints: entity 0 before all time, 50, 100, 150, 200; entity 1 before all time, 50, 100
    assert groups.places.tolist() == [1, 2, 3, 4, 7]
    assert groups.counts().tolist() == [1, 1, 1, 1, 1]
    assert breakpoints.places(0).tolist() == [2, 4, 7]
    assert breakpoints.places(50).tolist() == [1, 3, 6]
    assert breakpoints.places(None).tolist() == [0, 0, 5]


CLAIMS = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 30)), min_size=1, max_size=30)


@given(claims=CLAIMS, windows=st.lists(st.integers(1, 20), max_size=3, unique=True))
def test_every_claim_and_each_of_its_windows_has_its_own_point(
    claims: list[tuple[int, int]], windows: list[int]
) -> None:
    key, filed_at = (array(list(column)) for column in zip(*claims, strict=True))
    timeline = Timeline(filed_at, windows)
    breakpoints = Breakpoints(timeline, key.astype(np.int32))
    assert sorted(breakpoints.codes.tolist()) == breakpoints.codes.tolist()
    known = np.flatnonzero(breakpoints.known)
    for window in [0, *windows]:
        places = breakpoints.places(window)[known]
        assert breakpoints.entity_at(places).tolist() == key[known].tolist()
        assert timeline.times[breakpoints.codes[places] % len(timeline)].tolist() == (filed_at - window)[known].tolist()


def test_what_comes_after_the_last_point_goes_where_nothing_is_read() -> None:
    timeline = Timeline(array([100, 100]), [])
    breakpoints = Breakpoints(timeline, np.array([0, 1], np.int32))
    places = breakpoints.next_place(breakpoints.code(np.array([0, 1], np.int32), timeline.next_rank(array([100, 100]))))
    assert places.tolist() == [2, len(breakpoints)]
    assert breakpoints.is_read(places).tolist() == [False, False]
    assert breakpoints.entity_at(places).tolist() == [1, -1]
