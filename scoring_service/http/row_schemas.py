"""JSON Schemas of the contract's rows: what `scoring_service.http.rows` takes, said in the language of OpenAPI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from claimvet.data.contract.rules import IDENTIFIER_LENGTH, RELATIONS, TEXT_LENGTH, Companion
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX, GROUP_COLUMN_PREFIX, Column, Kind, Table
from claimvet.scoring_service.http.rows import LARGEST_MONEY_USD

_DAY = r"(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8])))"
_CENTURIES = "(?:19[0-9]{2}|2[01][0-9]{2})"
_ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-9]|2[0-3]):[0-5][0-9])"
TIME: dict[str, Any] = {
    "type": "string",
    "pattern": "^"
    + _DAY.replace("[0-9]{4}", _CENTURIES)
    + r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
    + _ZONE
    + "$",
    "description": "RFC 3339, with a zone.",
}
"""An instant."""
_TOO_LARGE = 2.0**63
"""For a number in a claim's own column."""
_NO_NUL = r"^[^\x00]*$"


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the same schema, or null."""
    return {**schema, "type": [schema["type"], "null"]} if isinstance(schema["type"], str) else schema


def row_schema(table: Table, optional: Sequence[str] = (), hidden: Sequence[str] = ()) -> dict[str, Any]:
    """Return the schema of a row of `table`; what may be null may be left out, and so may `optional`. Further columns are ignored."""
    needed = [c.name for c in table.columns if not c.nullable and c.name not in optional]
    shown = {c.name: _column(c) for c in table.columns if c.name not in hidden}
    schema: dict[str, Any] = {"type": "object", "description": table.meaning, "properties": shown, "required": needed}
    if table.name == "claims":
        value = {
            "type": ["number", "string", "boolean", "null"],
            "exclusiveMinimum": -_TOO_LARGE,
            "exclusiveMaximum": _TOO_LARGE,
            "pattern": _NO_NUL,
        }
        schema["patternProperties"] = {f"^{FEATURE_COLUMN_PREFIX}": value, f"^{GROUP_COLUMN_PREFIX}": value}
    together = [
        _companion(relation, shown)
        for relation in RELATIONS
        if isinstance(relation, Companion) and relation.table == table.name
    ]
    return {**schema, "allOf": together} if together else schema


def _companion(relation: Companion, shown: dict[str, Any]) -> dict[str, Any]:
    """Where one column has a value, the other has one too."""
    needs = {**TIME} if shown[relation.needs].get("pattern") == TIME["pattern"] else shown[relation.needs]
    return {
        "anyOf": [
            {"properties": {relation.culprit: {"type": "null"}}},
            {"properties": {relation.needs: needs}, "required": [relation.needs]},
        ]
    }


def _column(column: Column) -> dict[str, Any]:
    schema = {**_KINDS[column.kind], "description": column.meaning}
    if column.kind is Kind.CHOICE:
        values: list[str | None] = [*column.values]
        return {"enum": [*values, None] if column.nullable else values, "description": column.meaning}
    if column.kind is Kind.TIME:
        schema["description"] = f"{column.meaning}; {TIME['description']}"
    if column.kind in {Kind.CATEGORY, Kind.TEXT} and not column.unbounded:
        schema["maxLength"] = TEXT_LENGTH
    return nullable(schema) if column.nullable else schema


_KINDS: dict[Kind, dict[str, Any]] = {
    Kind.IDENTIFIER: {
        "type": "string",
        "minLength": IDENTIFIER_LENGTH[0],
        "maxLength": IDENTIFIER_LENGTH[1],
        "pattern": _NO_NUL,
    },
    Kind.CATEGORY: {"type": "string", "minLength": 1, "pattern": _NO_NUL},
    Kind.CHOICE: {"type": "string"},
    Kind.TEXT: {"type": "string", "pattern": _NO_NUL},
    Kind.TIME: TIME,
    Kind.MONEY: {"type": "number", "minimum": 0, "maximum": LARGEST_MONEY_USD},
}
