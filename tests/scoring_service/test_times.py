"""Instants keep their order and come back, inside and outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from claimvet.scoring_service.http.rows import format_time, parse_time
from claimvet.scoring_service.times import EPOCH, micros, rfc3339

MOMENTS = st.datetimes(timezones=st.just(UTC))
FIRST = micros(datetime(1, 1, 1, tzinfo=UTC))
LAST = micros(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))


@given(MOMENTS)
def test_a_moment_comes_back_from_its_text_by_either_way_of_writing_it(moment: datetime) -> None:
    instant = micros(moment)
    assert rfc3339(instant) == format_time(instant)
    assert parse_time(rfc3339(instant)) == instant
    assert datetime.fromisoformat(rfc3339(instant)) == moment


@given(st.integers(FIRST, LAST), st.integers(FIRST, LAST))
def test_texts_have_the_order_of_their_instants(one: int, other: int) -> None:
    assert (rfc3339(one) < rfc3339(other)) == (one < other)


@given(MOMENTS, st.integers(-1439, 1439))
def test_the_zone_of_a_moment_changes_nothing(moment: datetime, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    local = (moment.replace(year=max(min(moment.year, 9998), 2))).astimezone(zone)
    assert micros(local) == micros(local.astimezone(UTC)) == parse_time(local.isoformat())


@given(st.integers(-(2**63), 2**63 - 1))
def test_what_has_no_form_is_told_as_the_nearest_that_has(instant: int) -> None:
    assert micros(datetime.fromisoformat(rfc3339(instant))) == min(max(instant, FIRST), LAST)


@given(st.integers(0, 999_999))
def test_a_microsecond_is_kept_whatever_zeros_it_ends_with(part: int) -> None:
    digits = f"{part:06}".rstrip("0") or "0"
    assert parse_time(f"1970-01-01T00:00:00.{digits}Z") == part
    assert micros(EPOCH + timedelta(microseconds=part)) == part
