"""From what is known of one claim, its parties and their histories to the claim's features, by the declared expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ibis

from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX
from claimvet.data.reference import category_table
from claimvet.features.catalogue.aggregates import aggregates_of, feature_value
from claimvet.features.catalogue.declaration import (
    ClaimFeature,
    Feature,
    HistoryFeature,
    LinkFeature,
    RatioFeature,
    TrendFeature,
)
from claimvet.features.catalogue.expressions import claim_value, combined_value
from claimvet.features.catalogue.lookups import HAZARDS, LOOKUPS
from claimvet.features.catalogue.selection import with_dependencies
from claimvet.features.online.deltas import contract_table
from claimvet.features.online.interpreter import ValueFunction, value_function

Value = int | float | str | bool | None
PlaceKey = tuple[str, str]
"""Name of a source and of the entity whose history it is."""


class ClaimValues:
    """The declared features as functions; made once, called for every claim."""

    def __init__(self, features: Sequence[Feature]) -> None:
        needed = with_dependencies(features)
        self._asked = [feature.name for feature in features]
        self._hazards = _hazards()
        self._own = [(f.name, _claim_function(f)) for f in needed if isinstance(f, ClaimFeature)]
        self._histories = [
            (f.name, (f.event.source, f.entity.value), _history_function(f))
            for f in needed
            if isinstance(f, HistoryFeature)
        ]
        self._links = [f.name for f in needed if isinstance(f, LinkFeature)]
        self._combined = [
            (f.name, _combined_function(f, needed)) for f in needed if isinstance(f, RatioFeature | TrendFeature)
        ]

    def of(
        self,
        context: Mapping[str, Any],
        histories: Mapping[PlaceKey, Mapping[str, Any]],
        links: Mapping[str, int],
    ) -> dict[str, Value]:
        """Return the features by name in their order, then the claim's `x_` columns.

        Parameters:
            context: the claim's columns and those of `LOOKUPS` (int microseconds, int cents), `filed_at` as asked.
            histories: per place the value of every aggregate by `Aggregate.name`; a place whose tables are missing is left out.
            links: the counts of `features.links.link_tables` by name; those whose tables are missing are left out.
        """
        known = {**context, **self._hazards.get(context["category_id"], _NO_HAZARD)}
        found: dict[str, Value] = {name: function(known) for name, function in self._own}
        filed_at = {"filed_at": context["filed_at"]}
        rows = {place: {**aggregates, **filed_at} for place, aggregates in histories.items()}
        for name, place, function in self._histories:
            found[name] = function(rows[place]) if place in rows else None
        found.update((name, links.get(name)) for name in self._links)
        for name, function in self._combined:
            found[name] = function(found)
        own = {name: value for name, value in context.items() if name.startswith(FEATURE_COLUMN_PREFIX)}
        return {name: found[name] for name in self._asked} | own


_NO_HAZARD: dict[str, float | None] = dict.fromkeys(HAZARDS)


def _hazards() -> dict[str | None, dict[str, float | None]]:
    """Category to its hazard figures; an unknown figure is None."""
    rows = category_table().select(["category_id", *HAZARDS]).to_pylist()
    return {row.pop("category_id"): row for row in rows}


def _claim_function(feature: ClaimFeature) -> ValueFunction:
    looked_up = [column for _, _, columns in LOOKUPS.values() for column in columns]
    types = {column: "string" if column.endswith("_id") else "int64" for column in looked_up}
    types |= dict.fromkeys(HAZARDS, "float64") | {"amount": "int64"}
    context = ibis.table({**dict(contract_table("claims").schema().items()), **types}, name="context")
    return value_function(claim_value(feature, context))


def _history_function(feature: HistoryFeature) -> ValueFunction:
    types = dict.fromkeys((aggregate.name for aggregate in aggregates_of(feature)), "int64")
    aggregates = ibis.table({**types, "filed_at": "int64"}, name="aggregates")
    return value_function(feature_value(feature, lambda aggregate: aggregates[aggregate.name], aggregates.filed_at))


def _combined_function(feature: RatioFeature | TrendFeature, needed: Sequence[Feature]) -> ValueFunction:
    types = {f.name: f.dtype for f in needed if not isinstance(f, RatioFeature | TrendFeature)}
    return value_function(combined_value(feature, ibis.table(types, name="features")))
