"""The endpoint knows that experts are few: it counts them over instances and restarts, and its answers are replayed to the byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claimvet.models.policy.policy import Policy
from claimvet.scoring_service.decisions.replay import replay
from tests.scoring_service.endpoint.running import Endpoint, claim, running
from tests.scoring_service.endpoint.small_model import saved, small_model

EXPERTS = 2
POLICY = Policy(expert_usd=0.0, expert_error_share=0.0, expert_reviews_per_day=EXPERTS, audit_share=0.0)
"""A review costs nothing and settles everything, so every claim wants one."""


@pytest.fixture(scope="module")
def scarce(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(replace(small_model(), policy=POLICY), tmp_path_factory.mktemp("scarce"))


def answers(endpoint: Endpoint, day: str, ids: range) -> list[dict[str, Any]]:
    """Each claim is larger than the one before, so that its review saves more than the price."""
    filed = f"2026-03-{day}T09:30:00Z"
    bodies = [claim(f"CL-{number}", amount_claimed=300.0 + 25.0 * number, filed_at=filed) for number in ids]
    return [endpoint.intake.score(body).json() for body in bodies]


def referred(found: list[dict[str, Any]]) -> int:
    return sum(answer["disposition"] == "refer_to_expert" for answer in found)


def test_no_day_has_more_reviews_than_experts_whoever_asks(tmp_path: Path, scarce: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with running(url, scarce) as one:
        found = answers(one, "01", range(3))
        assert referred(found) == EXPERTS
        assert all(answer["expert_saving_usd"] > 0 and answer["audited"] is False for answer in found)
        assert found[2]["disposition"] == found[2]["otherwise"] != "refer_to_expert"
        assert referred(answers(one, "02", range(3, 4))) == 1
        with running(url, scarce, first_number=100) as two:
            assert referred(answers(two, "02", range(4, 6))) == 1
    with running(url, scarce, first_number=200) as restarted:
        assert referred(answers(restarted, "02", range(6, 8))) == 0
        assert referred(answers(restarted, "03", range(8, 9))) == 1


def test_every_decision_is_replayed_with_the_price_that_it_began_with(tmp_path: Path, scarce: Path) -> None:
    with running(f"sqlite:///{tmp_path / 'store.db'}", scarce) as endpoint:
        found = [
            answer
            for day in ("01", "02", "03")
            for answer in answers(endpoint, day, range(int(day) * 10, int(day) * 10 + 4))
        ]
        later = endpoint.intake.post("/v1/claims/CL-10/rescore", {"as_of": "2026-03-03T12:00:00Z"}).json()
        with endpoint.service.store.engine.connect() as connection:
            for answer in [*found, later]:
                again = replay(answer["decision_id"], connection)
                assert again.same, str(again)
    assert {answer["disposition"] for answer in found} == {"refer_to_expert", found[2]["otherwise"]}


def test_a_decision_whose_price_was_another_one_is_not_replayed(tmp_path: Path, scarce: Path) -> None:
    with running(f"sqlite:///{tmp_path / 'store.db'}", scarce) as endpoint:
        first, second = answers(endpoint, "01", range(2))
        with endpoint.service.store.begin() as connection:
            connection.exec_driver_sql("DROP TRIGGER decisions_no_update")
            connection.exec_driver_sql(
                "UPDATE decisions SET experts = replace(experts, '\"reviews\":1', '\"reviews\":2')"
            )
        with endpoint.service.store.engine.connect() as connection:
            again = replay(second["decision_id"], connection)
    assert not again.same
    assert "disposition: was 'refer_to_expert', is 'request_evidence'" in str(again)
    assert first["disposition"] == "refer_to_expert"


def test_a_claim_that_no_model_fits_takes_one_of_the_experts(tmp_path: Path, scarce: Path) -> None:
    with running(f"sqlite:///{tmp_path / 'store.db'}", scarce) as endpoint:
        strange = endpoint.intake.score(claim("CL-90", x_unheard_of="yes", filed_at="2026-03-01T09:30:00Z")).json()
        assert strange["reasons"][0]["feature"] == "scoring_unavailable"
        assert "x_unheard_of" in strange["reasons"][0]["text"]
        assert referred(answers(endpoint, "01", range(3))) == EXPERTS - 1
        assert referred(answers(endpoint, "02", range(3, 6))) > 0
        with endpoint.service.store.engine.connect() as connection:
            assert replay(strange["decision_id"], connection).same
