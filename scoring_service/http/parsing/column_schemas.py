"""What a value of a column may be, as a JSON Schema: the one declaration that the parser enforces and the OpenAPI document shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from claimvet.data.contract.rules import IDENTIFIER_LENGTH, MONEY_BOUND_USD, TEXT_LENGTH
from claimvet.data.contract.tables import Column, Kind
from claimvet.scoring_service.times import TIME_PATTERN

Schema = dict[str, Any]

_NO_NUL = r"^[^\x00]*$"
TIME: Schema = {
    "type": "string",
    "pattern": TIME_PATTERN,
    "description": "RFC 3339 with a zone, such as 2026-01-31T12:00:00Z; digits beyond microseconds are cut off.",
}
"""An instant."""
OWN_VALUE: Schema = {
    "type": ["number", "string", "boolean", "null"],
    "exclusiveMinimum": -(2.0**63),
    "exclusiveMaximum": 2.0**63,
    "maxLength": TEXT_LENGTH,
    "pattern": _NO_NUL,
}
"""A value of a claim's own column, `x_…` or `group_…`."""
_TEXT: Schema = {"type": "string", "maxLength": TEXT_LENGTH, "pattern": _NO_NUL}
# money is kept to the cent: what rounds up to the bound would not pass `data validate` when it is exported
_KINDS: Mapping[Kind, Schema] = MappingProxyType(
    {
        Kind.IDENTIFIER: {**_TEXT, "minLength": IDENTIFIER_LENGTH[0], "maxLength": IDENTIFIER_LENGTH[1]},
        Kind.CATEGORY: {**_TEXT, "minLength": 1},
        Kind.CHOICE: {"type": "string"},
        Kind.TEXT: _TEXT,
        Kind.TIME: TIME,
        Kind.MONEY: {"type": "number", "minimum": 0, "exclusiveMaximum": MONEY_BOUND_USD - 0.005},
    }
)


def value_schema(column: Column) -> Schema:
    """Return the schema of a value of the column that is not null.

    >>> from claimvet.data.contract.tables import TABLES
    >>> value_schema(TABLES["orders"].column("amount"))
    {'type': 'number', 'minimum': 0, 'exclusiveMaximum': 999999999.995}
    """
    schema = dict(_KINDS[column.kind])
    if column.unbounded:
        del schema["maxLength"]
    if column.kind is Kind.CHOICE:
        schema["enum"] = [*column.values]
    return schema


def nullable(schema: Schema) -> Schema:
    """Return the same schema, or null."""
    choices = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **choices} if isinstance(schema["type"], str) else schema


def compiled(schema: Schema) -> Callable[[Any], bool]:
    """Return what tells whether a value is allowed by such a schema, with the meaning that JSON Schema gives it.

    >>> compiled(TIME)("2024-02-29T00:00:00z"), compiled(TIME)("2023-02-29T00:00:00z")
    (True, False)
    """
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    checks = {name: _CHECKS[name](schema) for name in types}

    def allows(value: Any) -> bool:
        check = checks.get(_TYPES.get(type(value), ""))
        return check is not None and check(value)

    return allows


def _string(schema: Schema) -> Callable[[Any], bool]:
    least, most, choices = schema.get("minLength", 0), schema.get("maxLength", float("inf")), schema.get("enum")
    pattern = re.compile(schema.get("pattern", "^.*$").removeprefix("^").removesuffix("$"), re.DOTALL)

    def allows(value: str) -> bool:
        if choices is not None:
            return value in choices
        return least <= len(value) <= most and pattern.fullmatch(value) is not None and _is_unicode(value)

    return allows


def _number(schema: Schema) -> Callable[[Any], bool]:
    infinity = float("inf")
    least, above = schema.get("minimum", -infinity), schema.get("exclusiveMinimum", -infinity)
    below = schema.get("exclusiveMaximum", infinity)
    return lambda value: bool(least <= value and above < value < below)  # none of them is so of NaN


def _is_unicode(value: str) -> bool:
    """Return whether it can be written in UTF-8: a lone surrogate cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


_TYPES = {str: "string", float: "number", int: "number", bool: "boolean", type(None): "null"}
_CHECKS: Mapping[str, Callable[[Schema], Callable[[Any], bool]]] = MappingProxyType(
    {
        "string": _string,
        "number": _number,
        "boolean": lambda schema: lambda value: True,
        "null": lambda schema: lambda value: True,
    }
)
