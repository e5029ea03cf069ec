"""Instants: int64 microseconds since 1970 UTC inside, RFC 3339 with a zone outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (datetime.min.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
_LAST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Return microseconds since 1970 of a moment with a zone.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (moment - EPOCH) // timedelta(microseconds=1)


def rfc3339(instant: int) -> str:
    """Format an instant in UTC, always with six digits of the second; before year 1 and after 9999 the nearest that has a form.

    >>> rfc3339(1_000_000)
    '1970-01-01T00:00:01.000000Z'
    """
    within = min(max(instant, _FIRST), _LAST)
    return (EPOCH + timedelta(microseconds=within)).isoformat(timespec="microseconds").replace("+00:00", "Z")
