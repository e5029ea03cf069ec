"""The few aggregates that every history feature is made of, and how they make it.

A mean is a sum over a count; a standard deviation needs squares too. A plan computes aggregates, each once however many features
share it; `feature_value` puts them together, so that every plan and every engine ends with the same arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import ibis
import ibis.expr.types as ir

from claimvet.features.catalogue.declaration import MONEY_COLUMNS, Aggregation, Filter, HistoryFeature

MICROSECONDS_PER_DAY = 86_400_000_000
CENTS_PER_DOLLAR = 100


class AggregateKind(StrEnum):
    """What is aggregated over the events of a window."""

    COUNT = "count"
    KNOWN = "known"
    """Number of events whose column is not null."""
    SUM = "sum"
    SQUARES = "squares"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    FIRST_VALUE = "first_value"
    """When the event was known and its value, as text that sorts by both (`_dated`)."""
    LAST_VALUE = "last_value"
    DISTINCT = "distinct"


ADDITIVE = frozenset({AggregateKind.COUNT, AggregateKind.KNOWN, AggregateKind.SUM, AggregateKind.SQUARES})
"""Kinds whose value over a window is the difference of two running totals."""

MINIMA = frozenset({AggregateKind.MIN, AggregateKind.FIRST, AggregateKind.FIRST_VALUE})
"""Kinds that are the smallest of what the events contribute."""

MAXIMA = frozenset({AggregateKind.MAX, AggregateKind.LAST, AggregateKind.LAST_VALUE})
"""Kinds that are the largest of what the events contribute."""

_DATES_FROM = 10**17
_DATE_DIGITS = 18
"""Times are written as so many digits, counted from 10^17 microseconds before 1970, so that text sorts as they do."""

_MONEY_DIGITS = 18


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
        """Whether an event passes the filter; an event whose column is null does not."""
        if self.where is None:
            return ibis.literal(True)
        return events[self.where.column].isin(self.where.values).fill_null(False)

    def contribution(self, events: ir.Table) -> ir.Value:
        """What one event adds: int64 for additive kinds, else the value itself or null where the event does not count."""
        value: ir.Value
        match self.kind:
            case AggregateKind.COUNT:
                value = ibis.literal(1)
            case AggregateKind.KNOWN:
                value = events[self.column].notnull().cast("int64")
            case AggregateKind.SQUARES:
                value = events[self.column].cast("decimal(38, 0)") * events[self.column].cast("decimal(38, 0)")
            case AggregateKind.FIRST | AggregateKind.LAST:
                value = events["known"]
            case AggregateKind.FIRST_VALUE | AggregateKind.LAST_VALUE:
                value = _dated(events["known"], events[self.column], money=self.column in MONEY_COLUMNS)
            case _:
                value = events[self.column]
        if self.kind in ADDITIVE:
            zero = (
                ibis.literal(0).cast("decimal(38, 0)")
                if self.kind is AggregateKind.SQUARES
                else ibis.literal(0, "int64")
            )
            return self.passes(events).ifelse(value.coalesce(zero), zero)
        return self.passes(events).ifelse(value, ibis.null(value.type()))


_KINDS: dict[Aggregation, tuple[AggregateKind, ...]] = {
    Aggregation.COUNT: (AggregateKind.COUNT,),
    Aggregation.SUM: (AggregateKind.SUM,),
    Aggregation.MEAN: (AggregateKind.SUM, AggregateKind.KNOWN),
    Aggregation.STD: (AggregateKind.SUM, AggregateKind.KNOWN, AggregateKind.SQUARES),
    Aggregation.MIN: (AggregateKind.MIN,),
    Aggregation.MAX: (AggregateKind.MAX,),
    Aggregation.DISTINCT: (AggregateKind.DISTINCT,),
    Aggregation.FIRST: (AggregateKind.FIRST_VALUE,),
    Aggregation.LAST: (AggregateKind.LAST_VALUE,),
    Aggregation.DAYS_SINCE_FIRST: (AggregateKind.FIRST,),
    Aggregation.DAYS_SINCE_LAST: (AggregateKind.LAST,),
}


def contributions(events: ir.Table, aggregates: Iterable[Aggregate]) -> dict[str, ir.Value]:
    """What one event adds to each aggregate, by the name of `Aggregate.total`."""
    return {
        total.name: total.contribution(events) for total in dict.fromkeys(aggregate.total for aggregate in aggregates)
    }


def aggregates_of(feature: HistoryFeature) -> tuple[Aggregate, ...]:
    """The aggregates that the feature is made of, in the order `feature_value` takes them."""
    if feature.aggregation is Aggregation.SHARE:
        everything = Aggregate(AggregateKind.COUNT, None, None, feature.window_days)
        return replace(everything, where=feature.event.where), everything
    columns = {AggregateKind.COUNT: None, AggregateKind.FIRST: None, AggregateKind.LAST: None}
    return tuple(
        Aggregate(kind, columns.get(kind, feature.column), feature.event.where, feature.window_days)
        for kind in _KINDS[feature.aggregation]
    )


def feature_value(
    feature: HistoryFeature, aggregate: Callable[[Aggregate], ir.Value], filed_at: ir.IntegerValue
) -> ir.Value:
    """The feature as an expression over its aggregates: dollars, days or a number; null where nothing is there to average."""
    values = [aggregate(p) for p in aggregates_of(feature)]
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
        case Aggregation.MIN | Aggregation.MAX:
            return values[0].cast("float64") / unit
        case Aggregation.SHARE:
            return values[0].cast("float64") / values[1].nullif(0)
        case Aggregation.FIRST | Aggregation.LAST:
            text = values[0].substr(_DATE_DIGITS)
            return text.cast("int64").cast("float64") / unit if feature.column in MONEY_COLUMNS else text
        case _:
            return (filed_at - values[0]).cast("float64") / MICROSECONDS_PER_DAY


def _dated(known: ir.Value, value: ir.Value, *, money: bool) -> ir.Value:
    """Time and value as one text: of the same time, the smaller value sorts first."""
    text = value.cast("string").lpad(_MONEY_DIGITS, "0") if money else value
    return (known + _DATES_FROM).cast("string").lpad(_DATE_DIGITS, "0") + text


def _standard_deviation(total: ir.Value, count: ir.Value, squares: ir.Value) -> ir.Value:
    """Population standard deviation from exact integers: sqrt(n * sum(x^2) - sum(x)^2) / n."""
    n = count.nullif(0).cast("decimal(38, 0)")
    s = total.cast("decimal(38, 0)")
    spread = (n * squares.cast("decimal(38, 0)") - s * s).cast("float64")
    return spread.sqrt() / n.cast("float64")
