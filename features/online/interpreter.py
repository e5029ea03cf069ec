"""Runs the expressions that features are declared with on plain Python rows, instead of compiling them for an engine.

`value_function` makes a function of a value expression, `relation_function` one of a table expression. Both know only the operations
that the declarations use, and refuse any other by name when they are made, not when they run. Null is None, and spreads as in SQL.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

import ibis.expr.types as ir
from ibis.expr import operations as ops

from claimvet.data.contract.errors import FeatureError

Row = Mapping[Any, Any]
Rows = Sequence[Row]
ValueFunction = Callable[[Row], Any]
RelationFunction = Callable[[Mapping[str, Rows]], Rows]


def value_function(expression: ir.Value) -> ValueFunction:
    """Return a function from a row (column name to value) to the value of the expression over one table's columns.

    >>> import ibis
    >>> t = ibis.table({"paid": "int64", "orders": "int64"}, name="t")
    >>> value = value_function(t.paid.cast("float64") / t.orders.nullif(0))
    >>> value({"paid": 3, "orders": 2}), value({"paid": 3, "orders": 0})
    (1.5, None)

    Raises:
        FeatureError: where the expression has an operation that is not known here.
    """
    return _value(expression.op())


def relation_function(expression: ir.Table) -> RelationFunction:
    """Return a function from the rows of tables, by name, to the rows of the expression.

    Raises:
        FeatureError: where the expression has an operation that is not known here.
    """
    return _relation(expression.op())


def _divided(left: Any, right: Any) -> float | None:
    return left / right if right else None


_STRICT: dict[type, Callable[[Any, Any], Any]] = {
    ops.Add: operator.add,
    ops.Subtract: operator.sub,
    ops.Multiply: operator.mul,
    ops.Divide: _divided,
    ops.FloorDivide: operator.floordiv,
    ops.Modulus: operator.mod,
    ops.Equals: operator.eq,
    ops.NotEquals: operator.ne,
    ops.Less: operator.lt,
    ops.LessEqual: operator.le,
    ops.Greater: operator.gt,
    ops.GreaterEqual: operator.ge,
}
"""Of two values, null where either is; a remainder has the sign of the divisor."""


def _value(op: Any) -> ValueFunction:
    if type(op) in _STRICT:
        return _strict(_STRICT[type(op)], _value(op.left), _value(op.right))
    maker = _MAKERS.get(type(op))
    if maker is None:
        raise FeatureError(
            f"the operation {type(op).__name__} cannot be computed row by row, expected one that claimvet.features.online knows"
        )
    return maker(op)


def _strict(function: Callable[[Any, Any], Any], left: ValueFunction, right: ValueFunction) -> ValueFunction:
    def value(row: Row) -> Any:
        one, other = left(row), right(row)
        return None if one is None or other is None else function(one, other)

    return value


def _field(op: Any) -> ValueFunction:
    return operator.itemgetter((op.rel.identifier, op.name) if isinstance(op.rel, ops.JoinReference) else op.name)


def _literal(op: Any) -> ValueFunction:
    value = op.value
    if value is not None and (op.dtype.is_integer() or op.dtype.is_decimal()):
        value = int(value)
    return lambda row: value


def _and(op: Any) -> ValueFunction:
    left, right = _value(op.left), _value(op.right)

    def value(row: Row) -> bool | None:
        one, other = left(row), right(row)
        return False if one is False or other is False else None if one is None or other is None else True

    return value


def _or(op: Any) -> ValueFunction:
    left, right = _value(op.left), _value(op.right)

    def value(row: Row) -> bool | None:
        one, other = left(row), right(row)
        return True if one is True or other is True else None if one is None or other is None else False

    return value


def _one(arg: Any, function: Callable[[Any], Any]) -> ValueFunction:
    """Of one value, null where it is."""
    of = _value(arg)

    def value(row: Row) -> Any:
        one = of(row)
        return None if one is None else function(one)

    return value


def _if_else(op: Any) -> ValueFunction:
    condition, yes, no = _value(op.bool_expr), _value(op.true_expr), _value(op.false_null_expr)
    return lambda row: yes(row) if condition(row) else no(row)


def _in_values(op: Any) -> ValueFunction:
    options = frozenset(option.value for option in op.options)
    return _one(op.value, options.__contains__)


def _is_null(op: Any) -> ValueFunction:
    of = _value(op.arg)
    return lambda row: of(row) is None


def _not_null(op: Any) -> ValueFunction:
    of = _value(op.arg)
    return lambda row: of(row) is not None


def _coalesce(op: Any) -> ValueFunction:
    values = [_value(arg) for arg in op.arg]

    def first_known(row: Row) -> Any:
        for value in values:
            found = value(row)
            if found is not None:
                return found
        return None

    return first_known


def _null_if(op: Any) -> ValueFunction:
    of, refused = _value(op.arg), _value(op.null_if_expr)

    def value(row: Row) -> Any:
        found = of(row)
        return None if found == refused(row) else found

    return value


def _cast(op: Any) -> ValueFunction:
    to = op.to
    if to.is_floating():
        return _one(op.arg, float)
    if to.is_integer() or to.is_decimal():
        return _one(op.arg, int)
    if to.is_string():
        return _one(op.arg, str)
    raise FeatureError(f"a cast to {to} cannot be computed row by row, expected a number or a string")


_MAKERS: dict[type, Callable[[Any], ValueFunction]] = {
    ops.Field: _field,
    ops.Literal: _literal,
    ops.And: _and,
    ops.Or: _or,
    ops.Not: lambda op: _one(op.arg, operator.not_),
    ops.Negate: lambda op: _one(op.arg, operator.neg),
    ops.Abs: lambda op: _one(op.arg, abs),
    ops.Sqrt: lambda op: _one(op.arg, math.sqrt),
    ops.StringLength: lambda op: _one(op.arg, len),
    ops.IfElse: _if_else,
    ops.InValues: _in_values,
    ops.IsNull: _is_null,
    ops.NotNull: _not_null,
    ops.Coalesce: _coalesce,
    ops.NullIf: _null_if,
    ops.Cast: _cast,
}


def _relation(op: Any) -> RelationFunction:
    makers = {ops.UnboundTable: _table, ops.Project: _project, ops.Filter: _filter, ops.JoinChain: _join}
    if type(op) not in makers:
        raise FeatureError(
            f"the operation {type(op).__name__} cannot be computed row by row, expected one that claimvet.features.online knows"
        )
    return makers[type(op)](op)


def _table(op: Any) -> RelationFunction:
    return operator.itemgetter(op.name)


def _project(op: Any) -> RelationFunction:
    parent = _relation(op.parent)
    plain = {name: _value(value) for name, value in op.values.items() if not isinstance(value, ops.WindowFunction)}
    windows = {name: _next_value(value) for name, value in op.values.items() if isinstance(value, ops.WindowFunction)}

    def rows(tables: Mapping[str, Rows]) -> Rows:
        read = parent(tables)
        made = [{name: value(row) for name, value in plain.items()} for row in read]
        for name, window in windows.items():
            for row, value in zip(made, window(read), strict=True):
                row[name] = value
        return made

    return rows


def _next_value(op: Any) -> Callable[[Rows], list[Any]]:
    """Return a value of the next row in ascending order within a group: the one window function that sources use."""
    plain = isinstance(op.func, ops.Lead) and op.func.offset is None and op.func.default is None
    if not plain or any(not key.ascending for key in op.order_by):
        raise FeatureError(
            f"the window function {type(op.func).__name__} cannot be computed row by row, expected lead()"
        )
    of = _value(op.func.arg)
    group = [_value(key) for key in op.group_by]
    order = [_value(key.arg) for key in op.order_by]

    def values(rows: Rows) -> list[Any]:
        keys = [(tuple(key(row) for key in group), tuple(key(row) for key in order)) for row in rows]
        found: list[Any] = [None] * len(rows)
        for _, members in groupby(sorted(range(len(rows)), key=keys.__getitem__), key=lambda place: keys[place][0]):
            places = list(members)
            for place, following in pairwise(places):
                found[place] = of(rows[following])
        return found

    return values


def _filter(op: Any) -> RelationFunction:
    parent, conditions = _relation(op.parent), [_value(predicate) for predicate in op.predicates]
    return lambda tables: [row for row in parent(tables) if all(condition(row) for condition in conditions)]


def _join(op: Any) -> RelationFunction:
    """Inner joins by nested loops: whoever calls gives few rows."""
    if any(link.how != "inner" for link in op.rest):
        raise FeatureError("an outer join cannot be computed row by row, expected inner joins")
    first = op.first.identifier, _relation(op.first.parent)
    links = [
        (link.table.identifier, _relation(link.table.parent), [_value(predicate) for predicate in link.predicates])
        for link in op.rest
    ]
    values = {name: _value(value) for name, value in op.values.items()}

    def rows(tables: Mapping[str, Rows]) -> Rows:
        joined = [_named(first[0], row) for row in first[1](tables)]
        for identifier, relation, predicates in links:
            others = [_named(identifier, row) for row in relation(tables)]
            pairs = ({**one, **other} for one in joined for other in others)
            joined = [pair for pair in pairs if all(predicate(pair) for predicate in predicates)]
        return [{name: value(row) for name, value in values.items()} for row in joined]

    return rows


def _named(identifier: Any, row: Row) -> dict[Any, Any]:
    return {(identifier, name): value for name, value in row.items()}
