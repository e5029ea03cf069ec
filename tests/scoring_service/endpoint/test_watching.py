"""The service can be watched, checks itself against the batch, and tells nobody's secrets."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.errors import StoreError
from claimvet.data.contract.tables import TABLES
from claimvet.data.marketplace import generate
from claimvet.features.batch.build import build_features
from claimvet.features.catalogue.features import FEATURES
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.pipeline.stages.scores import score_batch
from claimvet.scoring_service.decisions import self_check
from claimvet.scoring_service.decisions.self_check import compare, same
from claimvet.scoring_service.observability.logs import JsonLines
from claimvet.scoring_service.observability.metrics import PARTS
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.store.load import load
from claimvet.scoring_service.times import micros, rfc3339
from tests.scoring_service.endpoint.running import NOW, PHOTO, Endpoint, claim, running, until
from tests.scoring_service.endpoint.small_model import saved, small_model

SCORED = 12


def _bodies(world: Path) -> list[dict[str, Any]]:
    """The latest claims of a data set, as a client would send them."""
    rows = pq.read_table(world / "claims.parquet").sort_by("filed_at").to_pylist()[-SCORED:]
    times = ("filed_at", "incident_at")
    return [{**row, **{name: row[name] and rfc3339(micros(row[name])) for name in times}} for row in rows]


@pytest.mark.slow
def test_the_endpoint_answers_what_the_batch_answers(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, url = tmp_path / "world", f"sqlite:///{tmp_path / 'store.db'}"
    generate(world, 150, 5)
    load(DataSet.open(world), url)
    build_features(DataSet.open(world), tmp_path / "features.parquet")
    features = pq.read_table(tmp_path / "features.parquet").to_pandas()
    scores = {row["claim_id"]: row for row in score_batch(features, ClaimModel.load(model), NOW).to_pylist()}
    seen = {row["claim_id"]: row for row in pq.read_table(tmp_path / "features.parquet").to_pylist()}
    with running(url, model) as endpoint:
        monkeypatch.setattr(self_check, "RESCORES", 3)
        for body in _bodies(world):
            answer = endpoint.intake.score(body).json()
            del answer["decision_id"], answer["scored_at"]
            wanted = {name: scores[body["claim_id"]][name] for name in answer}
            weights = [[reason.pop("contribution") for reason in row["reasons"]] for row in (answer, wanted)]
            assert answer == wanted
            assert weights[0] == pytest.approx(weights[1], abs=1e-9)
            saw = endpoint.reviewer.get(f"/v1/claims/{body['claim_id']}").json()["features"]
            assert [name for name, value in saw.items() if not same(value, seen[body["claim_id"]][name])] == []
        for body in _bodies(world)[:3]:
            assert endpoint.intake.post(f"/v1/claims/{body['claim_id']}/rescore").status_code == 200
        found = compare(endpoint.service.store, SCORED)
        assert (found.decisions, found.rescores, found.differences, found.changed_since) == (SCORED, 3, {}, 0)
        with endpoint.service.store.begin() as connection:
            connection.exec_driver_sql("UPDATE deltas SET t0 = t0 + 1")
        assert compare(endpoint.service.store, SCORED).differences


def test_the_running_service_checks_itself(endpoint: Endpoint) -> None:
    endpoint.intake.score(claim(evidence=[PHOTO]))
    asyncio.run(endpoint.service.check())
    text = endpoint.http.get("/metrics").text
    assert "claimvet_skew_checked_total 158.0" in text
    assert "claimvet_skew_differences_total{" not in text


def test_as_many_rescores_as_the_check_takes_hide_no_decision(endpoint: Endpoint) -> None:
    endpoint.intake.score(claim())
    for _ in range(3):
        assert endpoint.http.post("/v1/claims/CL-1/rescore", headers=endpoint.intake.headers).status_code == 200
    found = compare(endpoint.service.store, 3)
    assert (found.decisions, found.differences) == (1, {})


def test_a_decision_that_was_made_again_is_compared_without_its_claim_in_its_own_history(endpoint: Endpoint) -> None:
    outcome = {"claim_id": "CL-1", "decided_by": "expert", "amount_paid": None, "decided_at": "2026-03-01T00:00:00Z"}
    other = claim("CL-2", filed_at="2026-02-25T00:00:00Z")
    endpoint.intake.score(claim(evidence=[PHOTO]))
    endpoint.intake.events(("claims", other), ("outcomes", {**outcome, "outcome_id": "O-1", "label": "abusive"}))
    endpoint.intake.post("/v1/claims/CL-1/rescore", {"as_of": "2026-03-05T00:00:00Z"})
    seen = endpoint.reviewer.get("/v1/claims/CL-1").json()["decisions"][-1]["features"]
    assert (seen["customer_claims_count_365d"], seen["customer_abusive_outcomes_count_365d"]) == (1, 0)
    store = endpoint.service.store
    found = compare(store, 3)
    assert (found.decisions, found.rescores, found.differences) == (1, 1, {})
    with store.begin() as connection:
        connection.exec_driver_sql("UPDATE deltas SET t0 = t0 + 1 WHERE position > 1771925000000000")
    found = compare(store, 3)  # what only the rescore saw
    assert "customer_claims_count_365d" in found.differences


def test_what_was_filled_after_a_decision_is_a_change_and_no_difference(endpoint: Endpoint) -> None:
    endpoint.intake.score(claim(amount_claimed=None, x_lane=None))
    endpoint.intake.events(("claims", claim(x_lane="7")), ("claims", claim("CL-2", x_lane=7)))
    found = compare(endpoint.service.store, 3)
    assert (found.decisions, found.differences) == (1, {})
    assert found.changed_since > 0


def test_a_check_that_compared_nothing_says_so(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "claimvet"):
        asyncio.run(endpoint.service.check())
    assert "self-check compared nothing" in [record.getMessage() for record in caplog.records]
    text = endpoint.http.get("/metrics").text
    assert "claimvet_skew_checked_decisions 0.0" in text
    assert "claimvet_skew_checked_timestamp_seconds 0.0" in text


def test_an_instance_whose_store_was_derived_for_others_refuses_with_the_reason(endpoint: Endpoint) -> None:
    store = endpoint.service.store
    assert endpoint.http.get("/readyz").status_code == 200
    EventStore.open(str(store.engine.url), FEATURES[:20]).close()
    answer = endpoint.intake.score(claim())
    assert (answer.status_code, "was derived anew for another version" in answer.json()["detail"]) == (503, True)
    ready = endpoint.http.get("/readyz")
    assert (ready.status_code, "was derived anew" in ready.text) == (503, True)


def test_metrics_tell_parts_outcomes_events_and_staleness(endpoint: Endpoint) -> None:
    endpoint.intake.events(("sellers", {"seller_id": "S-1", "created_at": "2026-11-24T11:00:00Z"}))
    endpoint.intake.score(claim())
    endpoint.intake.score(claim(claim_type="fire"))
    text = endpoint.http.get("/metrics").text
    for line in (
        'claimvet_requests_total{method="POST",route="/v1/claims/score",status="200"} 1.0',
        'claimvet_requests_total{method="POST",route="/v1/claims/score",status="422"} 1.0',
        'claimvet_events_total{table="sellers"} 1.0',
        'claimvet_staleness_seconds{table="sellers"} 3600.0',
        'claimvet_ready{needs="store"} 1.0',
    ):
        assert line in text
    for part in PARTS:
        assert f'claimvet_part_seconds_count{{part="{part}"}}' in text
    assert 'table="orders"' not in text  # it has no events, so no figure is made up


def test_readiness_tells_the_model_and_the_latest_event_of_each_table(endpoint: Endpoint, model: Path) -> None:
    endpoint.intake.events(("sellers", {"seller_id": "S-1", "created_at": "2026-11-24T11:00:00Z"}))
    state = endpoint.http.get("/readyz").json()
    assert state["model_version"] == ClaimModel.load(model).version
    assert state["latest_events"] == {**dict.fromkeys(TABLES), "sellers": "2026-11-24T11:00:00.000000Z"}


def _requests(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The lines about requests of the contract; whoever asks whether a server is ready is not among them."""
    lines = [json.loads(JsonLines().format(record)) for record in list(caplog.records)]
    return [line for line in lines if line["event"] == "request" and line["route"].startswith("/v1/")]


