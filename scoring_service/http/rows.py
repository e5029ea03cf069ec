"""Is this one row of a table of the contract? Parsed from JSON, by the rules of `data validate` that one row can be held against.

Rules between rows are the store's: an event may come before the one it refers to (`scoring_service.store`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from claimvet.data.contract.errors import RowError
from claimvet.data.contract.rules import (
    IDENTIFIER_LENGTH,
    TEXT_LENGTH,
    Companion,
    TimeOrder,
    expected_value,
    relations_of,
)
from claimvet.data.contract.tables import TABLES, Column, Kind, Table
from claimvet.scoring_service.store.events.event import StoredEvent
from claimvet.scoring_service.store.events.export import OWN_COLUMNS

LARGEST_MONEY_USD = 1e10
"""Running totals are whole cents in 64 bits, exact for ten million amounts of this size."""

LONGEST_SHOWN = 80
"""Characters of a value that an error repeats."""

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:[Zz]|([+-])(\d\d):([0-5]\d))", re.ASCII)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the zone is taken off before, so that no time is out of reach
_MICROSECOND = timedelta(microseconds=1)


def parse_row(table: str, row: Any) -> StoredEvent:
    """Parse a row into normalised values; a column that may be null may also be missing, and unknown columns are ignored.

    >>> parse_row("customers", {"customer_id": "c1", "created_at": "2026-01-01T00:00:00+02:00"}).row["created_at"]
    1767218400000000

    Raises:
        RowError: names the field, its value and what was expected.
    """
    if not isinstance(table, str) or table not in TABLES:
        raise RowError("table", f"table is {_shown(table)}, expected one of {', '.join(TABLES)}")
    if not isinstance(row, Mapping):
        raise RowError("", f"the row of {table} is {_shown(row)}, expected an object")
    parsed = {column.name: _parsed(column, row) for column in TABLES[table].columns}
    _check_relations(TABLES[table], parsed, row)
    return StoredEvent(table, parsed, _own_columns(row) if table == "claims" else {})


def ignored_columns(table: str, row: Mapping[str, Any]) -> list[str]:
    """Return the names that mean nothing in this table, and are not kept."""
    known = TABLES[table].column_names
    return sorted(
        name for name in row if name not in known and not (table == "claims" and name.startswith(OWN_COLUMNS))
    )


def parse_time(text: str) -> int:
    """Parse an RFC 3339 time to microseconds since 1970 UTC.

    >>> parse_time("1970-01-01T00:00:00.5Z")
    500000

    Raises:
        ValueError: where the text is none, has no zone or more than microseconds.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(text)
    date, time, fraction, sign, hours, minutes = found.groups()
    local = datetime.fromisoformat(f"{date}T{time}.{(fraction or '').ljust(6, '0')}")
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    if offset >= timedelta(days=1):
        raise ValueError(text)
    return (local - _EPOCH - (-offset if sign == "-" else offset)) // _MICROSECOND


def format_time(microseconds: int) -> str:
    """Format microseconds since 1970 as RFC 3339 in UTC.

    >>> format_time(500000)
    '1970-01-01T00:00:00.500000Z'
    """
    return (_EPOCH + microseconds * _MICROSECOND).replace(tzinfo=UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def _parsed(column: Column, row: Mapping[str, Any]) -> Any:
    value = row.get(column.name)
    if value is None:
        if column.nullable:
            return None
        lacking = "null" if column.name in row else "missing"
        raise RowError(column.name, f"{column.name} is {lacking}, expected {expected_value(column)}")
    try:
        return _PARSERS[column.kind](column, value)
    except ValueError as error:
        message = f"{column.name} is {_shown(value)}, expected {_expected(column)}"
        raise RowError(column.name, message) from error


def _expected(column: Column) -> str:
    if column.kind is Kind.TIME:
        return "an RFC 3339 time with its zone and at most microseconds, such as 2026-01-31T12:00:00Z"
    limit = f" and at most {LARGEST_MONEY_USD:.0f}" if column.kind is Kind.MONEY else ""
    if column.kind in {Kind.CATEGORY, Kind.TEXT} and not column.unbounded:
        limit = f" of at most {TEXT_LENGTH} characters"
    return expected_value(column) + limit


def _text(column: Column, value: Any) -> str:
    if not isinstance(value, str) or "\0" in value or (len(value) > TEXT_LENGTH and not column.unbounded):
        raise ValueError(value)
    value.encode()  # a lone surrogate is no text; UnicodeEncodeError is a ValueError
    return value


def _identifier(column: Column, value: Any) -> str:
    shortest, longest = IDENTIFIER_LENGTH
    if not shortest <= len(_text(column, value)) <= longest:
        raise ValueError(value)
    return str(value)


def _category(column: Column, value: Any) -> str:
    if not _text(column, value):
        raise ValueError(value)
    return str(value)


def _choice(column: Column, value: Any) -> str:
    if value not in column.values:
        raise ValueError(value)
    return str(value)


def _time(column: Column, value: Any) -> int:
    return parse_time(_text(column, value))


def _money(column: Column, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST_MONEY_USD:
        raise ValueError(value)
    return float(value)


_PARSERS: Mapping[Kind, Callable[[Column, Any], Any]] = {
    Kind.IDENTIFIER: _identifier,
    Kind.CATEGORY: _category,
    Kind.CHOICE: _choice,
    Kind.TEXT: _text,
    Kind.TIME: _time,
    Kind.MONEY: _money,
}


def _check_relations(table: Table, parsed: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    for relation in relations_of(table):
        broken = False
        if isinstance(relation, TimeOrder):
            earlier, later = parsed[relation.earlier], parsed[relation.later]
            broken = earlier is not None and later is not None and earlier > later
        elif isinstance(relation, Companion):
            broken = parsed[relation.culprit] is not None and parsed[relation.needs] is None
        if broken and isinstance(relation, TimeOrder | Companion):
            shown = _shown(row[relation.culprit])
            raise RowError(relation.culprit, f"{relation.culprit} is {shown}, expected {relation.expected}")


def _own_columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """A claim's `x_` and `group_` columns: numbers, booleans, strings or null."""
    own = {name: value for name, value in row.items() if name.startswith(OWN_COLUMNS)}
    for name, value in own.items():
        if not _is_plain(value):
            raise RowError(name, f"{name} is {_shown(value)}, expected a finite number, a boolean, a string or null")
    return own


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" not in value and _is_text(value)
    if isinstance(value, int | float):
        return abs(value) < 2**63  # which neither infinity nor NaN is
    return value is None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: Any) -> str:
    if isinstance(value, int) and abs(value) >= 10**LONGEST_SHOWN:
        return f"a whole number of more than {LONGEST_SHOWN} digits"
    text = repr(value) if isinstance(value, str) else "null" if value is None else str(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
