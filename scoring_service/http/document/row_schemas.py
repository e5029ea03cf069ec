"""JSON Schemas of the contract's rows: what `scoring_service.http.parsing.rows` takes, said in the language of OpenAPI.

What ties columns together, or is said of columns by their prefix, stands under `if` and `then`: generators of clients leave that out,
where beside named properties of other types it would make types that no row has.
"""

from __future__ import annotations

from collections.abc import Sequence

from claimvet.data.contract.rules import RELATIONS, Companion
from claimvet.data.contract.tables import Column, Kind, Table
from claimvet.scoring_service.http.parsing.column_schemas import OWN_VALUE, TIME, Schema, nullable, value_schema
from claimvet.scoring_service.store.events.export import OWN_COLUMNS


def row_schema(table: Table, optional: Sequence[str] = ()) -> Schema:
    """Return the schema of a row of `table`; what may be null may be left out, and so may `optional`. Further columns are ignored."""
    needed = [column.name for column in table.columns if not column.nullable and column.name not in optional]
    shown = {column.name: _described(column, column.name in optional) for column in table.columns}
    schema: Schema = {"type": "object", "description": table.meaning, "properties": shown, "required": needed}
    for relation in RELATIONS:
        if isinstance(relation, Companion) and relation.table == table.name:
            schema |= _companion(relation, table)
    return schema


def claim_schema(table: Table) -> Schema:
    """Return the schema of a claim, whose own columns are numbers, booleans or strings."""
    own = {f"^{prefix}": OWN_VALUE for prefix in OWN_COLUMNS}
    return {
        **row_schema(table),
        "if": {"type": "object"},
        "then": {"patternProperties": own, "additionalProperties": True},
    }


def _companion(relation: Companion, table: Table) -> Schema:
    """Require that where one column has a value, the other has one too."""
    given = {"properties": {relation.culprit: {"type": "string"}}, "required": [relation.culprit]}
    needed = value_schema(table.column(relation.needs))
    return {"if": given, "then": {"properties": {relation.needs: needed}, "required": [relation.needs]}}


def _described(column: Column, optional: bool) -> Schema:
    schema = value_schema(column)
    schema["description"] = f"{column.meaning}; {TIME['description']}" if column.kind is Kind.TIME else column.meaning
    return nullable(schema) if column.nullable or optional else schema
