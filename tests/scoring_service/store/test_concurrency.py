"""Several writers at once lose nothing and count nothing twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from claimvet.features.catalogue.features import FEATURES
from claimvet.features.online.layout import TOTALS
from claimvet.scoring_service.store import EventStore, StoredEvent
from tests.features.oracle import Oracle
from tests.features.worlds import DAY, many_worlds
from tests.scoring_service.store.histories import contents, differences, features_of, send, shuffled
from tests.scoring_service.store.test_append import NOW, PARTIES, later

WRITERS = 3


def assert_checkpoints_are_right(store: EventStore) -> None:
    """Every checkpoint has the totals of all changes before it, and the extremes of those since the checkpoint before."""
    changes = contents(store, ("deltas",))["deltas"]
    checkpoints = sorted(contents(store, ("checkpoints",))["checkpoints"])
    assert len(checkpoints) > 20
    before = (None, None, -(2**62))
    for history, key, position, *numbers in checkpoints:
        since = before[2] if before[:2] == (history, key) else -(2**62)
        of = [change for change in changes if change[:2] == (history, key) and change[2] < position]
        totals = [sum(change[4 + place] or 0 for change in of) for place in range(TOTALS)]
        block = [change for change in of if change[2] >= since]
        extremes = [
            max((c[4 + TOTALS + e] for c in block if c[4 + TOTALS + e] is not None), default=None) for e in range(2)
        ]
        assert [number or 0 for number in numbers[:TOTALS]] == totals
        assert numbers[TOTALS:] == extremes
        before = (history, key, position)


def test_writers_with_the_same_events_in_other_orders_make_one_store(store_url: str) -> None:
    world = many_worlds(21, 2)
    stores = [EventStore.open(store_url) for _ in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(lambda writer: send(stores[writer], shuffled(world, writer), 3), range(WRITERS)))
    assert differences(features_of(stores[0], world["claims"]), Oracle(world).features(FEATURES)) == []
    for store in stores:
        store.close()


@pytest.mark.slow
def test_writers_of_one_hot_seller_add_up(store_url: str, tmp_path: Path) -> None:
    """Enough orders that checkpoints are made, and passed by later and earlier events of others."""
    orders = [
        {
            **PARTIES,
            "order_id": f"o{number}",
            "amount": number / 100,
            "ordered_at": NOW - (number * 7919 % 600) * DAY // 100,
        }
        for number in range(1_200)
    ]
    stores = [EventStore.open(store_url) for _ in range(2)]

    def write(writer: int) -> None:
        send(stores[writer], [StoredEvent("orders", order) for order in orders[writer::2]], 50)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, range(2)))
    alone = EventStore.open(f"sqlite:///{tmp_path / 'alone.db'}")
    send(alone, [StoredEvent("orders", order) for order in orders], 1_200)
    tables = ("orders", "deltas", "repeats")
    assert contents(stores[0], tables) == contents(alone, tables)
    for store in (stores[0], alone):
        assert_checkpoints_are_right(store)
    claim = later(1)
    values = features_of(stores[1], [claim])[claim["claim_id"]]
    in_a_month = [order for order in orders if order["ordered_at"] >= claim["filed_at"] - 30 * DAY]
    assert values["seller_orders_count_30d"] == len(in_a_month)
    assert values["customer_orders_amount_max_365d"] == max(order["amount"] for order in orders)
    for store in (*stores, alone):
        store.close()
