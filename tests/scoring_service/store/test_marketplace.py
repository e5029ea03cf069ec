"""A whole marketplace: its history is loaded, its last claims come one by one, and each sees what the batch sees."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from claimvet.data.contract.dataset import DataSet
from claimvet.data.marketplace import generate
from claimvet.scoring_service.store import EventStore, StoredEvent
from claimvet.scoring_service.store.events.export import events_of
from claimvet.scoring_service.store.load import load
from tests.features.worlds import build_from
from tests.scoring_service.store.histories import by_claim, differences, features_of, send

LATER_CLAIMS = 120


@pytest.mark.slow
def test_each_of_the_last_claims_sees_what_the_batch_sees(tmp_path: Path) -> None:
    whole = generate(tmp_path / "whole", 600, 3).out
    claims = pd.read_parquet(whole / "claims.parquet").sort_values("filed_at")
    later = set(claims["claim_id"].tail(LATER_CLAIMS))
    url = f"sqlite:///{tmp_path / 'store.db'}"
    load(DataSet.open(without(whole, later, tmp_path / "history")), url)
    store, found = EventStore.open(url), {}
    for events in of_claims(whole, list(claims["claim_id"].tail(LATER_CLAIMS))):
        send(store, events)
        found |= features_of(store, [events[0].row])
    store.close()
    expected = by_claim(build_from(whole, tmp_path / "features.parquet"))
    assert differences(found, {claim_id: expected[claim_id] for claim_id in later}) == []


def without(whole: Path, claims: set[str], folder: Path) -> Path:
    """The data set without some claims and their evidence; their outcomes stay, and wait."""
    folder.mkdir()
    for path in whole.glob("*.parquet"):
        frame = pd.read_parquet(path)
        if path.stem in {"claims", "evidence"}:
            frame = frame[~frame["claim_id"].isin(claims)]
        frame.to_parquet(folder / path.name)
    return folder


def of_claims(whole: Path, claims: list[str]) -> list[list[StoredEvent]]:
    """Per claim its own event, and behind it those of its evidence."""
    events = [event for some in events_of(DataSet.open(whole), 10_000) for event in some]
    by_table: dict[str, dict[str, list[StoredEvent]]] = {"claims": {}, "evidence": {}}
    for event in events:
        if event.table in by_table:
            by_table[event.table].setdefault(event.row["claim_id"], []).append(event)
    return [by_table["claims"][claim] + by_table["evidence"].get(claim, []) for claim in claims]
