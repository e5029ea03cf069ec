"""A store of an older version is brought to this one, with the texts of its ledger where they can be erased."""

from __future__ import annotations

import hashlib
import json

import pytest
import sqlalchemy as sa

from claimvet.scoring_service.decisions import erase, ledger
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.store.db import database

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
