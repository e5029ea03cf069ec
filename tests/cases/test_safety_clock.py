"""Ten working days to assess a product, twenty-four hours to report it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.cases.safety_clock import assess_by, assessed, opened
from claimvet.cases.settings import HOUR, CaseSettings


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("noticed", "holidays", "by"),
    [
        ("2026-11-02T09:30", (), "2026-11-16T09:30"),  # a Monday
        ("2026-11-06T23:59", (), "2026-11-20T23:59"),  # a Friday
        ("2026-11-07T00:00", (), "2026-11-20T00:00"),  # a Saturday
        ("2026-11-20T12:00", ("2026-11-26", "2026-11-28"), "2026-12-07T12:00"),  # a Thursday off, a Saturday off anyway
    ],
)
def test_working_days_are_monday_to_friday_less_holidays(noticed: str, holidays: tuple[str, ...], by: str) -> None:
    assert assess_by(instant(noticed), CaseSettings(holidays=holidays)) == instant(by)


@given(st.integers(0, 20_000), st.integers(1, 60))
def test_it_agrees_with_working_days_counted_one_by_one(day: int, days: int) -> None:
    due, left = day, days
    while left:
        due += 1
        left -= (date(1970, 1, 1) + timedelta(due)).weekday() < 5
    assert assess_by(day * 24 * HOUR, CaseSettings(assessment_days=days)) == due * 24 * HOUR


def test_a_reportable_assessment_starts_the_day_to_report_and_another_ends_the_file() -> None:
    file = opened("p1", 5, since=1, noticed_at=2, settings=CaseSettings())
    reportable = assessed(file, reportable=True, at=instant("2026-11-09T10:00"), settings=CaseSettings())
    assert (reportable.state, reportable.report_by) == ("to_report", instant("2026-11-10T10:00"))
    ended = assessed(file, reportable=False, at=3, settings=CaseSettings())
    assert (ended.state, ended.report_by) == ("not_reportable", None)
