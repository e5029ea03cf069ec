"""A data set that fills a new store: every value comes back as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from claimvet.data.contract.dataset import DataSet
from claimvet.features.catalogue.features import FEATURES
from claimvet.features.online.layout import Layout
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.store.db.statements import run
from claimvet.scoring_service.store.derived.bulk_load import fill_events
from claimvet.scoring_service.store.load import load

ODD = (
    "one\n\\.\nthree",
    "\\.",
    "\\N",
    '"said", she',
    "tab\tand\r\nline",
    "\r",
    "\\",
    "' OR 1=1 --",
    "é 😀 \u2028",
    "",
    None,
)
"""Narratives that a format between two databases may stumble over; none of them is the same as nothing, but the last."""

FILED = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def odd_claims(tmp_path: Path) -> DataSet:
    """One claim for each of the odd narratives, of a customer with an odd id."""
    frame = pd.DataFrame({"claim_id": [f"c{place}" for place in range(len(ODD))], "narrative": ODD})
    frame = frame.assign(
        order_id=None,
        customer_id='it\'s, \\ a "customer"',
        seller_id="s",
        product_id="p",
        incident_at=pd.Series(pd.NaT, range(len(ODD)), "datetime64[us, UTC]"),
        filed_at=pd.Timestamp(FILED),
        claim_type="property_damage",
        amount_claimed=[None, *[float(place) / 4 for place in range(1, len(ODD))]],
        x_note=ODD,
    )
    folder = tmp_path / "odd"
    folder.mkdir()
    frame.to_parquet(folder / "claims.parquet")
    return DataSet.open(folder)


@pytest.mark.slow
def test_odd_texts_and_nulls_come_back_as_they_were(odd_claims: DataSet, store_url: str) -> None:
    assert load(odd_claims, store_url) == len(ODD)
    store = EventStore.open(store_url)
    with store.engine.connect() as connection:
        rows = run(connection, "SELECT claim_id, narrative, amount_claimed, customer_id FROM claims")
    store.close()
    found = {claim_id: narrative for claim_id, narrative, _, _ in rows}
    assert found == {f"c{place}": text for place, text in enumerate(ODD)}
    assert {amount for _, _, amount, _ in rows} == {None, *[25 * place for place in range(1, len(ODD))]}  # cents
    assert {customer for _, _, _, customer in rows} == {'it\'s, \\ a "customer"'}


def test_a_fill_that_fails_leaves_the_store_empty(odd_claims: DataSet, store: EventStore) -> None:
    with pytest.raises(RuntimeError, match="the disk is full"):
        fill_and_fail(odd_claims, store)
    with store.begin() as connection:
        for table in ("claims", "deltas", "narratives"):
            assert run(connection, f"SELECT count(*) FROM {table}")[0][0] == 0, table


def fill_and_fail(data_set: DataSet, store: EventStore) -> None:
    with store.begin() as connection:
        fill_events(connection, data_set, Layout(FEATURES))
        assert run(connection, "SELECT count(*) FROM claims")[0][0] == len(ODD)
        raise RuntimeError("the disk is full")


@pytest.mark.slow
def test_progress_names_every_table_and_counts_up(odd_claims: DataSet, store_url: str) -> None:
    told: list[tuple[str, int]] = []
    load(odd_claims, store_url, progress=lambda what, done=0, total=0: told.append((what, done)))
    assert ("claims", len(ODD)) in told
    assert {"narratives", "deltas"} <= {what for what, _ in told}
    changes = [done for what, done in told if what == "deltas"]
    assert changes == sorted(changes)
