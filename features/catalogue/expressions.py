"""What a feature of the claim itself, a ratio or a trend is, as an expression that every engine and the endpoint
run."""

from __future__ import annotations

import ibis.expr.types as ir

from claimvet.data.contract.money import CENTS_PER_DOLLAR
from claimvet.features.catalogue.aggregates import MICROSECONDS_PER_DAY
from claimvet.features.catalogue.declaration import ClaimFeature, Form, RatioFeature, TrendFeature

MICROSECONDS_PER_HOUR = 3_600_000_000
MONEY_CONTEXT = frozenset({"amount", "order_amount", "price"})
"""Columns of the context that hold cents."""


def claim_value(feature: ClaimFeature, context: ir.Table) -> ir.Value:
    """Return the feature as an expression over the claim's context (`features.batch.claim_context`)."""
    column = context[feature.column]
    if feature.column in MONEY_CONTEXT:
        column = column.cast("float64") / CENTS_PER_DOLLAR
    match feature.form:
        case Form.DAYS_UNTIL_FILING:
            return (context.filed_at - column).cast("float64") / MICROSECONDS_PER_DAY
        case Form.HOUR_OF_DAY:
            return _time_of_day(column).cast("float64") / MICROSECONDS_PER_HOUR
        case Form.DAY_OF_WEEK:
            return _weekday(column)
        case Form.WITHIN:
            low, high = feature.bounds or (0.0, 0.0)
            return ((column >= low) & (column < high)).cast("float64")
        case Form.LENGTH:
            return column.length().cast("int64")
        case _:
            return column


def _time_of_day(instant: ir.Value) -> ir.Value:
    """Return the microseconds since midnight, before 1970 too, where a remainder is negative."""
    return (instant % MICROSECONDS_PER_DAY + MICROSECONDS_PER_DAY) % MICROSECONDS_PER_DAY


def _weekday(instant: ir.Value) -> ir.Value:
    """Return the day of the week, Monday is 0; 1970-01-01 was a Thursday."""
    # a whole number of days before it is divided, since engines divide in float64
    day = (instant - _time_of_day(instant)) // MICROSECONDS_PER_DAY
    return ((day % 7 + 10) % 7).cast("int64")


def combined_value(feature: RatioFeature | TrendFeature, joined: ir.Table) -> ir.Value:
    """Return the quotient as an expression over the columns of other features; null where either is, or the divisor is
    0.
    """
    if isinstance(feature, TrendFeature):
        return joined[feature.short.name].cast("float64") * feature.scale / joined[feature.long.name].nullif(0)
    return joined[feature.numerator.name].cast("float64") / joined[feature.denominator.name].nullif(0)
