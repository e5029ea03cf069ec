"""Declared expressions, run row by row, give what DuckDB gives."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import pytest

from claimvet.data.contract.errors import FeatureError
from claimvet.features.online.interpreter import relation_function, value_function

ROWS = [
    {"a": a, "b": b, "text": text}
    for a, b, text in [(7, 2, "One"), (-7, 2, "two"), (0, 0, ""), (None, 2, None), (5, None, "é"), (3, 3, "two")]
]
SCHEMA = {"a": "int64", "b": "int64", "text": "string"}
TABLE = ibis.table(SCHEMA, name="t")
A, B, TEXT = TABLE.a, TABLE.b, TABLE.text
EXPRESSIONS: list[ir.Value] = [
    A + B,
    A - B,
    A * B,
    A.cast("float64") / B.nullif(0),
    -A,
    A.abs(),
    (A.abs() % 4) // 2,
    A == B,
    A != B,
    A < B,
    A <= B,
    A > B,
    A >= B,
    (A > 0) & (B > 2),
    (A > 0) | (B > 2),
    ~(A > 0),
    A.isnull(),
    A.notnull(),
    A.isin((3, 7)),
    (A > B).ifelse(TEXT, "no"),
    ibis.coalesce(A, B, 9),
    A.fill_null(1),
    A.abs().cast("float64").sqrt(),
    TEXT.length(),
    A.cast("string"),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=range(len(EXPRESSIONS)))
def test_an_operation_is_that_of_the_engine(expression: ir.Value) -> None:
    memory = ibis.memtable(ROWS, schema=SCHEMA)
    engine = ibis.duckdb.connect()
    engine.create_table("t", memory)
    expected = engine.execute(TABLE.select(value=expression))["value"]
    value = value_function(expression)
    found: list[Any] = [value(row) for row in ROWS]
    assert [None if one != one or one is None else one for one in expected.astype(object)] == found
    engine.disconnect()


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        (A.bit_and(), "the operation BitAnd cannot be computed row by row"),
        (TEXT.lower(), "the operation Lowercase cannot be computed row by row"),
        (A.cast("date"), "a cast to date cannot be computed row by row"),
    ],
)
def test_an_unknown_operation_is_refused_before_any_row(expression: ir.Value, reason: str) -> None:
    with pytest.raises(FeatureError, match=reason):
        value_function(expression)


def test_an_unknown_relation_is_refused_before_any_row() -> None:
    ranked = TABLE.mutate(rank=ibis.row_number().over(order_by=A))
    for table, reason in (
        (TABLE.distinct(), "the operation Distinct cannot"),
        (ranked, "the window function RowNumber cannot"),
        (TABLE.left_join(TABLE.view(), "a"), "an outer join cannot"),
    ):
        with pytest.raises(FeatureError, match=reason):
            relation_function(table)
