"""Sending worlds to a store, and comparing its features with those of others."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from claimvet.scoring_service.store import EventStore, StoredEvent
from tests.features.worlds import Row, World

TOLERANCE = 1e-9


def events_of(world: World) -> list[StoredEvent]:
    return [StoredEvent(table, row) for table, rows in world.items() for row in rows]


def shuffled(world: World, seed: int) -> list[StoredEvent]:
    events = events_of(world)
    random.Random(seed).shuffle(events)
    return events


def send(store: EventStore, events: Sequence[StoredEvent], at_once: int = 7) -> None:
    for start in range(0, len(events), at_once):
        with store.begin() as connection:
            store.append(events[start : start + at_once], connection)


def features_of(store: EventStore, claims: Iterable[Row], as_of: int | None = None) -> dict[str, dict[str, Any]]:
    with store.begin() as connection:
        return {claim["claim_id"]: store.claim_features(claim, as_of, connection) for claim in claims}


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


def contents(store: EventStore, tables: Iterable[str]) -> dict[str, list[Any]]:
    """All rows, sorted."""
    with store.begin() as connection:
        return {
            table: sorted((tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")), key=str)
            for table in tables
        }
