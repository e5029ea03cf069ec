"""Behind a pooler that gives each transaction another session, every claim is scored: none is referred for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.scoring_service import pgbouncer, postgres
from tests.scoring_service.endpoint.running import claim, running

pytestmark = pytest.mark.skipif(pgbouncer.PROGRAM is None, reason="pgbouncer is missing, expected Debian's package")


def test_claims_are_scored_and_none_is_referred(
    postgres_server: postgres.Server, postgres_url: str, tmp_path: Path, model: Path
) -> None:
    with (
        pgbouncer.pooled(postgres_server, postgres_url) as url,
        running(url, model, outage_queue=tmp_path / "queue.db") as one,
        running(url, model, first_number=10_000) as two,
        ThreadPoolExecutor(8) as pool,
    ):
        bodies = [claim(f"CL-{number}", customer_id=f"C-{number % 7}") for number in range(60)]
        answers = list(
            pool.map(lambda body: (one if body["claim_id"][-1] in "02468" else two).intake.score(body), bodies)
        )
        assert {answer.status_code for answer in answers} == {200}
        assert all(answer.json()["p_valid"] is not None for answer in answers)
        again = list(pool.map(lambda body: two.intake.post(f"/v1/claims/{body['claim_id']}/rescore"), bodies[:20]))
        assert {answer.status_code for answer in again} == {200}
        assert "claimvet_outage_queue 0.0" in one.http.get("/metrics").text
