"""A body has one digest, which tells it from every other body."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.scoring_service.decisions.requests import ScoreRequest
from claimvet.scoring_service.http.parsing.request_parsing import score_request
from tests.scoring_service.endpoint.running import PHOTO, claim

OTHERS = [
    {"claim_id": "CL-2"},
    {"order_id": "O-1"},
    {"customer_id": "C-2"},
    {"seller_id": "S-2"},
    {"product_id": "P-2"},
    {"incident_at": None},
    {"filed_at": "2026-02-21T09:30:00.000001Z"},
    {"claim_type": "personal_injury"},
    {"amount_claimed": 240.01},
    {"amount_claimed": None},
    {"narrative": "A rung broke"},
    {"x_site": 1},
    {"group_age": "30s"},
    {"evidence": [PHOTO]},
]


def request(body: dict[str, Any]) -> ScoreRequest:
    return score_request(json.loads(json.dumps(body)), json.dumps(body))


def pieces(count: int) -> list[dict[str, Any]]:
    return [{**PHOTO, "evidence_id": f"E-{number}"} for number in range(count)]


@given(st.randoms(use_true_random=False), st.integers(0, 6))
def test_neither_the_order_of_fields_nor_that_of_evidence_changes_it(rng: random.Random, count: int) -> None:
    body = claim(evidence=pieces(count), x_b=1, x_a=None)
    mixed = [dict(rng.sample(list(piece.items()), len(piece))) for piece in rng.sample(pieces(count), count)]
    other = dict(rng.sample(list({**body, "evidence": mixed}.items()), len(body)))
    assert request(other).digest == request(body).digest


def test_what_is_left_out_and_what_is_null_are_the_same() -> None:
    without = {name: value for name, value in claim().items() if name != "order_id"}
    assert (
        request(without).digest
        == request(claim(evidence=None)).digest
        == request(claim(evidence=[], colour="red")).digest
    )


@pytest.mark.parametrize("other", OTHERS, ids=lambda changed: "-".join(changed))
def test_another_value_of_any_field_is_another_body(other: dict[str, Any]) -> None:
    assert request(claim(**other)).digest != request(claim()).digest


def test_all_of_these_bodies_are_told_apart() -> None:
    assert len({request(claim(**other)).digest for other in OTHERS}) == len(OTHERS)


def test_it_is_what_anybody_can_compute_from_the_rows() -> None:
    made = request(claim(evidence=[PHOTO]))
    rows = {"claim": dict(made.claim.row), "evidence": [dict(made.evidence[0].row)]}
    text = json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert made.digest == hashlib.sha256(text.encode()).hexdigest()


def test_a_claim_and_its_evidence_are_the_events_that_the_store_gets() -> None:
    made = request(claim(evidence=pieces(2)))
    assert [event.table for event in made.events] == ["claims", "evidence", "evidence"]
    assert made.claim_id == "CL-1"
