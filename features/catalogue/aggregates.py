"""The few aggregates that every history feature is made of, and the arithmetic that makes the feature of them.

A mean is a sum over a count; a standard deviation needs squares too. An engine computes aggregates, each once however
many features share it; `feature_value` puts them together, so that every engine and the endpoint end with the same
arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import ibis
import ibis.expr.types as ir

from claimvet.data.contract.money import CENTS_PER_DOLLAR
from claimvet.features.catalogue.declaration import MONEY_COLUMNS, Aggregation, Filter, HistoryFeature

MICROSECONDS_PER_DAY = 86_400_000_000

LOW_DIGITS = 2**19
"""A square may need more than 64 bits, so x is split into x = high * 2^19 + low and x^2 is added up as three sums: of
high^2, of high * low and of low^2. Money has at most 10^11 cents (the contract), so each sum of 33 million squares fits
in int64."""


class AggregateKind(StrEnum):
    """What is aggregated over the events of a window; always an int64, but for the values of a distinct count."""

    COUNT = "count"
    KNOWN = "known"
    """Number of events whose column is not null."""
    SUM = "sum"
    HIGH_SQUARES = "high_squares"
    CROSS_SQUARES = "cross_squares"
    LOW_SQUARES = "low_squares"
    MAX = "max"
    FIRST = "first"
    """When the first event was known."""
    LAST = "last"
    DISTINCT = "distinct"


SQUARES = (AggregateKind.HIGH_SQUARES, AggregateKind.CROSS_SQUARES, AggregateKind.LOW_SQUARES)
"""The three sums that make a sum of squares (`LOW_DIGITS`)."""

ADDITIVE = frozenset({AggregateKind.COUNT, AggregateKind.KNOWN, AggregateKind.SUM, *SQUARES})
"""Kinds whose value over a window is the difference of two running totals."""

_WITHOUT_COLUMN = frozenset({AggregateKind.COUNT, AggregateKind.FIRST, AggregateKind.LAST})

_KINDS: dict[Aggregation, tuple[AggregateKind, ...]] = {
    Aggregation.COUNT: (AggregateKind.COUNT,),
    Aggregation.SUM: (AggregateKind.SUM,),
    Aggregation.MEAN: (AggregateKind.SUM, AggregateKind.KNOWN),
    Aggregation.STD: (AggregateKind.SUM, AggregateKind.KNOWN, *SQUARES),
    Aggregation.MAX: (AggregateKind.MAX,),
    Aggregation.DISTINCT: (AggregateKind.DISTINCT,),
    Aggregation.DAYS_SINCE_FIRST: (AggregateKind.FIRST,),
    Aggregation.DAYS_SINCE_LAST: (AggregateKind.LAST,),
}


@dataclass(frozen=True)
class Aggregate:
    """One aggregate of one column over the events that pass a filter, in one window."""

    kind: AggregateKind
    column: str | None
    where: Filter | None
    window_days: int | None

    @property
    def window(self) -> int | None:
        """Length of the window in microseconds, None for all time."""
        return None if self.window_days is None else self.window_days * MICROSECONDS_PER_DAY

    @property
    def total(self) -> Aggregate:
        """The same aggregate over all time; the windows of an aggregate share what an event adds to it."""
        return replace(self, window_days=None)

    @property
    def name(self) -> str:
        """A column name that differs from that of every other aggregate of the same source."""
        where = "_".join((self.where.column, *self.where.values)) if self.where else "all"
        return f"{self.kind}_{self.column or 'events'}_{where}_{self.window_days or 'ever'}"

    @property
    def counts_all(self) -> bool:
        """Whether every event adds 1."""
        return self.kind is AggregateKind.COUNT and self.where is None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of an event that it reads beside `known`."""
        return tuple(column for column in (self.column, self.where and self.where.column) if column)

    def passes(self, events: ir.Table) -> ir.BooleanValue:
        """Return whether an event passes the filter; an event whose column is null does not."""
        if self.where is None:
            return ibis.literal(True)
        return events[self.where.column].isin(self.where.values).fill_null(False)

    def contribution(self, events: ir.Table) -> ir.Value:
        """Return what one event adds: int64 for additive kinds, else the value itself or null where the event does not
        count.
        """
        value = self._value(events)
        if self.kind in ADDITIVE:
            zero = ibis.literal(0, "int64")
            return self.passes(events).ifelse(value.coalesce(zero), zero)
        return self.passes(events).ifelse(value, ibis.null(value.type()))

    def _value(self, events: ir.Table) -> ir.Value:
        if self.kind is AggregateKind.COUNT:
            return ibis.literal(1, "int64")
        if self.kind in {AggregateKind.FIRST, AggregateKind.LAST}:
            return events["known"]
        value = events[self.column]
        if self.kind is AggregateKind.KNOWN:
            return value.notnull().cast("int64")
        if self.kind not in SQUARES:
            return value
        high, low = value // LOW_DIGITS, value % LOW_DIGITS
        return dict(zip(SQUARES, (high * high, high * low, low * low), strict=True))[self.kind]


