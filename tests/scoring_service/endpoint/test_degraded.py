"""What cannot be scored is said out loud, recorded, and sent to a person; never scored by default."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from claimvet.models.registry import registry
from claimvet.scoring_service.decisions.replay import replay
from claimvet.scoring_service.model_loading.loaded_model import CHAMPION_URI, ModelReloader
from tests.models.registry.champions import make_champion, tag_version
from tests.models.registry.stores import new_store
from tests.scoring_service.endpoint.running import PHOTO, Endpoint, claim, running, until
from tests.scoring_service.endpoint.small_model import saved, small_model

UNSCORED = {"p_valid": None, "p_frivolous": None, "p_abusive": None, "label": None, "model_version": None}


def assert_referred(answer: Any, why: str) -> dict[str, Any]:
    assert answer.status_code == 200
    decision: dict[str, Any] = answer.json()
    assert decision | UNSCORED == decision
    assert decision["disposition"] == "refer_to_expert"
    assert [reason["feature"] for reason in decision["reasons"]] == ["scoring_unavailable"]
    assert why in decision["reasons"][0]["text"]
    return decision


def test_without_a_model_a_claim_is_recorded_and_referred(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with running(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "empty", ready=False) as endpoint:
        until(lambda: "no whole" in str(endpoint.service.champion.problem))
        answer = endpoint.http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["errors"][0]["field"] == "model"
        decision = assert_referred(endpoint.intake.score(claim(evidence=[PHOTO])), "there is no model")
        history = endpoint.reviewer.get("/v1/claims/CL-1").json()
        assert history["features"]["claim_evidence_count"] == 1
        assert history["degraded"].startswith("there is no model")
        assert 'claimvet_degraded_total{cause="model"} 1.0' in endpoint.http.get("/metrics").text
        saved(small_model(), tmp_path / "empty")
        endpoint.wait_ready()
        assert endpoint.intake.score(claim(evidence=[PHOTO])).json() == decision
        assert endpoint.intake.post("/v1/claims/CL-1/rescore").json()["p_valid"] is not None
        with endpoint.service.store.engine.connect() as connection:
            assert replay(decision["decision_id"], connection).same


def test_no_answer_names_a_place_of_the_machine(tmp_path: Path) -> None:
    place = tmp_path / "empty"
    place.mkdir()
    with running(
        f"sqlite:///{tmp_path / 'store.db'}", place, ready=False, shadow=str(tmp_path / "none"), check_seconds=0
    ) as endpoint:
        until(lambda: endpoint.service.champion.has_looked)
        said = [endpoint.intake.score(claim()).text, endpoint.http.get("/readyz").text]
        saved(small_model(), place)
        saved(small_model(2), tmp_path / "none")
        endpoint.wait_ready()
        until(lambda: endpoint.service.shadow is not None and endpoint.service.shadow.loaded is not None)
        said.append(endpoint.intake.post("/v1/claims/CL-1/rescore").text)
        said += [endpoint.http.get(path).text for path in ("/readyz", "/metrics", "/openapi.json")]
        said.append(endpoint.reviewer.get("/v1/claims/CL-1").text)
        assert '"model_uri":"empty"' in said[-1]
        assert '"model_uri":"none"' in said[-1]
        assert 'role="champion",uri="empty"' in said[-3]
        assert not [text for text in said if str(tmp_path) in text]


def test_a_model_that_reads_other_features_is_not_taken(tmp_path: Path) -> None:
    place = saved(small_model(extra=("customer_shoe_size",)), tmp_path / "model")
    reloader = ModelReloader(str(place))
    assert not reloader.refresh()
    assert reloader.loaded is None
    assert "customer_shoe_size" in str(reloader.problem)


def test_a_claim_that_lacks_what_the_model_needs_is_referred_and_the_others_are_scored(tmp_path: Path) -> None:
    place = saved(small_model(extra=("x_site",)), tmp_path / "model")
    with running(f"sqlite:///{tmp_path / 'store.db'}", place) as endpoint:
        assert_referred(endpoint.intake.score(claim("CL-1")), "x_site")
        assert_referred(endpoint.intake.score(claim("CL-2", x_site=1.0, x_other=2.0)), "x_other")
        assert endpoint.intake.score(claim("CL-3", x_site=1.0)).json()["p_valid"] is not None
        assert endpoint.intake.score(claim("CL-4", x_site=None)).json()["p_valid"] is not None


def _full(endpoint: Endpoint, spare_pages: int) -> Callable[[], None]:
    """Leaves the store's file so many pages to grow; the answer takes the limit away again."""
    engine = endpoint.service.store.engine

    def limit(connection: Any, _: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + spare_pages}")

    sa.event.listen(engine, "connect", limit)
    engine.dispose()

    def free() -> None:
        sa.event.remove(engine, "connect", limit)
        engine.dispose()

    return free


