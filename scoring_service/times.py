"""Instants: int64 microseconds since 1970 UTC inside, RFC 3339 with a zone outside.

`TIME_PATTERN` is the one declaration of a time that is taken: the parser matches it, and the OpenAPI document shows it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (datetime.min.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
_LAST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
_MICROSECOND = timedelta(microseconds=1)

_DAY = "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
_DIVISIBLE = "(?:0[48]|[2468][048]|[13579][26])"  # by 4, and not 00
_DATE = (
    f"(?:(?:19(?:0[1-9]|[1-9][0-9])|20[0-9]{{2}}|21(?:[0-8][0-9]|9[0-8]))-{_DAY}"
    f"|(?:(?:19|20|21){_DIVISIBLE}|2000)-02-29)"
)
_CLOCK = r"[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
_OFFSET = "[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]"
TIME_PATTERN = f"^(?:{_DATE}{_CLOCK}(?:[Zz]|{_OFFSET})|(?:1900|2199)-{_DAY}{_CLOCK}(?:[Zz]|[+-]00:00))$"
"""RFC 3339, section 5.6, with a zone, in the contract's years (`data.contract.rules`), the first and the last of them in UTC, so that no
zone leads out of them: leap days where there are any, `T`, `t` or a blank, `Z` or `z`, one to nine digits of a second or none; no second
60. Without what not every dialect of regular expressions has."""
TIME_EXAMPLE = "2026-01-31T12:00:00Z"
_TIME = re.compile(TIME_PATTERN.removeprefix("^").removesuffix("$"))
_SECONDS_END = len("2026-01-31T12:00:00")


def micros(moment: datetime) -> int:
    """Return microseconds since 1970 of a moment with a zone.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (moment - EPOCH) // _MICROSECOND


def parse_rfc3339(text: str) -> int:
    """Return microseconds since 1970 UTC of a time that `TIME_PATTERN` allows; finer digits than microseconds are cut off.

    Cut off and not rounded, so that no instant becomes later than it was.

    >>> parse_rfc3339("1970-01-01T00:00:00.5Z"), parse_rfc3339("1970-01-01t01:00:00.1234567+01:00")
    (500000, 123456)

    Raises:
        ValueError: where the text is none.
    """
    if _TIME.fullmatch(text) is None:
        raise ValueError(text)
    zone = len(text) - (1 if text[-1] in "Zz" else len("+00:00"))
    fraction = text[_SECONDS_END + 1 : zone][:6].ljust(6, "0")
    offset = "+00:00" if text[-1] in "Zz" else text[zone:]
    return micros(datetime.fromisoformat(f"{text[:10]}T{text[11:_SECONDS_END]}.{fraction}{offset}"))


def rfc3339(instant: int) -> str:
    """Format an instant in UTC, always with six digits of the second; before year 1 and after 9999 the nearest that has a form.

    >>> rfc3339(1_000_000)
    '1970-01-01T00:00:01.000000Z'
    """
    within = min(max(instant, _FIRST), _LAST)
    return (EPOCH + timedelta(microseconds=within)).isoformat(timespec="microseconds").replace("+00:00", "Z")