def test_logs_are_json_lines_without_claims_customers_or_keys(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "claimvet"):
        decision = endpoint.intake.score(claim("CL-SECRET", narrative="my leg")).json()["decision_id"]
        endpoint.intake.score(claim("CL-SECRET", narrative="my leg", claim_type="fire"))
        endpoint.reviewer.get("/v1/claims/CL-SECRET")
        until(lambda: len(_requests(caplog)) == 3)
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    requests = _requests(caplog)
    assert [line["status"] for line in requests] == [200, 422, 200]
    assert requests[0]["decision_id"] == decision
    assert {"time", "level", "event", "route", "method", "status", "ms"} <= set(requests[0])
    whole = json.dumps(lines)
    for secret in ("CL-SECRET", "C-1", "my leg", endpoint.intake.headers["authorization"].removeprefix("Bearer ")):
        assert secret not in whole


def test_what_a_model_refuses_is_in_the_ledger_and_not_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = saved(small_model(extra=("x_site",)), tmp_path / "model")
    with running(f"sqlite:///{tmp_path / 'store.db'}", place) as endpoint, caplog.at_level(logging.INFO, "claimvet"):
        endpoint.intake.events(("claims", claim(x_site="my secret" * 50)))
        answer = endpoint.intake.score(claim(x_site=None)).json()
        assert len(answer["reasons"][0]["text"]) < 200
        assert "my secret" in endpoint.reviewer.get("/v1/claims/CL-1").json()["degraded"]
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    assert {"decision_id": answer["decision_id"], "cause": "model"}.items() <= next(
        line for line in lines if line["event"] == "degraded"
    ).items()
    assert "my secret" not in json.dumps(lines)


def test_what_fails_beside_the_requests_is_said_without_what_a_library_says(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [ValueError("CL-SECRET"), StoreError("the store is gone")]

    def fail() -> None:
        raise failures[0] if len(failures) == 1 else failures.pop(0)

    monkeypatch.setattr(endpoint.service.champion, "refresh", fail)
    with caplog.at_level(logging.INFO, "claimvet"):
        until(lambda: sum(record.getMessage() == "a task beside the requests failed" for record in caplog.records) > 1)
    lines = [JsonLines().format(record) for record in list(caplog.records)]
    assert any('"error":"ValueError"}' in line for line in lines)
    assert any('"error":"StoreError","text":"the store is gone"}' in line for line in lines)


def test_a_checkpoint_that_fails_disturbs_nobody(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(endpoint.service.checkpoint())

    def gone() -> None:
        raise StoreError("the store failed: it is gone")

    monkeypatch.setattr(endpoint.service.store, "checkpoint", gone)
    asyncio.run(endpoint.service.checkpoint())
    assert endpoint.intake.score(claim()).status_code == 200
