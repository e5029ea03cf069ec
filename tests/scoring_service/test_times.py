"""Instants keep their order and come back, inside and outside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.data.contract.rules import FIRST_YEAR, LAST_YEAR
from claimvet.scoring_service.times import EPOCH, TIME_PATTERN, micros, parse_rfc3339, rfc3339

LAST_OF_DAY = {"hour": 23, "minute": 59, "second": 59, "microsecond": 999_999}
MOMENTS = st.integers(
    micros(datetime(1900, 1, 1, tzinfo=UTC)), micros(datetime(2199, 12, 31, **LAST_OF_DAY, tzinfo=UTC))
).map(lambda instant: EPOCH + timedelta(microseconds=instant))
FIRST = micros(datetime(1, 1, 1, tzinfo=UTC))
LAST = micros(datetime(9999, 12, 31, **LAST_OF_DAY, tzinfo=UTC))


@given(MOMENTS)
def test_a_moment_comes_back_from_its_text_by_either_way_of_writing_it(moment: datetime) -> None:
    instant = micros(moment)
    assert parse_rfc3339(rfc3339(instant)) == instant
    assert datetime.fromisoformat(rfc3339(instant)) == moment


@given(st.integers(FIRST, LAST), st.integers(FIRST, LAST))
def test_texts_have_the_order_of_their_instants(one: int, other: int) -> None:
    assert (rfc3339(one) < rfc3339(other)) == (one < other)


@given(MOMENTS, st.integers(-1439, 1439))
def test_the_zone_of_a_moment_changes_nothing(moment: datetime, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    local = (moment.replace(year=max(min(moment.year, 2197), 1902), day=1)).astimezone(zone)
    assert micros(local) == micros(local.astimezone(UTC)) == parse_rfc3339(local.isoformat())


@given(st.integers(-(2**63), 2**63 - 1))
def test_what_has_no_form_is_told_as_the_nearest_that_has(instant: int) -> None:
    assert micros(datetime.fromisoformat(rfc3339(instant))) == min(max(instant, FIRST), LAST)


@given(st.integers(0, 999_999))
def test_a_microsecond_is_kept_whatever_zeros_it_ends_with(part: int) -> None:
    digits = f"{part:06}".rstrip("0") or "0"
    assert parse_rfc3339(f"1970-01-01T00:00:00.{digits}Z") == part
    assert micros(EPOCH + timedelta(microseconds=part)) == part


@given(st.integers(0, 999_999_999), st.integers(7, 9))
def test_finer_digits_than_microseconds_are_cut_off(nanoseconds: int, digits: int) -> None:
    """As .NET (7 digits), Java and Go (9) write a time."""
    written = f"{nanoseconds:09}"[:digits]
    assert parse_rfc3339(f"1970-01-01T00:00:00.{written}Z") == int(f"{nanoseconds:09}"[:6])


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-29T00:00:00Z",
        "2000-02-29T12:00:00Z",
        "2096-02-29T12:00:00-23:59",
        "2024-02-29t00:00:00z",
        "2024-02-29 00:00:00+01:00",
        "1900-01-01T00:00:00Z",
        "2199-12-31T23:59:59.999999999+00:00",
        "2026-01-01T00:00:00.1Z",
        "2026-01-01T00:00:00-00:00",
    ],
)
def test_every_spelling_that_the_document_names_is_taken(text: str) -> None:
    upper = text.upper().replace(" ", "T")
    whole, _, rest = upper.partition(".")
    digits = "".join(takewhile(str.isdigit, rest))
    cut = f"{whole}.{digits[:6]}{rest[len(digits) :]}" if rest else upper
    assert parse_rfc3339(text) == micros(datetime.fromisoformat(cut))


@pytest.mark.parametrize(
    "text",
    [
        "2023-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "1899-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "1900-01-01T00:00:00+01:00",
        "2199-12-31T23:59:59-01:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-04-31T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T23:59:60Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567890Z",
        "2026-01-01T00:00:00,5Z",
        "2026-01-01T00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00Z\n",
        " 2026-01-01T00:00:00Z",
        "2026-01-01\t00:00:00Z",
        "\u0662026-01-01T00:00:00Z",
        "20260101T000000Z",
        "2026-W01-1T00:00:00Z",
        "",
    ],
)
def test_what_the_document_forbids_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        parse_rfc3339(text)


@given(st.from_regex(TIME_PATTERN, fullmatch=True))
def test_what_the_pattern_allows_lies_in_the_contracts_years(text: str) -> None:
    assert FIRST_YEAR <= datetime.fromisoformat(rfc3339(parse_rfc3339(text.removesuffix("\n")))).year <= LAST_YEAR