def test_a_full_disk_acknowledges_nothing_and_leaves_nothing_half_there(endpoint: Endpoint) -> None:
    free = _full(endpoint, 0)
    long = "word " * 20_000
    answers = [endpoint.intake.score(claim(f"CL-{n}", narrative=long)) for n in range(3)]
    assert {answer.status_code for answer in answers} == {503}
    assert answers[0].headers["retry-after"]
    assert "cannot be written to" in answers[0].json()["detail"]
    missing = endpoint.http.get("/readyz").json()["errors"]
    assert [error["field"] for error in missing] == ["store"]
    assert "it could not be written to a moment ago" in missing[0]["message"]
    free()
    assert endpoint.reviewer.get("/v1/claims/CL-0").status_code == 404
    assert endpoint.intake.score(claim("CL-0", narrative=long)).status_code == 200
    assert endpoint.http.get("/readyz").status_code == 200


def test_a_store_that_somebody_else_holds_is_said_and_the_request_can_be_sent_again(
    tmp_path: Path, model: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with running(url, model, answer_seconds=0.3) as endpoint:
        with sa.create_engine(url).connect() as other:
            other.exec_driver_sql("BEGIN IMMEDIATE")
            answer = endpoint.intake.score(claim())
            assert answer.status_code == 503
            until(lambda: endpoint.http.get("/readyz").status_code == 503)
            assert endpoint.http.get("/readyz").json()["errors"][0]["field"] == "store"
            other.rollback()
        until(lambda: endpoint.intake.score(claim()).status_code == 200)
        assert len(endpoint.reviewer.get("/v1/claims/CL-1").json()["decisions"]) == 1
        endpoint.wait_ready()


@pytest.mark.slow
def test_the_service_follows_the_champion_and_refuses_one_of_another_hash(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", new_store(tmp_path_factory, tmp_path / "mlflow.db"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evaluation").mkdir()
    one, two = small_model(1), small_model(2)
    numbers = [registry.register(model, tmp_path / "evaluation", {}, {}, {}) for model in (one, two, one)]
    tag_version(numbers[2], "model_version", "another")
    make_champion(numbers[0])
    with running(f"sqlite:///{tmp_path / 'store.db'}", CHAMPION_URI) as endpoint:
        stop, statuses = threading.Event(), []

        def keep_asking() -> None:
            while not stop.is_set():
                statuses.append(endpoint.intake.score(claim(f"CL-{len(statuses)}")).status_code)
                stop.wait(0.05)

        asking = threading.Thread(target=keep_asking)
        asking.start()
        for number, model in ((numbers[1], two), (numbers[0], one)):  # promoted, and rolled back
            make_champion(number)
            until(lambda model=model: endpoint.http.get("/readyz").json()["model_version"] == model.version, 90)
        make_champion(numbers[2])
        until(lambda: "hash" in str(endpoint.service.champion.problem), 90)
        assert endpoint.http.get("/readyz").json()["model_problem"].endswith("was not taken; the log says why")
        stop.set()
        asking.join()
        assert set(statuses) == {200}
        assert endpoint.http.get("/readyz").json()["model_uri"] == f"models:/claimvet/{numbers[0]}"
