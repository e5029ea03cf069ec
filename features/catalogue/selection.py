"""Complete and check the features to build: those asked for and those that they are made of, before anything is read.

A declaration that cannot work is refused by name, instead of becoming a column of nulls or of zeros.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from claimvet.data.contract.errors import FeatureError
from claimvet.data.contract.tables import TABLES, Kind
from claimvet.features.catalogue.declaration import (
    MONEY_COLUMNS,
    Aggregation,
    ClaimFeature,
    Feature,
    Filter,
    HistoryFeature,
    RatioFeature,
    TrendFeature,
)
from claimvet.features.catalogue.lookups import HAZARDS, LOOKUPS
from claimvet.features.catalogue.sources import SOURCES, Source

ARITHMETIC = frozenset({Aggregation.SUM, Aggregation.MEAN, Aggregation.MAX, Aggregation.STD})
"""Aggregations that need numbers."""

REVERSIBLE = frozenset({Aggregation.COUNT, Aggregation.SUM, Aggregation.MEAN, Aggregation.STD, Aggregation.SHARE})
"""Aggregations that an event can be taken back from: those of sums, which is all that events with bounds allow."""

_CLAIM_COLUMNS = frozenset(
    {
        "amount",
        *TABLES["claims"].column_names,
        *HAZARDS,
        *(column for _, _, columns in LOOKUPS.values() for column in columns),
    }
) - {"amount_claimed"}


def with_dependencies(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """Return the features, and behind them what their ratios and trends are made of.

    >>> from claimvet.features.catalogue.features import BY_NAME
    >>> [feature.name for feature in with_dependencies([BY_NAME["customer_return_rate_365d"]])]
    ['customer_return_rate_365d', 'customer_returns_count_365d', 'customer_orders_count_365d']

    Raises:
        FeatureError: where two of them have the same name, or one could not be built.
    """
    made_of = [dependency for feature in features for dependency in dependencies(feature)]
    found: dict[str, Feature] = {}
    for feature in (*features, *made_of):
        if found.setdefault(feature.name, feature) != feature:
            raise FeatureError(f"feature {feature.name} is declared twice and differently, expected each name once")
    names = [feature.name for feature in features]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FeatureError(f"feature {twice[0]} is declared twice, expected each name once")
    for feature in found.values():
        check(feature)
    return tuple(found.values())


def dependencies(feature: Feature) -> tuple[Feature, ...]:
    """Return the two features that a ratio or a trend divides; none for the others."""
    if isinstance(feature, RatioFeature):
        return feature.numerator, feature.denominator
    return (feature.short, feature.long) if isinstance(feature, TrendFeature) else ()


def check(feature: Feature) -> None:
    """Raise `FeatureError` where the feature names a source, entity, column or value that does not exist, or an
    aggregation that cannot be.
    """
    if isinstance(feature, HistoryFeature):
        _check_history(feature)
    if isinstance(feature, ClaimFeature) and feature.column not in _CLAIM_COLUMNS:
        raise FeatureError(
            f"feature {feature.name}: a claim knows no {feature.column}, expected one of {_listed(_CLAIM_COLUMNS)}"
        )
    for dependency in dependencies(feature):
        if dependencies(dependency):
            raise FeatureError(
                f"feature {feature.name}: {dependency.name} is a quotient itself, expected a plain feature"
            )


def _check_history(feature: HistoryFeature) -> None:
    source = SOURCES.get(feature.event.source)
    if source is None:
        raise FeatureError(
            f"feature {feature.name}: there is no source {feature.event.source}, expected one of {_listed(SOURCES)}"
        )
    if feature.entity not in source.entities:
        known = _listed(source.entities)
        raise FeatureError(f"feature {feature.name}: {source.name} have no {feature.entity}, expected one of {known}")
    if feature.column is not None and feature.column not in source.columns:
        known = _listed(source.columns)
        raise FeatureError(
            f"feature {feature.name}: {source.name} have no column {feature.column}, expected one of {known}"
        )
    if feature.aggregation in ARITHMETIC and feature.column not in MONEY_COLUMNS:
        raise FeatureError(
            f"feature {feature.name}: {feature.column} is no number, expected one of {_listed(MONEY_COLUMNS)}"
        )
    if source.has_bounds(feature.entity) and feature.aggregation not in REVERSIBLE:
        raise FeatureError(
            f"feature {feature.name}: {source.name} of a {feature.entity} can end or appear late, which"
            f" {feature.aggregation} cannot undo, expected one of {_listed(REVERSIBLE)}"
        )
    if feature.event.where is not None:
        _check_filter(feature, source, feature.event.where)


def _check_filter(feature: HistoryFeature, source: Source, where: Filter) -> None:
    if where.column not in source.columns:
        known = _listed(source.columns)
        raise FeatureError(
            f"feature {feature.name}: {source.name} have no column {where.column}, expected one of {known}"
        )
    choices = {c.name: c.values for c in TABLES[source.tables[0]].columns if c.kind is Kind.CHOICE}.get(
        where.column, where.values
    )
    for value in where.values:
        if value not in choices:
            raise FeatureError(
                f"feature {feature.name}: {where.column} is never {value}, expected one of {_listed(choices)}"
            )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
