"""The declared features compiled for one claim at a time: made once a process, then only asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from claimvet.features.catalogue.declaration import Feature, LinkFeature
from claimvet.features.online.deltas import Deltas
from claimvet.features.online.layout import Layout
from claimvet.features.online.reading import PlaceReading, readings
from claimvet.features.online.values import ClaimValues


@dataclass(frozen=True)
class OnlinePlan:
    """What is kept of every event, what is read of that for a claim, and what the features are of what was read."""

    layout: Layout
    deltas: Deltas
    readings: Mapping[tuple[str, str], PlaceReading]
    values: ClaimValues
    has_links: bool


def compile_plan(features: Sequence[Feature]) -> OnlinePlan:
    """Return the plan of a list of features; half a second for the whole catalogue.

    >>> from claimvet.features.catalogue.features import FEATURES
    >>> plan = compile_plan([feature for feature in FEATURES if feature.name == "seller_orders_count_90d"])
    >>> list(plan.readings), [history.description for history in plan.layout.histories]
    ([('orders', 'seller')], ['orders of seller, events, None: count_events_all_ever'])

    Raises:
        FeatureError: where a feature needs something that running totals cannot give.
    """
    layout = Layout(features)
    return OnlinePlan(
        layout=layout,
        deltas=Deltas(layout),
        readings=readings(layout),
        values=ClaimValues(features),
        has_links=any(isinstance(feature, LinkFeature) for feature in features),
    )