def aggregates_of(feature: HistoryFeature) -> tuple[Aggregate, ...]:
    """Return the aggregates that the feature is made of, in the order `feature_value` takes them.

    >>> from claimvet.features.catalogue.features import BY_NAME
    >>> [aggregate.name for aggregate in aggregates_of(BY_NAME["customer_claims_amount_mean_365d"])]
    ['sum_amount_all_365', 'known_amount_all_365']
    """
    if feature.aggregation is Aggregation.SHARE:
        everything = Aggregate(AggregateKind.COUNT, None, None, feature.window_days)
        return replace(everything, where=feature.event.where), everything
    return tuple(
        Aggregate(kind, None if kind in _WITHOUT_COLUMN else feature.column, feature.event.where, feature.window_days)
        for kind in _KINDS[feature.aggregation]
    )


def aggregates_of_all(features: Iterable[HistoryFeature]) -> list[Aggregate]:
    """Return the aggregates that the features are made of, each once."""
    return list(dict.fromkeys(aggregate for feature in features for aggregate in aggregates_of(feature)))


def feature_value(
    feature: HistoryFeature, aggregate: Callable[[Aggregate], ir.Value], filed_at: ir.IntegerValue
) -> ir.Value:
    """Return the feature as an expression over its aggregates: dollars, days or a number; null where nothing is there
    to average.

    Parameters:
        feature: what is wanted.
        aggregate: gives the column that holds an aggregate.
        filed_at: when the claim was filed, int64 microseconds.
    """
    values = [aggregate(needed) for needed in aggregates_of(feature)]
    unit = CENTS_PER_DOLLAR if feature.column in MONEY_COLUMNS else 1
    match feature.aggregation:
        case Aggregation.COUNT | Aggregation.DISTINCT:
            return values[0].fill_null(0).cast("int64")
        case Aggregation.SUM:
            return values[0].fill_null(0).cast("float64") / unit
        case Aggregation.MEAN:
            return values[0].cast("float64") / values[1].nullif(0) / unit
        case Aggregation.STD:
            return _standard_deviation(*values) / unit
        case Aggregation.MAX:
            return values[0].cast("float64") / unit
        case Aggregation.SHARE:
            return values[0].cast("float64") / values[1].nullif(0)
        case _:
            return (filed_at - values[0]).cast("float64") / MICROSECONDS_PER_DAY


def _standard_deviation(total: ir.Value, count: ir.Value, *squares: ir.Value) -> ir.Value:
    """Return the population standard deviation from exact integers: sqrt(n * sum(x^2) - sum(x)^2) / n."""
    n, s, high, cross, low = (value.cast("decimal(38, 0)") for value in (count.nullif(0), total, *squares))
    of_high, of_cross = (ibis.literal(f).cast("decimal(38, 0)") for f in (LOW_DIGITS**2, 2 * LOW_DIGITS))
    spread = (n * (high * of_high + cross * of_cross + low) - s * s).cast("float64")
    return spread.sqrt() / n.cast("float64")
