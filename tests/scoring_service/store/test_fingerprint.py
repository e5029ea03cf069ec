"""Nobody reads or writes what was derived for other features: a store says whose its derived tables are."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import ibis.expr.types as ir
import pytest

from claimvet.features.catalogue import sources
from claimvet.features.catalogue.features import FEATURES
from claimvet.features.catalogue.sources import SOURCES, TableReader
from claimvet.pipeline.cli.main import main
from claimvet.scoring_service.errors import SupersededError
from claimvet.scoring_service.store import EventStore, StoredEvent, event_store
from tests.features.oracle import Oracle
from tests.features.worlds import instant, many_worlds
from tests.scoring_service.endpoint.deciding import Office, scoring
from tests.scoring_service.endpoint.running import claim, until
from tests.scoring_service.endpoint.small_model import saved, small_model
from tests.scoring_service.store.histories import contents, differences, events_of, features_of, send, shuffled

DERIVED = ("derivation", "deltas", "checkpoints", "repeats", "narratives", "components", "component_members")
REFUSED = r"was derived anew for another version of the features \(fingerprint .{8}, expected .{8}\); start this"


def without_small_claims(table: TableReader) -> ir.Table:
    claims = table("claims")
    return sources._claims(lambda _: claims.filter(claims.amount_claimed >= 50_000))


@pytest.mark.slow
def test_what_a_source_means_is_derived_anew_when_it_changes(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = many_worlds(21, 2, ANCHORS)
    store = EventStore.open(store_url)
    send(store, events_of(world), 500)
    before = store.fingerprint
    claim = world["claims"][0]
    monkeypatch.setitem(SOURCES, "claims", replace(SOURCES["claims"], read=without_small_claims))
    other = EventStore.open(store_url)
    assert other.fingerprint != before
    counted = sum(
        row["product_id"] == claim["product_id"]
        and (row["amount_claimed"] or 0) >= 500
        and LATER - 365 * 86_400_000_000 <= row["filed_at"] < LATER
        for row in world["claims"]
    )
    asked = {**claim, "claim_id": "later", "filed_at": LATER}
    assert features_of(other, [asked])["later"]["product_claims_count_365d"] == counted
    with pytest.raises(SupersededError, match=REFUSED):
        features_of(store, [claim])
    with pytest.raises(SupersededError, match=REFUSED):
        send(store, events_of(world)[:1])
    for one in (store, other):
        one.close()


ANCHORS = (instant("2024-02-29T12:00:00"),)
LATER = instant("2024-06-29T12:00:00")


def all_claims(table: TableReader) -> ir.Table:
    """What the source means already, said otherwise."""
    claims = table("claims")
    return sources._claims(lambda _: claims.filter(claims.amount_claimed.isnull() | (claims.amount_claimed >= 0)))


@pytest.mark.slow
def test_a_version_that_derives_anew_beside_writers_loses_no_event_and_counts_none_twice(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = many_worlds(31, 3)
    events = shuffled(world, 4)
    requests = [events[start : start + 4] for start in range(0, len(events), 4)]
    old, superseded = EventStore.open(store_url), threading.Event()
    written: list[int] = []
    refused: list[list[StoredEvent]] = []

    def write(mine: list[list[StoredEvent]]) -> None:
        for request in mine[:-1]:
            try_to_send(request)
        assert superseded.wait(60)
        try_to_send(mine[-1])

    def try_to_send(request: list[StoredEvent]) -> None:
        try:
            send(old, request, len(request))
            written.append(len(request))
        except SupersededError:
            refused.append(request)  # the client sends it again, and another instance gets it

    monkeypatch.setitem(SOURCES, "claims", replace(SOURCES["claims"], read=all_claims))
    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, requests[number::3]) for number in range(3)]
        until(lambda: len(written) > 3)
        new = EventStore.open(store_url)
        superseded.set()
        for writer in writers:
            writer.result()
    assert len(refused) >= 3
    assert new.fingerprint != old.fingerprint
    for request in refused:
        send(new, request, len(request))
    assert differences(features_of(new, world["claims"]), Oracle(world).features(FEATURES)) == []
    for store in (old, new):
        store.close()


def test_commands_of_another_version_keep_what_was_derived_for_the_one_that_serves(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = many_worlds(22, 1)
    serving = EventStore.open(store_url)
    send(serving, events_of(world), 500)
    office = Office(serving, saved(small_model(), tmp_path / "model"))
    first = office.together(scoring(claim("CL-1", customer_id="C-9")))[0].entry
    before = contents(serving, DERIVED)
    expected = features_of(serving, world["claims"])
    with monkeypatch.context() as other:
        other.setattr(event_store, "fingerprint_of", lambda layout: "f" * 64)
        for command in ("keys create --role admin", "keys list", f"replay {first.decision_id}", "events upgrade"):
            assert main([*command.split(), "--store", store_url]) == 0
        assert contents(serving, DERIVED) == before
        assert main(["erase", "--customer", "C-9", "--store", store_url]) == 0
        unlike = EventStore.open(store_url, derive=False)
        with pytest.raises(SupersededError, match=REFUSED):
            features_of(unlike, world["claims"])
        unlike.close()
    assert {**contents(serving, DERIVED), "narratives": []} == {**before, "narratives": []}
    assert features_of(serving, world["claims"]) == expected
    assert office.together(scoring(claim("CL-2")))[0].entry.degraded is None
    EventStore.open(store_url, FEATURES[:20]).close()
    with pytest.raises(SupersededError, match=REFUSED):
        features_of(serving, world["claims"])
    serving.close()
