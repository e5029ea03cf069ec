"""A seller's standing: months of the calendar, cents, thirty days, and policies in force."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.cases.settings import DAY, CaseSettings
from claimvet.cases.standing import Cover, Standing, standing_at
from tests.examples import examples

SETTINGS = CaseSettings()


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


JANUARY, FEBRUARY = instant("2026-01-20"), instant("2026-02-03")


def at(text: str, *sales: tuple[int, int], covers: tuple[Cover, ...] = ()) -> Standing:
    return standing_at(sales, covers, instant(text), SETTINGS)


def test_ten_thousand_to_the_cent_in_one_month_of_the_calendar_is_the_threshold() -> None:
    assert at("2026-03-31", (JANUARY, 999_999)).name == "not_required"
    assert at("2026-03-31", (JANUARY, 999_999), (JANUARY, 1)).name == "missing"


def test_two_months_are_not_added_though_thirty_days_hold_both() -> None:
    standing = at("2026-04-30", (JANUARY, 600_000), (FEBRUARY, 600_000))
    assert (standing.name, standing.month, standing.sales) == ("not_required", "2026-04", 0)


def test_it_is_due_for_thirty_days_from_the_order_that_crossed_it_and_owed_for_good_after() -> None:
    first, second = (instant("2026-01-05"), 400_000), (JANUARY, 600_000)
    standing = at("2026-02-18", first, second)
    assert (standing.name, standing.crossed_at, standing.due_until) == ("due", JANUARY, JANUARY + 30 * DAY)
    assert (standing.month, standing.sales) == ("2026-01", 1_000_000)
    owed = at("2026-02-19", first, second)
    assert (owed.name, owed.due_until) == ("missing", None)
    assert at("2031-01-01", first, second).name == "missing"


def test_an_order_of_that_very_instant_is_not_known_before_it() -> None:
    assert at("2026-01-20", (JANUARY, 1_000_000)).name == "not_required"


def test_the_order_of_sales_does_not_matter_and_the_crossing_one_is_found_by_time() -> None:
    sales = [(JANUARY + day * DAY, 400_000) for day in range(3)]
    assert standing_at(reversed(sales), (), JANUARY + 9 * DAY, SETTINGS).crossed_at == JANUARY + 2 * DAY


@pytest.mark.parametrize(
    ("when", "name"),
    [("2026-03-01", "missing"), ("2026-03-02", "insured"), ("2026-03-05", "insured"), ("2026-03-06", "lapsed")],
)
def test_a_policy_is_in_force_after_its_start_up_to_and_with_its_end(when: str, name: str) -> None:
    cover = Cover("p1", instant("2026-03-01"), instant("2026-03-05"))
    standing = at(when, (JANUARY, 2_000_000), covers=(cover,))
    assert (standing.name, standing.policy_id) == (name, "p1" if name == "insured" else None)


def test_of_several_in_force_the_one_that_ends_last_is_named() -> None:
    covers = tuple(Cover(f"p{end}", 0, instant(f"2026-0{end}-01")) for end in (9, 5, 7))
    assert at("2026-04-01", covers=covers).policy_id == "p9"


@given(st.lists(st.tuples(st.integers(0, 400 * 24), st.integers(1, 700_000)), max_size=30), st.integers(0, 500 * 24))
@settings(max_examples=examples(200), deadline=None)
def test_it_agrees_with_sums_by_month_that_are_counted_one_by_one(sales: list[tuple[int, int]], hours: int) -> None:
    start, hour = instant("2025-01-01"), DAY // 24
    now = start + hours * hour
    stamped = sorted((start + after * hour, amount) for after, amount in sales)
    crossed = None
    for moment, _ in stamped:
        month = datetime.fromtimestamp(moment / 1e6, UTC).strftime("%Y %m")
        sold = sum(
            amount
            for other, amount in stamped
            if other <= moment and datetime.fromtimestamp(other / 1e6, UTC).strftime("%Y %m") == month
        )
        if moment < now and sold >= 1_000_000 and crossed is None:
            crossed = moment
    standing = standing_at(stamped, (), now, SETTINGS)
    assert standing.crossed_at == crossed
    expected = "not_required" if crossed is None else "due" if now < crossed + 30 * DAY else "missing"
    assert standing.name == expected
