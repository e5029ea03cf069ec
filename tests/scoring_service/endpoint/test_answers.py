"""What every route answers is what the document says of it, with nothing beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from claimvet.scoring_service.http.document.openapi import document
from tests.scoring_service.endpoint.running import PHOTO, Endpoint, claim, running


def closed(schema: Any) -> Any:
    """The schema, where no object has a field that it does not name."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    return {"additionalProperties": False, **inner} if "properties" in schema and "type" in schema else inner


def assert_described(answer: Any, path: str, method: str = "get") -> None:
    whole = document()
    described = whole["paths"][path][method]["responses"][str(answer.status_code)]["content"]
    kind = answer.headers["content-type"].partition(";")[0]
    schema = {**closed(described[kind]["schema"]), "components": closed(whole["components"])}
    Draft202012Validator(schema).validate(answer.text if kind == "text/plain" else answer.json())


def test_good_answers_are_as_described(endpoint: Endpoint, model: Path, tmp_path: Path) -> None:
    body = claim(evidence=[PHOTO], x_site="a")
    assert_described(endpoint.intake.score(body), "/v1/claims/score", "post")
    assert_described(endpoint.intake.post("/v1/claims/CL-1/rescore"), "/v1/claims/{claim_id}/rescore", "post")
    assert_described(endpoint.reviewer.get("/v1/claims/CL-1"), "/v1/claims/{claim_id}")
    assert_described(endpoint.intake.events(), "/v1/events", "post")
    for path in ("/healthz", "/readyz", "/metrics"):
        assert_described(endpoint.http.get(path), path)
    with running(f"sqlite:///{tmp_path / 'beside.db'}", model, shadow=str(model)) as beside:
        assert_described(beside.http.get("/readyz"), "/readyz")


def test_refusals_are_as_described(shared: Endpoint) -> None:
    assert_described(shared.stranger.score(claim()), "/v1/claims/score", "post")
    assert_described(shared.reviewer.score(claim()), "/v1/claims/score", "post")
    assert_described(shared.intake.score(claim(claim_type="fire")), "/v1/claims/score", "post")
    assert_described(shared.intake.score(claim(incident_at="2027-01-01T00:00:00Z")), "/v1/claims/score", "post")
    assert_described(shared.intake.send("/v1/events", b"{"), "/v1/events", "post")
    assert_described(shared.intake.send("/v1/events", b"{}", "text/plain"), "/v1/events", "post")
    assert_described(shared.intake.post("/v1/claims/none/rescore"), "/v1/claims/{claim_id}/rescore", "post")
    assert_described(shared.reviewer.get("/v1/claims/none"), "/v1/claims/{claim_id}")


@pytest.mark.parametrize("secret", ["mlflow", "sqlite", "/"])
def test_who_asks_whether_it_is_ready_reads_no_address_and_no_path(tmp_path: Path, secret: str) -> None:
    with running(f"sqlite:///{tmp_path / 'store.db'}", str(tmp_path / "none"), ready=False) as endpoint:
        answer = endpoint.http.get("/readyz")
        assert_described(answer, "/readyz")
        assert answer.status_code == 503
        assert secret not in answer.json()["detail"]
