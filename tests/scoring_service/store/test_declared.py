"""A feature that is declared tomorrow is served as it is built, without a change of the service."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from claimvet.features.catalogue import events
from claimvet.features.catalogue.declaration import MONEY_COLUMNS, Aggregation, Event, HistoryFeature
from claimvet.features.catalogue.features import FEATURES
from claimvet.features.catalogue.selection import ARITHMETIC, REVERSIBLE
from claimvet.features.catalogue.sources import SOURCES
from claimvet.scoring_service.store import EventStore
from tests.features.oracle import Oracle
from tests.features.worlds import build, many_worlds
from tests.scoring_service.store.histories import by_claim, contents, differences, features_of, send, shuffled

EVENTS = [event for event in vars(events).values() if isinstance(event, Event)]
OF_HISTORIES = [a for a in Aggregation if a not in {Aggregation.RATIO, Aggregation.TREND, Aggregation.VALUE}]
OF_COLUMNS = ARITHMETIC | {Aggregation.DISTINCT}


def declared(rng: random.Random) -> HistoryFeature | None:
    """A feature drawn from all that can be declared over the sources, None where the draw cannot be."""
    event, aggregation = rng.choice(EVENTS), rng.choice(OF_HISTORIES)
    source = SOURCES[event.source]
    columns = [c for c in source.columns if aggregation not in ARITHMETIC or c in MONEY_COLUMNS]
    if (aggregation in OF_COLUMNS and not columns) or (aggregation is Aggregation.SHARE and event.where is None):
        return None
    entity = rng.choice(sorted(source.entities))
    if source.has_bounds(entity) and aggregation not in REVERSIBLE:
        return None
    return HistoryFeature(
        entity=entity,
        event=event,
        aggregation=aggregation,
        column=rng.choice(columns) if aggregation in OF_COLUMNS else None,
        window_days=rng.choice([1, 30, 365, None]),
        family="drawn",
    )


def drawn(seed: int, count: int) -> list[HistoryFeature]:
    rng, found = random.Random(seed), dict[str, HistoryFeature]()
    while len(found) < count:
        if (feature := declared(rng)) is not None:
            found[feature.name] = feature
    return list(found.values())


@pytest.mark.slow
def test_features_that_nobody_foresaw_are_served_as_they_are_built(tmp_path: Path) -> None:
    seed = 1
    features, world = drawn(seed, 100), many_worlds(seed, 4)
    store = EventStore.open(f"sqlite:///{tmp_path / 'store.db'}", features)
    send(store, shuffled(world, seed))
    assert {place.entity for place in store._deltas.layout.places.values()} >= {"customer", "seller", "category"}
    assert differences(features_of(store, world["claims"]), by_claim(build(world, tmp_path, features=features))) == []
    store.close()


@pytest.mark.slow
def test_a_store_opened_for_other_features_derives_what_they_need_of_the_events_it_has(store_url: str) -> None:
    features, world = drawn(3, 30), many_worlds(3, 2)
    store = EventStore.open(store_url, features)
    send(store, shuffled(world, 3))
    before = contents(store, ("deltas", "repeats", "derivation"))
    store.close()
    other = EventStore.open(store_url)
    assert differences(features_of(other, world["claims"]), Oracle(world).features(FEATURES)) == []
    other.close()
    again = EventStore.open(store_url, features)
    assert contents(again, ("deltas", "repeats", "derivation")) == before
    again.close()
