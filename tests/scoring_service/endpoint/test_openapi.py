"""The endpoint's description is true: its examples run, and nothing that it allows or forbids is answered otherwise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from claimvet.data.contract.tables import TABLES
from claimvet.scoring_service.http.document import examples
from claimvet.scoring_service.http.document.openapi import document
from claimvet.scoring_service.http.problems import MEDIA_TYPE
from tests.scoring_service.endpoint.running import Endpoint

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


@pytest.mark.slow
def test_schemathesis_finds_nothing(endpoint: Endpoint, tmp_path: Path) -> None:
    address = str(endpoint.http.base_url)
    key = endpoint.intake.headers["authorization"]
    options = ["--checks", "all", "--max-examples", "5", "--seed", "7", "--no-color"]
    run = subprocess.run(
        [SCHEMATHESIS, "run", f"{address}/openapi.json", "-H", f"Authorization: {key}", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "No issues found" in run.stdout


def test_the_examples_run_in_their_order(endpoint: Endpoint) -> None:
    assert endpoint.intake.post("/v1/events", {"events": examples.EVENTS}).json() == {"accepted": len(examples.EVENTS)}
    decision = endpoint.intake.score(dict(examples.CLAIM)).json()
    later = endpoint.intake.post(f"/v1/claims/{decision['claim_id']}/rescore", {"as_of": examples.LATER}).json()
    seen = endpoint.reviewer.get(f"/v1/claims/{decision['claim_id']}").json()
    assert [entry["decision_id"] for entry in seen["decisions"]] == [decision["decision_id"], later["decision_id"]]
    assert seen["features"]["customer_orders_count_365d"] == 1
    assert seen["features"]["claim_evidence_count"] == 1


def test_every_column_of_the_contract_is_described() -> None:
    schemas = document()["components"]["schemas"]
    for name, table in TABLES.items():
        assert set(schemas[f"row_{name}"]["properties"]) == set(table.column_names)


def test_every_error_is_a_problem_document_and_all_but_the_health_checks_need_a_key() -> None:
    for path, item in document()["paths"].items():
        for operation in (item[method] for method in ("get", "post") if method in item):
            errors = {status: answer for status, answer in operation["responses"].items() if status != "200"}
            assert all(list(answer["content"]) == [MEDIA_TYPE] for answer in errors.values())
            assert (operation.get("security") == []) == (not path.startswith("/v1/"))
            assert not path.startswith("/v1/") or {"401", "403", "503"} <= set(errors)


def test_the_document_is_served_without_a_key(endpoint: Endpoint) -> None:
    assert endpoint.stranger.get("/openapi.json").json() == document()
