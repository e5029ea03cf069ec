"""Nobody reads or writes what was derived for other features: a store says whose its derived tables are."""

from __future__ import annotations

from dataclasses import replace

import ibis.expr.types as ir
import pytest

from claimvet.features.catalogue import sources
from claimvet.features.catalogue.features import FEATURES
from claimvet.features.catalogue.sources import SOURCES, TableReader
from claimvet.scoring_service.errors import SupersededError
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.store.db import database
from tests.features.worlds import instant, many_worlds
from tests.scoring_service.store.histories import contents, events_of, features_of, send

DERIVED = ("derivation", "deltas", "checkpoints", "repeats", "narratives", "components", "component_members")
REFUSED = r"was derived anew for another version of the features \(fingerprint .{8}, expected .{8}\); start this"


def without_small_claims(table: TableReader) -> ir.Table:
    claims = table("claims")
    return sources._claims(lambda _: claims.filter(claims.amount_claimed >= 50_000))


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


def test_a_store_opened_to_be_read_keeps_what_was_derived_for_others(store_url: str) -> None:
    world = many_worlds(22, 1)
    serving = EventStore.open(store_url)
    send(serving, events_of(world), 500)
    before = contents(serving, DERIVED)
    with database.opened(store_url):
        pass
    fewer = EventStore.open(store_url, FEATURES[:20], derive=False)
    with pytest.raises(SupersededError, match=REFUSED):
        features_of(fewer, world["claims"])
    fewer.close()
    assert contents(serving, DERIVED) == before
    assert len(features_of(serving, world["claims"])) == len(world["claims"])
    EventStore.open(store_url, FEATURES[:20]).close()
    with pytest.raises(SupersededError, match=REFUSED):
        features_of(serving, world["claims"])
    serving.close()
