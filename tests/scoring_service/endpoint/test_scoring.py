"""What a claim is answered, and what is kept of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from claimvet.features.catalogue.features import FEATURES
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.scoring_service.auth.roles import Role
from claimvet.scoring_service.decisions.replay import replay
from tests.examples import examples
from tests.scoring_service.endpoint.running import NOW, PHOTO, Endpoint, claim, running, until
from tests.scoring_service.endpoint.small_model import saved, small_model

SCORE_COLUMNS = [
    "claim_id",
    "p_valid",
    "p_frivolous",
    "p_abusive",
    "label",
    "disposition",
    "reasons",
    "model_version",
    "scored_at",
    "otherwise",
    "expert_saving_usd",
    "audited",
    "audit_probability",
    "decision_id",
]


def test_a_claim_is_answered_with_a_score_row_and_the_id_of_its_decision(endpoint: Endpoint, model: Path) -> None:
    answer = endpoint.intake.score(claim(evidence=[PHOTO]))
    assert answer.status_code == 200
    score = answer.json()
    assert list(score) == SCORE_COLUMNS
    assert score["p_valid"] + score["p_frivolous"] + score["p_abusive"] == pytest.approx(1.0, abs=1e-6)
    assert score["model_version"] == ClaimModel.load(model).version
    assert score["scored_at"] == NOW.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert {"feature", "value", "contribution", "text"} == set(score["reasons"][0])


def test_the_same_body_answers_the_same_bytes_whatever_the_order_of_its_fields_and_its_zone(endpoint: Endpoint) -> None:
    first = endpoint.intake.score(claim(evidence=[PHOTO]))
    again = dict(reversed(list(claim(evidence=[PHOTO]).items())))
    again["filed_at"] = "2026-02-21T10:30:00.000+01:00"
    assert endpoint.intake.score(again).content == first.content


@pytest.mark.parametrize("other", [{"amount_claimed": 241.0}, {"evidence": [PHOTO]}, {"narrative": "no"}])
def test_another_body_for_the_same_claim_is_a_conflict(endpoint: Endpoint, other: dict[str, object]) -> None:
    assert endpoint.intake.score(claim()).status_code == 200
    answer = endpoint.intake.score(claim(**other))
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["field"] == "claim_id"


def test_a_claim_that_came_as_an_event_before_is_scored_when_it_is_the_same_row(endpoint: Endpoint) -> None:
    assert endpoint.intake.events(("claims", claim())).status_code == 200
    assert endpoint.intake.score(claim(amount_claimed=1.0)).status_code == 409
    assert endpoint.intake.score(claim()).status_code == 200


def test_the_history_of_a_claim_shows_what_the_decision_saw(endpoint: Endpoint) -> None:
    body = claim(evidence=[PHOTO])
    score = endpoint.intake.score(body).json()
    history = endpoint.reviewer.get("/v1/claims/CL-1").json()
    assert {name: history[name] for name in score} == score
    assert set(history["features"]) == {feature.name for feature in FEATURES}
    assert history["features"]["claim_evidence_count"] == 1
    assert json.loads(history["received"]) == body
    assert history["policy"]["deny_threshold"] == 0.05
    assert len(history["decisions"]) == 1


@settings(max_examples=examples(25), deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=64))
@example("a/b")
@example("..")
@example("\r\n")
@example("a/rescore")
@example("score")
@example("a?b#c%2e;+")
@example("\N{GRINNING FACE}" * 64)
def test_whatever_a_claim_is_called_it_can_be_read_and_scored_again(shared: Endpoint, claim_id: str) -> None:
    decision = shared.intake.score(claim(claim_id)).json()
    path = "/v1/claims/" + "".join(f"%{byte:02x}" for byte in claim_id.encode())
    again = shared.intake.post(f"{path}/rescore").json()
    seen = shared.reviewer.get(path).json()["decisions"]
    assert [entry["claim_id"] for entry in seen] == [claim_id] * len(seen)
    assert {decision["decision_id"], again["decision_id"]} <= {entry["decision_id"] for entry in seen}


def test_evidence_may_leave_out_what_the_claim_says(endpoint: Endpoint) -> None:
    photo = {"evidence_id": "E-1", "kind": "photo", "content_hash": "9f2c"}
    assert endpoint.intake.score(claim(evidence=[photo])).status_code == 200
    assert endpoint.intake.events(
        ("evidence", {**photo, "claim_id": "CL-1", "customer_id": "C-1", "submitted_at": "2026-02-21T09:30:00Z"})
    ).json() == {"accepted": 1}


def test_evidence_of_another_claim_is_refused(endpoint: Endpoint) -> None:
    answer = endpoint.intake.score(claim(evidence=[{**PHOTO, "claim_id": "CL-2"}]))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "evidence[0].claim_id"
    assert endpoint.reviewer.get("/v1/claims/CL-1").status_code == 404


def test_scoring_again_sees_what_is_known_by_then_and_stands_beside_the_first_decision(endpoint: Endpoint) -> None:
    first = endpoint.intake.score(claim()).json()
    late = {**PHOTO, "claim_id": "CL-1", "customer_id": "C-1", "submitted_at": "2026-02-25T00:00:00Z"}
    endpoint.intake.events(("evidence", late))
    before = endpoint.intake.post("/v1/claims/CL-1/rescore", {"as_of": "2026-02-24T00:00:00Z"}).json()
    after = endpoint.intake.post("/v1/claims/CL-1/rescore", {"as_of": "2026-02-26T00:00:00Z"}).json()
    now = endpoint.intake.post("/v1/claims/CL-1/rescore").json()
    decisions = endpoint.reviewer.get("/v1/claims/CL-1").json()["decisions"]
    assert [entry["decision_id"] for entry in decisions] == [d["decision_id"] for d in (first, before, after, now)]
    assert [entry["features"]["claim_evidence_count"] for entry in decisions] == [
        None,
        0,
        1,
        1,
    ]  # null: no evidence at all was known then
    assert [entry["as_of"][:10] for entry in decisions] == ["2026-02-21", "2026-02-24", "2026-02-26", "2026-11-24"]


def test_scoring_again_needs_an_instant_after_the_filing_and_a_claim_that_was_scored(endpoint: Endpoint) -> None:
    assert endpoint.intake.post("/v1/claims/CL-1/rescore").status_code == 404
    endpoint.intake.score(claim())
    answer = endpoint.intake.post("/v1/claims/CL-1/rescore", {"as_of": "2026-02-21T09:30:00Z"})
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["field"] == "as_of"
    assert endpoint.intake.post("/v1/claims/CL-1/rescore", {"as_of": "2026-02-22T00:00:00"}).status_code == 422


def test_every_decision_is_replayed_to_the_byte(endpoint: Endpoint) -> None:
    scored = endpoint.intake.score(claim(evidence=[PHOTO])).json()
    again = endpoint.intake.post("/v1/claims/CL-1/rescore").json()
    with endpoint.service.store.engine.connect() as connection:
        for decision in (scored, again):
            assert replay(decision["decision_id"], connection).differences == ()


def test_a_replay_names_what_differs(endpoint: Endpoint) -> None:
    decision = endpoint.intake.score(claim()).json()["decision_id"]
    with endpoint.service.store.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER decisions_no_update")
        connection.exec_driver_sql("UPDATE decisions SET answer = replace(answer, '\"label\":', '\"label\": ')")
        assert replay(decision, connection).differences == ("the bytes differ, the values do not",)
        connection.exec_driver_sql("UPDATE decisions SET answer = replace(answer, 'CL-1', 'CL-9')")
        assert replay(decision, connection).differences == ("claim_id: was 'CL-9', is 'CL-1'",)


def test_the_ledger_cannot_be_changed(endpoint: Endpoint) -> None:
    endpoint.intake.score(claim())
    for change in ("UPDATE decisions SET answer = ''", "DELETE FROM decisions"):
        with (
            pytest.raises(sa.exc.IntegrityError, match="the ledger is append-only"),
            endpoint.service.store.engine.begin() as connection,
        ):
            connection.exec_driver_sql(change)


def test_a_promoted_model_takes_over_and_the_old_decisions_stay(tmp_path: Path, model: Path) -> None:
    place = saved(small_model(), tmp_path / "one")
    with running(
        f"sqlite:///{tmp_path / 'store.db'}", place, shadow=str(saved(small_model(2), tmp_path / "two"))
    ) as endpoint:
        until(lambda: endpoint.service.shadow is not None and endpoint.service.shadow.loaded is not None)
        first = endpoint.intake.score(claim()).json()
        shadow = endpoint.reviewer.get("/v1/claims/CL-1").json()["shadow"]
        assert shadow["model_version"] == small_model(2).version != first["model_version"]
        endpoint.service.champion.uri = str(tmp_path / "two")
        until(lambda: endpoint.http.get("/readyz").json()["model_version"] == small_model(2).version)
        second = endpoint.intake.score(claim("CL-2")).json()
        assert second["p_valid"] == shadow["p_valid"] != first["p_valid"]
        assert endpoint.intake.score(claim()).json() == first


def test_the_intake_of_a_claim_and_its_evidence_is_one_piece(endpoint: Endpoint) -> None:
    taken = {**PHOTO, "claim_id": "CL-0", "customer_id": "C-0"}
    endpoint.intake.events(("evidence", taken))
    answer = endpoint.intake.score(claim(evidence=[PHOTO]))
    assert answer.status_code == 409
    assert "E-1" in answer.json()["errors"][0]["field"]
    assert endpoint.reviewer.get("/v1/claims/CL-1").status_code == 404
    assert endpoint.intake.score(claim()).status_code == 200


def test_keys_have_roles(endpoint: Endpoint) -> None:
    assert set(endpoint.keys) == set(Role)
    posts = [("/v1/claims/score", claim()), ("/v1/events", {"events": []}), ("/v1/claims/CL-1/rescore", {})]
    for path, body in posts:
        assert endpoint.stranger.post(path, body).status_code == 401
        assert endpoint.reviewer.post(path, body).status_code == 403
        assert endpoint.intake.post(path, body).status_code == 200
        assert endpoint.admin.post(path, body).status_code == 200
    assert endpoint.stranger.get("/v1/claims/CL-1").status_code == 401
    for client in (endpoint.intake, endpoint.reviewer, endpoint.admin):
        assert client.get("/v1/claims/CL-1").status_code == 200
    assert endpoint.stranger.get("/v1/claims/CL-1").headers["www-authenticate"] == "Bearer"


def test_a_claim_scored_again_with_the_amount_that_it_lacked_is_decided_with_it(endpoint: Endpoint) -> None:
    less, whole = claim(amount_claimed=None), claim(amount_claimed=75.0)
    first = endpoint.intake.score(less).json()
    second = endpoint.intake.score(whole)
    assert (second.status_code, second.json()["decision_id"] == first["decision_id"]) == (200, False)
    assert endpoint.intake.score(whole).json() == second.json()
    assert endpoint.intake.score(less).json() == first
    seen = endpoint.reviewer.get("/v1/claims/CL-1").json()["features"]
    assert seen["claim_amount"] in (None, 75.0)
    assert endpoint.intake.score(claim(amount_claimed=76.0)).status_code == 409


def test_a_claim_whose_amount_came_as_an_event_is_scored_with_it_though_the_body_says_null(endpoint: Endpoint) -> None:
    endpoint.intake.events(("claims", claim(amount_claimed=75.0)))
    first = endpoint.intake.score(claim(amount_claimed=None))
    assert first.status_code == 200
    assert endpoint.reviewer.get("/v1/claims/CL-1").json()["features"]["claim_amount"] == 75.0
    assert endpoint.intake.score(claim(amount_claimed=75.0)).json() == first.json()
