"""Is this one row of a table of the contract? Parsed from JSON, by the rules of `data validate` that one row can be held against.

Rules between rows are the store's: an event may come before the one it refers to (`scoring_service.store`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from claimvet.data.contract.errors import RowError, TimeOrderError
from claimvet.data.contract.rules import (
    TEXT_LENGTH,
    Companion,
    Rule,
    TimeOrder,
    expected_by,
    expected_value,
    relations_of,
)
from claimvet.data.contract.tables import TABLES, Column, Kind, Table
from claimvet.scoring_service.http.parsing.column_schemas import OWN_VALUE, compiled, value_schema
from claimvet.scoring_service.store.events.event import StoredEvent
from claimvet.scoring_service.store.events.export import OWN_COLUMNS
from claimvet.scoring_service.times import TIME_EXAMPLE, parse_rfc3339

MAX_SHOWN = 80
"""Characters of a value that an error repeats."""


def parse_row(table: str, row: Any) -> StoredEvent:
    """Parse a row into normalised values; a column that may be null may also be missing, and unknown columns are ignored.

    >>> parse_row("customers", {"customer_id": "c1", "created_at": "2026-01-01T00:00:00+02:00"}).row["created_at"]
    1767218400000000

    Raises:
        RowError: names the field, its value and what was expected; `TimeOrderError` where only two times are in the wrong order.
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


def _parsed(column: Column, row: Mapping[str, Any]) -> Any:
    value = row.get(column.name)
    if value is None:
        if column.nullable:
            return None
        lacking = "null" if column.name in row else "missing"
        raise RowError(column.name, f"{column.name} is {lacking}, expected {expected_value(column)}")
    if not _ALLOWS[column](value):
        raise RowError(column.name, f"{column.name} is {_shown(value)}, expected {_expected(column)}")
    parse = _PARSERS.get(column.kind)
    return value if parse is None else parse(value)


def _expected(column: Column) -> str:
    if column.kind is Kind.TIME:
        years = expected_by(Rule.TIME_OUT_OF_RANGE, column)
        return f"an RFC 3339 time with its zone, such as {TIME_EXAMPLE}, and {years}"
    if column.kind is Kind.MONEY:
        return f"{expected_value(column)}, and {expected_by(Rule.MONEY_TOO_GREAT, column)}"
    bounded = column.kind in (Kind.CATEGORY, Kind.TEXT) and not column.unbounded
    return expected_value(column) + (f" of at most {TEXT_LENGTH} characters" if bounded else "")


_PARSERS: Mapping[Kind, Callable[[Any], Any]] = {Kind.TIME: parse_rfc3339, Kind.MONEY: float}
_ALLOWS = {column: compiled(value_schema(column)) for table in TABLES.values() for column in table.columns}
_allows_own = compiled(OWN_VALUE)


def _check_relations(table: Table, parsed: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    for relation in relations_of(table):
        if isinstance(relation, TimeOrder):
            earlier, later = parsed[relation.earlier], parsed[relation.later]
            if earlier is not None and later is not None and earlier > later:
                raise TimeOrderError(relation.culprit, _broken(relation, row))
        elif (
            isinstance(relation, Companion) and parsed[relation.culprit] is not None and parsed[relation.needs] is None
        ):
            raise RowError(relation.culprit, _broken(relation, row))


def _broken(relation: TimeOrder | Companion, row: Mapping[str, Any]) -> str:
    return f"{relation.culprit} is {_shown(row[relation.culprit])}, expected {relation.expected}"


def _own_columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a claim's `x_` and `group_` columns: numbers, booleans, strings or null."""
    own = {name: value for name, value in row.items() if name.startswith(OWN_COLUMNS)}
    for name, value in own.items():
        if not _allows_own(value):
            expected = f"a finite number, a boolean, a string of at most {TEXT_LENGTH} characters or null"
            raise RowError(name, f"{name} is {_shown(value)}, expected {expected}")
    return own


def _shown(value: Any) -> str:
    if isinstance(value, int) and abs(value) >= 10**MAX_SHOWN:
        return f"a whole number of more than {MAX_SHOWN} digits"
    text = repr(value) if isinstance(value, str) else "null" if value is None else str(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
