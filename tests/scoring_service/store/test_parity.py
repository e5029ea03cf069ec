"""The store's features of one claim are those of `features build` over the same rows, in whatever order the rows came."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from data.contract.dataset import DataSet
from features.catalogue import FEATURES
from scoring_service.store import EventStore, StoredEvent
from scoring_service.store.load import load
from tests.features.oracle import Oracle
from tests.features.worlds import Row, World, build, many_worlds, write

TOLERANCE = 1e-9


def events_of(world: World) -> list[StoredEvent]:
    return [StoredEvent(table, row) for table, rows in world.items() for row in rows]


def send(store: EventStore, events: Sequence[StoredEvent], at_once: int = 7) -> None:
    for start in range(0, len(events), at_once):
        with store.begin() as connection:
            store.append(events[start : start + at_once], connection)


def shuffled(world: World, seed: int) -> list[StoredEvent]:
    events = events_of(world)
    random.Random(seed).shuffle(events)
    return events


def features_of(store: EventStore, claims: Iterable[Row]) -> dict[str, dict[str, Any]]:
    with store.begin() as connection:
        return {claim["claim_id"]: store.claim_features(claim, None, connection) for claim in claims}


def by_claim(built: pd.DataFrame) -> dict[str, dict[str, Any]]:
    rows = built.astype(object).where(built.notna(), None)
    return {str(claim_id): dict(row) for claim_id, row in rows.iterrows()}


def differences(found: dict[str, dict[str, Any]], expected: dict[str, dict[str, Any]]) -> list[str]:
    """A line for every feature that is another, or of another name."""
    assert set(found) == set(expected)
    lines = []
    for claim_id, values in found.items():
        assert list(values) == list(expected[claim_id])
        for name, value in values.items():
            if not same(value, expected[claim_id][name]):
                lines.append(f"{claim_id} {name}: {value!r}, expected {expected[claim_id][name]!r}")
    return lines


def same(value: Any, other: Any) -> bool:
    if value is None or other is None or isinstance(value, str) or isinstance(other, str):
        return bool(value == other)
    return abs(value - other) <= TOLERANCE * max(1.0, abs(other))


def test_a_store_fed_in_any_order_gives_the_features_of_the_batch(store: EventStore, tmp_path: Path) -> None:
    world = many_worlds(11, 16)
    send(store, shuffled(world, 1))
    assert differences(features_of(store, world["claims"]), by_claim(build(world, tmp_path))) == []


@settings(max_examples=12, phases=[Phase.generate])
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


def test_a_store_filled_at_once_is_one_fed_event_by_event(store_url: str, tmp_path: Path) -> None:
    world = many_worlds(12, 12)
    send(fed := EventStore.open(f"sqlite:///{tmp_path / 'fed.db'}"), shuffled(world, 2))
    data_set = DataSet.open(write(world, tmp_path / "data"))
    assert load(data_set, store_url) == len(events_of(world))
    assert load(data_set, store_url) == len(events_of(world)), "again, which changes nothing"
    filled = EventStore.open(store_url)
    assert contents(filled) == contents(fed)
    filled.close()
    fed.close()


def contents(store: EventStore) -> dict[str, list[Any]]:
    """All rows of the store that do not depend on chance; where marks are does."""
    tables = ("changes", "repeats", "narratives", *(table for table in many_worlds(0, 1)))
    with store.begin() as connection:
        return {
            table: sorted((tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")), key=str)
            for table in tables
        }


@pytest.mark.spark
def test_a_store_gives_the_features_of_spark(spark: object, tmp_path: Path) -> None:
    world = many_worlds(13, 6)
    store = EventStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    send(store, shuffled(world, 3))
    found = features_of(store, world["claims"])
    store.close()
    assert differences(found, by_claim(build(world, tmp_path, engine="spark"))) == []
