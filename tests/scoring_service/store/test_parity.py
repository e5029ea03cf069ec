"""The store's features of one claim are those of `features build` over the same rows, in whatever order the rows came."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.tables import TABLES
from claimvet.features.catalogue.features import FEATURES
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.store.load import load
from tests.examples import examples
from tests.features.oracle import Oracle
from tests.features.worlds import build, many_worlds, write
from tests.scoring_service.store.histories import (
    by_claim,
    contents,
    differences,
    events_of,
    features_of,
    send,
    shuffled,
)

DERIVED = ("deltas", "repeats", "narratives")
"""Tables that do not depend on the order of events; where checkpoints lie does, and what rings are called."""


@pytest.mark.slow
def test_a_store_fed_in_any_order_gives_the_features_of_the_batch(tmp_path: Path) -> None:
    world = many_worlds(11, 10)
    store = EventStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    send(store, shuffled(world, 1))
    assert differences(features_of(store, world["claims"]), by_claim(build(world, tmp_path))) == []
    store.close()


@pytest.mark.parametrize("seed", [14, 15])
def test_either_kind_of_store_gives_the_same(store: EventStore, seed: int) -> None:
    world = many_worlds(seed, 2)
    send(store, shuffled(world, seed))
    assert differences(features_of(store, world["claims"]), Oracle(world).features(FEATURES)) == []


@pytest.mark.slow
@settings(max_examples=examples(8), phases=[Phase.generate])
@given(seed=st.integers(0, 10**9), at_once=st.sampled_from([1, 5, 1000]))
def test_a_store_gives_what_plain_loops_over_the_rows_give(
    tmp_path_factory: pytest.TempPathFactory, seed: int, at_once: int
) -> None:
    world = many_worlds(seed, 2)
    store = EventStore.open(f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}")
    send(store, shuffled(world, seed), at_once)
    found = features_of(store, world["claims"])
    store.close()
    assert differences(found, Oracle(world).features(FEATURES)) == []


@pytest.mark.slow
def test_a_store_filled_at_once_is_one_fed_event_by_event(store_url: str, tmp_path: Path) -> None:
    world = many_worlds(12, 6)
    send(fed := EventStore.open(f"sqlite:///{tmp_path / 'fed.db'}"), shuffled(world, 2))
    data_set = DataSet.open(write(world, tmp_path / "data"))
    assert load(data_set, store_url) == len(events_of(world))
    assert load(data_set, store_url) == len(events_of(world)), "again, which changes nothing"
    filled = EventStore.open(store_url)
    assert contents(filled, (*DERIVED, *TABLES)) == contents(fed, (*DERIVED, *TABLES))
    filled.close()
    fed.close()


@pytest.mark.spark
def test_a_store_gives_the_features_of_spark(spark: object, tmp_path: Path) -> None:
    world = many_worlds(13, 6)
    store = EventStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    send(store, shuffled(world, 3))
    found = features_of(store, world["claims"])
    store.close()
    assert differences(found, by_claim(build(world, tmp_path, engine="spark"))) == []
