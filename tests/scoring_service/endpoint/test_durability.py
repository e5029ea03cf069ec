"""What was answered is there: after a kill, with two instances at once, and when the store's server goes and comes."""

from __future__ import annotations

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from claimvet.scoring_service.auth.roles import Role
from claimvet.scoring_service.decisions.outage_queue import OutageQueue
from claimvet.scoring_service.decisions.replay import replay
from claimvet.scoring_service.observability.logs import JsonLines
from claimvet.scoring_service.store import EventStore
from tests.scoring_service import postgres
from tests.scoring_service.endpoint.process import ServerProcess, processes
from tests.scoring_service.endpoint.running import PHOTO, Client, claim, keys_of, running, until

REQUESTS, ENOUGH, CLIENTS = 600, 120, 8


def _keys(url: str) -> dict[Role, str]:
    store = EventStore.open(url)
    keys = keys_of(store)
    store.close()
    return keys


@pytest.mark.slow
def test_killed_in_the_middle_of_600_requests_it_has_lost_nothing_that_was_answered(
    tmp_path: Path, model: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    key = _keys(url)[Role.INTAKE]
    server = ServerProcess(url, model, tmp_path)
    server.start()
    server.wait_ready()
    answered: dict[str, bytes] = {}
    enough = threading.Event()

    def ask(worker: int) -> None:
        with httpx.Client(base_url=server.address, timeout=30) as http:
            for number in range(worker, REQUESTS, CLIENTS):
                photo = {**PHOTO, "evidence_id": f"E-{number}"}
                try:
                    answer = Client(http, key).score(claim(f"CL-{number}", evidence=[photo]))
                except httpx.TransportError:
                    return
                answered[f"CL-{number}"] = answer.content if answer.status_code == 200 else b""
                if len(answered) >= ENOUGH:
                    enough.set()

    with ThreadPoolExecutor(CLIENTS) as pool:
        for worker in range(CLIENTS):
            pool.submit(ask, worker)
        assert enough.wait(60)
        server.kill()
    assert ENOUGH <= len(answered) < REQUESTS
    with sa.create_engine(url).connect() as connection:
        kept = dict(connection.exec_driver_sql("SELECT claim_id, answer FROM decisions").fetchall())
        claims = {row[0] for row in connection.exec_driver_sql("SELECT claim_id FROM claims")}
        evidence = {row[0] for row in connection.exec_driver_sql("SELECT claim_id FROM evidence")}
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    assert {name: kept[name].encode() for name in answered} == answered
    assert set(kept) == claims == evidence  # nothing is half there
    name = next(iter(answered))
    photo = {**PHOTO, "evidence_id": name.replace("CL", "E")}
    with running(url, model) as endpoint:
        assert endpoint.intake.score(claim(name, evidence=[photo])).content == answered[name]


@pytest.mark.slow
def test_two_instances_that_get_a_claim_at_once_decide_it_once(store_url: str, tmp_path: Path, model: Path) -> None:
    key = _keys(store_url)[Role.INTAKE]
    with (
        processes(2, store_url, model, tmp_path) as servers,
        httpx.Client(base_url=servers[0].address, timeout=30) as one,
        httpx.Client(base_url=servers[1].address, timeout=30) as two,
        ThreadPoolExecutor(2) as pool,
    ):
        clients = [Client(one, key), Client(two, key)]
        for number in range(15):
            bodies = [claim(f"CL-{number}")] * 2
            same = list(pool.map(Client.score, clients, bodies))
            assert [answer.status_code for answer in same] == [200, 200]
            assert same[0].content == same[1].content
            bodies = [claim(f"CX-{number}", amount_claimed=amount) for amount in (1.0, 2.0)]
            other = list(pool.map(Client.score, clients, bodies))
            assert sorted(answer.status_code for answer in other) == [200, 409]
        assert servers[0].stop() == 0
        lines = servers[0].log.read_text().splitlines()
        assert {"time", "level", "event"} <= set.intersection(*(set(json.loads(line)) for line in lines))


def test_the_stores_server_is_stopped_and_started(
    postgres_server: postgres.Server, postgres_url: str, model: Path
) -> None:
    with running(postgres_url, model) as endpoint:
        first = endpoint.intake.score(claim()).content
        postgres_server.stop()
        try:
            answer = endpoint.intake.score(claim("CL-2"))
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert endpoint.http.get("/readyz").json()["errors"][0]["field"] == "store"
            assert endpoint.http.get("/healthz").status_code == 200
        finally:
            postgres_server.start()
        until(lambda: endpoint.intake.score(claim("CL-2")).status_code == 200)
        assert endpoint.intake.score(claim()).content == first
        endpoint.wait_ready()


def test_while_the_stores_server_is_gone_claims_are_kept_and_referred(
    postgres_server: postgres.Server, postgres_url: str, model: Path, tmp_path: Path
) -> None:
    queue = tmp_path / "queue.db"
    with running(postgres_url, model, outage_queue=queue) as endpoint:
        first = endpoint.intake.score(claim()).json()
        postgres_server.stop()
        try:
            kept = endpoint.intake.score(claim("CL-2", evidence=[PHOTO]))
            assert kept.status_code == 200
            assert kept.json()["disposition"] == "refer_to_expert"
            assert kept.json()["p_valid"] is None
            assert [reason["feature"] for reason in kept.json()["reasons"]] == ["scoring_unavailable"]
            assert endpoint.http.get("/readyz").json()["errors"][0]["field"] == "store"
            assert endpoint.intake.score(claim("CL-2", evidence=[PHOTO])).content == kept.content
            assert endpoint.intake.score(claim("CL-2")).status_code == 409
            again = endpoint.intake.score(claim()).json()
            assert again["disposition"] == "refer_to_expert"
            assert endpoint.intake.post("/v1/claims/CL-1/rescore").status_code == 503
        finally:
            postgres_server.start()
        until(lambda: "claimvet_outage_queue 0.0" in endpoint.http.get("/metrics").text)
        assert endpoint.intake.score(claim("CL-2", evidence=[PHOTO])).content == kept.content
        assert endpoint.intake.score(claim()).json() == first
        until(lambda: endpoint.reviewer.get("/v1/claims/CL-1").status_code == 200)
        kinds = [entry["kind"] for entry in endpoint.reviewer.get("/v1/claims/CL-1").json()["decisions"]]
        assert kinds == ["score", "outage"]
        later = endpoint.intake.post("/v1/claims/CL-2/rescore").json()
        assert later["p_valid"] is not None
        decisions = endpoint.reviewer.get("/v1/claims/CL-2").json()["decisions"]
        assert [entry["kind"] for entry in decisions] == ["score", "rescore"]
        assert decisions[1]["features"]["claim_evidence_count"] == 1
        with endpoint.service.store.engine.connect() as connection:
            assert replay(kept.json()["decision_id"], connection).same


def test_an_outage_queue_that_the_store_contradicts_moves_all_the_same_and_the_log_names_nobody(
    tmp_path: Path, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url, queue = f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "queue.db"
    with running(url, model, outage_queue=queue, answer_seconds=0.3, follow_seconds=60) as endpoint:
        with endpoint.service.store.begin():
            kept = endpoint.intake.score(claim("CL-SECRET")).json()
        until(lambda: endpoint.intake.events(("claims", claim("CL-SECRET", seller_id="S-SECRET"))).status_code == 200)
    with caplog.at_level(logging.INFO, "claimvet"), running(url, model, outage_queue=queue) as endpoint:
        until(lambda: endpoint.reviewer.get("/v1/claims/CL-SECRET").status_code == 200)
        assert endpoint.reviewer.get("/v1/claims/CL-SECRET").json()["decision_id"] == kept["decision_id"]
        assert endpoint.intake.events(("claims", claim("CL-SECRET", seller_id="S-SECRET"))).status_code == 200
    lines = [JsonLines().format(record) for record in caplog.records]
    assert any('"event":"outage queue"' in line and '"conflict_in":"claims"' in line for line in lines)
    assert "SECRET" not in "".join(lines)


def test_a_claim_that_can_be_none_is_not_asked_for(store_url: str, model: Path) -> None:
    with running(store_url, model) as endpoint:
        for name in ("a%00b", "%00", "x" * 65, ""):
            answers = [endpoint.reviewer.get(f"/v1/claims/{name}"), endpoint.intake.post(f"/v1/claims/{name}/rescore")]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert len(answers[0].content) < 300


def test_what_is_in_the_journal_outlives_the_process(tmp_path: Path, model: Path) -> None:
    url, queue = f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "queue.db"
    with running(url, model, outage_queue=queue, answer_seconds=0.3, follow_seconds=60) as endpoint:
        with sa.create_engine(url).connect() as other:
            other.exec_driver_sql("BEGIN IMMEDIATE")
            kept = endpoint.intake.score(claim(evidence=[PHOTO]))
            assert kept.json()["disposition"] == "refer_to_expert"
            other.rollback()
        assert len(OutageQueue(queue).waiting()) == 1
    with running(url, model, outage_queue=queue) as endpoint:
        until(lambda: endpoint.reviewer.get("/v1/claims/CL-1").status_code == 200)
        assert endpoint.intake.score(claim(evidence=[PHOTO])).content == kept.content


def test_the_ledger_cannot_be_changed_on_either_store(store: EventStore, model: Path) -> None:
    with running(store.engine.url.render_as_string(hide_password=False), model) as endpoint:
        endpoint.intake.score(claim())
    for change in ("UPDATE decisions SET answer = ''", "DELETE FROM decisions"):
        with pytest.raises(sa.exc.DBAPIError, match="the ledger is append-only"), store.engine.begin() as connection:
            connection.exec_driver_sql(change)


def test_requests_under_way_are_answered_when_the_server_is_stopped(tmp_path: Path, model: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    answers: list[Any] = []
    with running(url, model) as endpoint, sa.create_engine(url).connect() as other:
        other.exec_driver_sql("BEGIN IMMEDIATE")
        headers = endpoint.intake.headers
        ask = f"{endpoint.http.base_url}/v1/claims/score"
        asking = threading.Thread(
            target=lambda: answers.append(httpx.post(ask, json=claim(), headers=headers, timeout=30))
        )
        asking.start()
        until(lambda: endpoint.service.write_queue.stalled_seconds() > 0.1)
        threading.Timer(0.5, other.rollback).start()
    asking.join()
    assert json.loads(answers[0].content)["claim_id"] == "CL-1"
