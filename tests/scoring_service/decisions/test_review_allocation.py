"""Reviews are allocated claim by claim, and what is kept of it is enough to go on and to look back."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.models.policy.capacity import REFER, ShadowPrice
from claimvet.models.policy.policy import Policy
from claimvet.models.scoring.scoring import RowScore
from claimvet.scoring_service.decisions.review_allocation import allocate, day_of, state_of, state_text

POLICY = Policy(expert_reviews_per_day=3, audit_share=0.0)
SAVINGS = st.floats(0, 1e5, allow_nan=False)


def score(saving: float) -> RowScore:
    """A claim whose review saves so much."""
    disposition = REFER if saving > 0 else "pay_concession"
    return RowScore((0.5, 0.3, 0.2), "valid", disposition, (), "request_evidence", saving, False)


@given(st.lists(SAVINGS, max_size=12), st.sampled_from(["2026-03-01", "2026-03-02"]))
def test_the_state_comes_back_from_its_text(savings: list[float], day: str) -> None:
    state = ShadowPrice()
    for place, saving in enumerate(savings):
        _, state = allocate(f"CL-{place}", day, score(saving), POLICY, state)
        assert state_of(state_text(state)) == state


def test_at_the_beginning_nothing_is_known() -> None:
    assert state_of(None) == ShadowPrice()


@given(st.lists(st.tuples(st.integers(1, 9), SAVINGS), min_size=1, max_size=60))
def test_no_day_has_more_reviews_than_experts_and_who_gets_none_gets_otherwise(
    claims: list[tuple[int, float]],
) -> None:
    state, reviews = ShadowPrice(), dict[str, int]()
    for place, (day, saving) in enumerate(sorted(claims, key=lambda claim: claim[0])):
        date = f"2026-03-0{day}"
        allocation, state = allocate(f"CL-{place}", date, score(saving), POLICY, state)
        assert allocation.disposition in (REFER, "request_evidence")
        assert allocation.disposition != REFER or saving > 0
        reviews[date] = reviews.get(date, 0) + (allocation.disposition == REFER)
    assert max(reviews.values()) <= 3


def test_an_audit_takes_an_expert_whatever_the_score_and_its_chance_is_told() -> None:
    policy = replace(POLICY, audit_share=1.0, expert_reviews_per_day=1)
    first, state = allocate("CL-1", "2026-03-01", score(0.0), policy, ShadowPrice())
    second, _ = allocate("CL-2", "2026-03-01", score(900.0), policy, state)
    assert (first.disposition, first.audited, first.audit_probability) == (REFER, True, 1.0)
    assert (second.disposition, second.audited, second.audit_probability) == ("request_evidence", False, 0.0)


@pytest.mark.parametrize(("filed_at", "now", "day"), [(0, 10**15, "1970-01-01"), (10**18, 0, "1970-01-01")])
def test_a_claim_filed_in_the_future_asks_for_todays_experts(filed_at: int, now: int, day: str) -> None:
    assert day_of(filed_at, now) == day


def test_with_two_thousand_reviews_a_day_the_state_is_small_and_the_price_hardly_another() -> None:
    """The oracle sorts: the price after the first day is the saving of the first claim that got no review."""
    policy = replace(POLICY, expert_reviews_per_day=2_000)
    rng = random.Random(7)
    savings = [rng.lognormvariate(4, 1.5) for _ in range(6_000)]
    state = ShadowPrice()
    for place, saving in enumerate(savings):
        _, state = state.decide(f"CL-{place}", "2026-03-01", saving, policy)
    assert len(state_text(state)) < 3_000
    _, later = state_of(state_text(state)).decide("CL-X", "2026-03-02", 0.0, policy)
    assert later.price_usd == pytest.approx(sorted(savings, reverse=True)[2_000], rel=0.045)


def test_a_state_of_an_older_version_is_read() -> None:
    old = (
        '{"audits":0,"claims":3,"day":"2026-03-01","price_usd":1.5,"reviews":2,"savings":[9.25,4.0],"usual_claims":0.0}'
    )
    assert state_of(old) == ShadowPrice("2026-03-01", 1.5, 2, 0, 3, 0.0, (9.25, 4.0))
