"""An outage is only an outage, and what was acknowledged in one can be read wherever it waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from claimvet.scoring_service.decisions.erase import erase_customer
from claimvet.scoring_service.model_loading import loaded_model
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.times import micros
from tests.scoring_service import postgres
from tests.scoring_service.endpoint.running import NOW, PHOTO, claim, running, until


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Somebody else writes to an SQLite store, and does not stop."""
    engine = sa.create_engine(url)
    with engine.connect() as other:
        other.exec_driver_sql("BEGIN IMMEDIATE")
        yield
        other.rollback()
    engine.dispose()


def refuse(url: str, claim_id: str) -> None:
    """The database has a rule of its own, which no check of a row knows."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"ALTER TABLE claims ADD CONSTRAINT whim CHECK (claim_id <> '{claim_id}')".encode())


def test_a_row_that_the_database_refuses_is_told_and_no_claim_is_queued_or_referred(
    postgres_url: str, model: Path, tmp_path: Path
) -> None:
    with running(postgres_url, model, outage_queue=tmp_path / "queue.db") as endpoint:
        refuse(postgres_url, "CL-WHIM")
        answer = endpoint.intake.score(claim("CL-WHIM"))
        assert answer.status_code == 422
        assert "whim" not in answer.text
        assert endpoint.reviewer.get("/v1/claims/CL-WHIM").status_code == 404
        assert endpoint.intake.score(claim("CL-2")).json()["p_valid"] is not None
        assert endpoint.http.get("/readyz").status_code == 200


def test_a_claim_that_the_store_refuses_after_an_outage_stops_no_other_and_can_be_read(
    postgres_server: postgres.Server, postgres_url: str, model: Path, tmp_path: Path
) -> None:
    with running(postgres_url, model, outage_queue=tmp_path / "queue.db") as endpoint:
        refuse(postgres_url, "CL-WHIM")
        endpoint.intake.score(claim("CL-0"))
        endpoint.reviewer.get("/v1/claims/CL-0")  # both keys are known from now on
        postgres_server.stop()
        try:
            kept = [endpoint.intake.score(claim(name)).json() for name in ("CL-WHIM", "CL-2", "CL-3")]
            history = endpoint.reviewer.get("/v1/claims/CL-2").json()
            assert history["decision_id"] == kept[1]["decision_id"]
            assert history["received"]
            assert endpoint.reviewer.get("/v1/claims/CL-9").status_code == 503
        finally:
            postgres_server.start()
        until(lambda: "claimvet_outage_queue_refused 1.0" in endpoint.http.get("/metrics").text)
        assert "claimvet_outage_queue 0.0" in endpoint.http.get("/metrics").text
        for decision in kept:
            assert (
                endpoint.reviewer.get(f"/v1/claims/{decision['claim_id']}").json()["decision_id"]
                == decision["decision_id"]
            )
        assert "cannot keep a value" in endpoint.reviewer.get("/v1/claims/CL-WHIM").json()["degraded"]
        assert endpoint.intake.score(claim("CL-WHIM")).json() == kept[0]
        assert endpoint.intake.post("/v1/claims/CL-WHIM/rescore").status_code == 409
        assert endpoint.intake.post("/v1/claims/CL-3/rescore").status_code == 200


def test_a_setting_that_breaks_the_store_is_told_and_no_claim_is_referred(
    postgres_url: str, model: Path, tmp_path: Path
) -> None:
    with running(postgres_url, model, outage_queue=tmp_path / "queue.db") as endpoint:
        with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("ALTER TABLE decisions RENAME TO elsewhere")
        answer = endpoint.intake.score(claim())
        assert answer.status_code == 503
        assert "elsewhere" not in answer.text
        assert "claimvet_outage_queue 0.0" in endpoint.http.get("/metrics").text


def test_text_that_was_erased_does_not_come_back_from_the_outage_queue(tmp_path: Path, model: Path) -> None:
    url, queue = f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "queue.db"
    with running(url, model, outage_queue=queue, answer_seconds=0.3, follow_seconds=60) as endpoint, locked(url):
        assert endpoint.intake.score(claim(narrative="Quibblesworth", evidence=[PHOTO])).status_code == 200
    erased(url)
    with running(url, model, outage_queue=queue) as endpoint:
        until(lambda: endpoint.reviewer.get("/v1/claims/CL-1").json().get("received", "").startswith("erased"))
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file() and "queue" in path.name)
    assert b"Quibblesworth" not in held
    with sa.create_engine(url).connect() as connection:
        rows = str(connection.exec_driver_sql("SELECT narrative FROM claims").fetchall())
    assert "Quibblesworth" not in rows


def erased(url: str) -> None:
    store = EventStore.open(url)
    with store.begin() as connection:
        erase_customer("C-1", micros(NOW), connection)
    store.close()


@pytest.mark.parametrize("queue", [True, False])
def test_before_its_first_model_has_come_an_instance_refers_nothing(
    tmp_path: Path, model: Path, queue: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded_model.ModelReloader, "refresh", lambda _: False)  # it is on its way for ever
    options = {"outage_queue": tmp_path / "queue.db"} if queue else {}
    with running(f"sqlite:///{tmp_path / 'store.db'}", model, ready=False, **options) as endpoint:
        answer = endpoint.intake.score(claim())
        assert answer.status_code == 503
        assert "no model has been loaded yet" in answer.json()["detail"]
        assert endpoint.http.get("/readyz").status_code == 503
        monkeypatch.undo()
        endpoint.wait_ready()
        assert endpoint.intake.score(claim()).json()["p_valid"] is not None
