"""The contract's columns in the form that declarations read, as SQL of DuckDB: for the embedded engine, and for a store
that is loaded."""

from __future__ import annotations

from claimvet.data.contract.dataset import identifier
from claimvet.data.contract.tables import Kind, Table


def integer_columns(table: Table) -> list[str]:
    """Return SQL of the contract's columns, times as microseconds and money as cents, both int64.

    >>> from claimvet.data.contract.tables import TABLES
    >>> integer_columns(TABLES["customers"])[1]
    'epoch_us("created_at") AS "created_at"'
    """
    forms = {Kind.TIME: "epoch_us({0}) AS {0}", Kind.MONEY: "CAST(round({0} * 100) AS BIGINT) AS {0}"}
    return [forms.get(column.kind, "{0}").format(identifier(column.name)) for column in table.columns]
