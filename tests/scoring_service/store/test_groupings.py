"""However events arrive, in any order and in requests of any size, the store's features are those of the batch."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from claimvet.data.contract.tables import TABLES
from claimvet.features.catalogue.features import FEATURES
from claimvet.scoring_service.store import EventStore, StoredEvent
from claimvet.scoring_service.store.derived import totals
from tests.examples import examples
from tests.features.oracle import Oracle
from tests.features.worlds import DAY, Row, World, build, instant, small_world
from tests.scoring_service.store.histories import by_claim, differences, features_of, send

MAY = instant("2025-05-01T00:00:00")
RING = "identity_ring_customers_count"


def link(customer: str, day: int, token: str = "T") -> StoredEvent:
    row: Row = {"customer_id": customer, "kind": "device", "token": token, "seen_at": MAY + day * DAY}
    return StoredEvent("identity_links", row)


def claim_of(customer: str, day: int) -> Row:
    parties = {"customer_id": customer, "seller_id": "s", "product_id": "p", "order_id": None}
    said = {"claim_type": "property_damage", "amount_claimed": None, "narrative": None, "incident_at": None}
    return {"claim_id": f"of {customer}", **parties, **said, "filed_at": MAY + day * DAY}


def ring(store: EventStore, customer: str, day: int = 5) -> int:
    claim = claim_of(customer, day)
    return int(features_of(store, [claim])[claim["claim_id"]][RING])


def test_links_that_come_late_together_and_are_tied_to_each_other_join_the_ring(store: EventStore) -> None:
    send(store, [link("A", 2), link("B", 3)])
    send(store, [link("C", 0), link("D", 1)])
    assert [ring(store, customer) for customer in "ABCD"] == [3, 3, 3, 3]
    assert [ring(store, customer, 2) for customer in "CD"] == [1, 1]


@pytest.mark.slow
@settings(max_examples=examples(25), deadline=None, phases=[Phase.generate])
@given(data=st.data())
def test_a_ring_is_whole_whatever_requests_bring_it(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    holdings = data.draw(
        st.lists(st.tuples(st.sampled_from("ABCDEF"), st.sampled_from("TUV")), min_size=2, max_size=12, unique=True)
    )
    events = [link(customer, data.draw(st.integers(0, 3)), token) for customer, token in holdings]
    store = EventStore.open(f"sqlite:///{tmp_path_factory.mktemp('ring') / 'store.db'}", RINGS_ONLY)
    send_grouped(store, events, data.draw(st.lists(st.integers(1, 5), min_size=len(events), max_size=len(events))))
    for customer in "ABCDEF":
        for day in (1, 2, 5):
            assert ring(store, customer, day) == reached([event.row for event in events], customer, MAY + day * DAY)
    store.close()


RINGS_ONLY = [feature for feature in FEATURES if feature.name == RING]


def reached(links: Sequence[Row], customer: str, filed_at: int) -> int:
    """Others that a chain of tokens seen before ties to the customer, by walking until nothing is found any more."""
    known, before = {customer}, 0
    seen = [row for row in links if row["seen_at"] < filed_at]
    while len(known) != before:
        before = len(known)
        tokens = {row["token"] for row in seen if row["customer_id"] in known}
        known |= {row["customer_id"] for row in seen if row["token"] in tokens}
    return len(known) - 1


def send_grouped(store: EventStore, events: Sequence[StoredEvent], sizes: Sequence[int]) -> None:
    """Requests of these sizes, one after the other, until nothing is left."""
    rest = list(events)
    for size in sizes:
        if rest:
            send(store, rest[:size], size)
            rest = rest[size:]
    if rest:
        send(store, rest, len(rest))


def in_versions(world: World, rng: random.Random) -> list[StoredEvent]:
    """Every row, some of them twice: once with nulls for what may be null, before or after the whole row."""
    events = []
    for table, rows in world.items():
        nullable = [column.name for column in TABLES[table].columns if column.nullable]
        for row in rows:
            hidden = [name for name in nullable if rng.random() < 0.5]
            if "inspected_at" in hidden:
                hidden.append("condition")
            events.append(StoredEvent(table, row))
            if rng.random() < 0.4:
                events.append(StoredEvent(table, {**row, **dict.fromkeys(hidden)}))
            if rng.random() < 0.2:
                events.append(StoredEvent(table, row))
    rng.shuffle(events)
    return events


@settings(max_examples=examples(6), deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 10**9), sizes=st.lists(st.sampled_from([1, 2, 3, 5, 20, 200]), min_size=1, max_size=60))
def test_every_order_and_every_grouping_gives_what_plain_loops_give(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sizes: list[int]
) -> None:
    rng = random.Random(seed)
    world = small_world(rng)
    store = EventStore.open(f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}")
    send_grouped(store, in_versions(world, rng), sizes)
    found = features_of(store, world["claims"])
    store.close()
    assert differences(found, Oracle(world).features(FEATURES)) == []


@pytest.mark.slow
def test_checkpoints_at_every_other_event_change_no_feature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "EVENTS_PER_CHECKPOINT", 2)
    rng = random.Random(5)
    world = small_world(rng)
    store = EventStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    send_grouped(store, in_versions(world, rng), [1, 7, 2, 30, 1, 1, 50])
    assert differences(features_of(store, world["claims"]), by_claim(build(world, tmp_path))) == []
    store.close()
