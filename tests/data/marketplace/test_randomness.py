"""Laws of the ways in which the world draws, and of how its numbers become strings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace.randomness import GrowingCrowd, pick, pick_code, pick_distinct, sorted_uniforms, stream
from claimvet.data.marketplace.suspicion import earlier_claims
from claimvet.data.marketplace.tables import choices, hashes, identifiers, money, slices, times
from claimvet.data.marketplace.timeline import end_of_period, month_edges, order_times, start_of_period

weights = st.lists(st.just(0.0) | st.floats(1e-6, 100), min_size=1, max_size=30).filter(
    lambda values: sum(values) > 0.01
)


def test_subjects_have_streams_of_their_own() -> None:
    assert stream(1, "orders").random() == stream(1, "orders").random()
    assert stream(1, "orders").random() != stream(1, "returns").random()
    assert stream(1, "orders").random() != stream(2, "orders").random()


@given(weights, st.integers(0, 50), st.integers(0, 99))
def test_distinct_picks_are_distinct_sorted_and_have_weight(values: list[float], size: int, seed: int) -> None:
    picked = pick_distinct(stream(seed, "test"), np.array(values), size)
    assert len(picked) == min(size, np.count_nonzero(values))
    assert (np.diff(picked) > 0).all()
    assert (np.array(values)[picked] > 0).all()


@given(weights, st.integers(0, 99))
def test_what_has_no_weight_is_never_picked(values: list[float], seed: int) -> None:
    picked = pick(stream(seed, "test"), np.array(values), 50)
    assert (np.array(values)[picked] > 0).all()


def test_codes_follow_their_shares() -> None:
    shares = np.tile([0.2, 0.0, 0.8], (20_000, 1))
    counts = np.bincount(pick_code(stream(1, "test"), shares), minlength=3) / 20_000
    assert counts == pytest.approx([0.2, 0.0, 0.8], abs=0.01)


@given(st.integers(1, 500), st.integers(0, 99))
def test_sorted_uniforms_are_sorted_and_below_one(size: int, seed: int) -> None:
    drawn = sorted_uniforms(stream(seed, "test"), size)
    assert len(drawn) == size
    assert (np.diff(drawn) >= 0).all()
    assert drawn[0] >= 0
    assert drawn[-1] < 1


@given(st.lists(st.integers(0, 100), min_size=1, max_size=20), st.integers(0, 99))
def test_nobody_is_drawn_before_joining(joined: list[int], seed: int) -> None:
    since = np.sort(np.array([0, *joined], dtype=np.int64))
    crowd = GrowingCrowd.of(stream(seed, "seats"), since, np.ones(len(since)), 3.0)
    instants = np.arange(0, 120, dtype=np.int64)
    assert (since[crowd.draw(stream(seed, "draw"), instants)] <= instants).all()


def test_a_member_with_twice_the_weight_is_drawn_twice_as_often() -> None:
    crowd = GrowingCrowd.of(stream(1, "seats"), np.zeros(2, np.int64), np.array([1.0, 2.0]), 3000.0)
    drawn = crowd.draw(stream(1, "draw"), np.zeros(30_000, np.int64))
    assert drawn.mean() == pytest.approx(2 / 3, abs=0.01)


def test_orders_follow_the_season() -> None:
    instants = order_times(stream(1, "test"), 100_000)
    assert (np.diff(instants) >= 0).all()
    assert instants[0] >= start_of_period()
    assert instants[-1] < end_of_period()
    counts = np.histogram(instants, month_edges())[0][:12] / (1 + c.YEARLY_GROWTH) ** (np.arange(12) / 12)
    assert counts / counts.mean() == pytest.approx(np.array(c.MONTH_FACTOR), rel=0.12)


def test_months_begin_and_end_with_the_period() -> None:
    assert month_edges()[0] == start_of_period()
    assert month_edges()[-1] >= end_of_period()
    assert month_edges()[-2] < end_of_period()


@given(st.lists(st.integers(0, 3), max_size=40))
def test_earlier_claims_are_counted_as_by_a_loop(customers: list[int]) -> None:
    expected = [customers[:position].count(customer) for position, customer in enumerate(customers)]
    assert earlier_claims(np.array(customers, dtype=np.int64)).tolist() == expected


@given(st.lists(st.integers(0, 10**9 - 1), max_size=20))
def test_identifiers_are_the_number_in_nine_digits(numbers: list[int]) -> None:
    assert identifiers("k", np.array(numbers, np.int64)).to_pylist() == [f"k{number:09d}" for number in numbers]


def test_absent_identifiers_are_null() -> None:
    assert identifiers("o", np.array([1, 2]), absent=np.array([True, False])).to_pylist() == [None, "o000000002"]


@given(st.lists(st.integers(-(10**12), 10**12), max_size=20, unique=True))
def test_hashes_tell_numbers_apart(numbers: list[int]) -> None:
    hashed = hashes("h", np.array(numbers, np.int64)).to_pylist()
    assert len(set(hashed)) == len(numbers)
    assert all(len(text) == 17 and int(text[1:], 16) >= 0 for text in hashed)


def test_codes_below_zero_and_missing_values_are_null() -> None:
    assert choices(["a", "b"], np.array([1, -1])).to_pylist() == ["b", None]
    assert money(np.array([1.25, np.nan])).to_pylist() == [1.25, None]
    assert times(np.array([c.NULL_TIME])).to_pylist() == [None]


def test_slices_cover_every_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claimvet.data.marketplace.tables.ROWS_AT_ONCE", 10)
    assert slices(0) == [slice(0, 0)]
    assert [row for part in slices(25) for row in range(part.start, part.stop)] == list(range(25))
