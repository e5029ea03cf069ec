"""A store of an older version is brought to this one, with the texts of its ledger where they can be erased."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from claimvet.data.contract.tables import TABLES
from claimvet.features.catalogue.features import FEATURES
from claimvet.pipeline.cli.main import main
from claimvet.scoring_service.decisions import erase, ledger
from claimvet.scoring_service.decisions.idempotency import Idempotency
from claimvet.scoring_service.errors import ConflictError
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.store.db import database
from claimvet.scoring_service.store.db.statements import run_many
from claimvet.scoring_service.store.events import contract_rows
from tests.features.oracle import Oracle
from tests.features.worlds import World, many_worlds
from tests.scoring_service.endpoint.deciding import Office, scoring
from tests.scoring_service.endpoint.deciding import again as rescored
from tests.scoring_service.endpoint.running import PHOTO, claim
from tests.scoring_service.endpoint.small_model import saved, small_model
from tests.scoring_service.store.histories import contents, differences, events_of, features_of

STORY = "The ladder of Mrs Quibblesworth broke — at the third rung."
CLAIM = {"claim_id": "CL-1", "customer_id": "C-1", "amount_claimed": 240.0, "narrative": STORY, "x_site": "de"}
NAMES = "decision_id, claim_id, kind, as_of, received, body_digest, claim, features, code_version, scored_at, answer"


@pytest.fixture
def older(store_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store of version 0002 with one decision that has a text and one that has none."""
    with monkeypatch.context() as before:
        before.setattr(database, "VERSION", "0002")
        engine = database.open_engine(store_url)
        database.ensure_version(engine)
        rows = [("D-1", "CL-1", CLAIM), ("D-2", "CL-2", {**CLAIM, "claim_id": "CL-2", "narrative": None})]
        insert = f"INSERT INTO decisions ({NAMES}) VALUES (:i, :c, 'score', 1, :r, 'd', :claim, '{{}}', 'c', 2, 'sent')"
        with database.writing(engine) as connection:
            for decision_id, claim_id, claim in rows:
                text = json.dumps(claim, ensure_ascii=False)
                values = {"i": decision_id, "c": claim_id, "r": text, "claim": text}
                connection.execute(sa.text(insert), values)
        engine.dispose()
    return store_url


def test_the_texts_of_its_decisions_lie_apart_and_can_be_erased(older: str) -> None:
    database.upgrade(older)
    store = EventStore.open(older)
    with store.begin() as connection:
        one, two = (ledger.decision(name, connection) for name in ("D-1", "D-2"))
        assert one is not None
        assert two is not None
        assert "Quibblesworth" not in one.claim
        assert hashlib.sha256(STORY.encode()).hexdigest() in one.claim
        assert one.claim_row == CLAIM
        assert one.answer == "sent"
        assert two.claim_row["narrative"] is None
        assert erase.erase_customer("C-1", 5, connection).decisions == 2
        gone = ledger.decision("D-1", connection)
    assert gone is not None
    assert gone.narrative is None
    assert gone.received == ""
    assert one.received_digest == gone.received_digest == hashlib.sha256(one.received.encode()).hexdigest()
    store.close()


def test_its_ledger_still_refuses_to_change(older: str) -> None:
    database.upgrade(older)
    store = EventStore.open(older)
    for change in ("UPDATE decisions SET answer = ''", "DELETE FROM decisions"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.engine.begin() as connection:
            connection.exec_driver_sql(change)
    store.close()


@pytest.fixture(params=["0002", "0003"])
def filled(
    request: pytest.FixtureRequest, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, World, dict[str, Any]]:
    """A store of an older version with events, and decisions on two of its claims; its URL, the events and the body of a claim."""
    world = {**many_worlds(41, 2), "seller_violations": []}  # a table that these versions did not have
    body = claim("CL-1", narrative=STORY, x_site="de", evidence=[PHOTO])
    asked = scoring(body)
    with monkeypatch.context() as before:
        before.setattr(database, "VERSION", request.param)
        engine = database.open_engine(store_url)
        database.ensure_version(engine)
        with database.writing(engine) as connection:
            for event in [*events_of(world), *asked.events]:
                row = contract_rows.normalised(event)
                insert = f"INSERT INTO {event.table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
                run_many(connection, insert, [tuple(row.values())])
            row = json.dumps({**asked.claim.row, **asked.claim.extra})
            insert = f"INSERT INTO decisions ({NAMES}) VALUES ({', '.join('?' * 11)})"
            made = ("D-1", "CL-1", "score", 1, asked.received, asked.digest, row, "{}", "c", 2, "sent")
            run_many(connection, insert, [made, ("D-2", "CL-1", "rescore", *made[3:])])
        engine.dispose()
    return store_url, world, body


@pytest.mark.slow
def test_events_decisions_and_repeats_of_a_filled_store_are_those_of_before(
    filled: tuple[str, World, dict[str, Any]], tmp_path: Path
) -> None:
    url, world, body = filled
    assert main(["events", "upgrade", "--store", url]) == 0
    store = EventStore.open(url)
    assert differences(features_of(store, world["claims"]), Oracle(world).features(FEATURES)) == []
    kept = contents(store, TABLES)
    assert {name: len(rows) for name, rows in kept.items()} == {
        name: len(rows) + (name in ("claims", "evidence")) for name, rows in world.items()
    }
    office = Office(store, saved(small_model(extra=("x_site",)), tmp_path / "model"), first=10)
    again, other = office.one_by_one(scoring(body), scoring({**body, "amount_claimed": 1.0}))
    assert (again.entry.decision_id, again.entry.answer, again.entry.narrative) == ("D-1", "sent", STORY)
    assert isinstance(other, ConflictError)
    key = Idempotency("a name", "a digest")
    asked = replace(rescored("CL-1"), idempotency=key)
    first, second = office.one_by_one(asked, asked)
    assert first.entry == second.entry
    assert first.entry.features is not None
    with store.begin() as connection:
        assert [one.decision_id for one in ledger.decisions_of("CL-1", connection)] == ["D-1", "D-2", "D-10"]
    assert contents(store, TABLES) == kept
    store.close()
