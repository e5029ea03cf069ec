"""Experts go where they save most, never more than there are, and audits are drawn from identifiers alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.models.policy.capacity import ShadowPrice, allocate_reviews, audit_draws
from claimvet.models.policy.policy import DISPOSITIONS, Policy

REFER = "refer_to_expert"
POLICY = Policy(expert_reviews_per_day=3, audit_share=0.05)


@st.composite
def batches(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.Series, pd.Series, Policy]:
    """Options of claims over a few days, some of them worth a review, under any capacity and audit share."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(0, 60))
    wanted = rng.random(count) < 0.5
    saving = np.where(wanted, rng.choice([0.5, 1.0, 1.0, 80.0, *rng.exponential(50, 5)], count), 0.0)
    gentle = rng.choice(["pay_concession", "present_to_seller", "request_evidence"], count)
    chosen = np.where(wanted, REFER, np.where(rng.random(count) < 0.3, "deny", gentle))
    options = pd.DataFrame(
        {"disposition": chosen, "otherwise": np.where(wanted, gentle, chosen), "expert_saving_usd": saving}
    ).astype({"disposition": "str", "otherwise": "str"})
    ids = pd.Series([f"c{draw(st.integers(0, 9))}-{place}" for place in range(count)], dtype="str")
    policy = Policy(
        expert_reviews_per_day=draw(st.sampled_from([None, 0, 1, 3, 50])), audit_share=draw(st.floats(0, 1))
    )
    return options, ids, pd.Series(rng.integers(0, 4, count)), policy


@settings(max_examples=30)
@given(batches())
def test_no_day_has_more_reviews_than_there_are_experts(batch: tuple) -> None:
    options, ids, days, policy = batch
    referred = allocate_reviews(options, ids, days, policy)["disposition"] == REFER
    if policy.expert_reviews_per_day is not None:
        assert referred.groupby(days).sum().max() <= policy.expert_reviews_per_day or not len(days)


@settings(max_examples=30)
@given(batches())
def test_neither_audits_nor_scarce_experts_ever_make_a_denial(batch: tuple) -> None:
    options, ids, days, policy = batch
    shared = allocate_reviews(options, ids, days, policy)
    assert (options.loc[shared["disposition"] == "deny", "disposition"] == "deny").all()
    assert set(shared["disposition"]) <= set(DISPOSITIONS)


@settings(max_examples=30)
@given(batches())
def test_of_a_day_those_are_reviewed_that_save_most(batch: tuple) -> None:
    options, ids, days, policy = batch
    shared = allocate_reviews(options, ids, days, policy)
    for _, part in shared.assign(saving=options["expert_saving_usd"], was=options["disposition"]).groupby(days):
        asked = part[~part["audited"] & (part["was"] == REFER)]
        made, refused = asked[asked["disposition"] == REFER], asked[asked["disposition"] != REFER]
        if len(refused):
            assert (part["expert_price_usd"] == refused["saving"].max()).all()
            assert made["saving"].min() >= refused["saving"].max() or not len(made)
            assert (part["disposition"] == REFER).sum() == policy.expert_reviews_per_day
        else:
            assert (part["expert_price_usd"] == 0.0).all()


@settings(max_examples=20)
@given(batches(), st.randoms())
def test_the_order_of_claims_changes_nothing(batch: tuple, random: object) -> None:
    options, ids, days, policy = batch
    order = list(range(len(ids)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = allocate_reviews(options.iloc[order], ids.iloc[order], days.iloc[order], policy)
    pd.testing.assert_frame_equal(
        shuffled.sort_index(), allocate_reviews(options, ids, days, policy), check_dtype=False
    )


def test_audits_come_at_their_rate_and_do_not_hang_on_the_score() -> None:
    draws = audit_draws([f"c{place}" for place in range(50_000)], seed=7)
    assert (draws < 0.01).mean() == pytest.approx(0.01, abs=0.0014)  # three standard errors
    assert abs(np.corrcoef(draws, np.arange(50_000))[0, 1]) < 0.015
    assert (audit_draws(["c1", "c2"], 7) != audit_draws(["c1", "c2"], 8)).all()


def test_more_audits_than_experts_are_drawn_again_and_their_probability_says_so() -> None:
    count = 400
    options = pd.DataFrame(
        {"disposition": ["pay_concession"] * count, "otherwise": ["pay_concession"] * count, "expert_saving_usd": 0.0}
    )
    ids = pd.Series([f"c{place}" for place in range(count)])
    shared = allocate_reviews(options, ids, pd.Series([1] * count), replace(POLICY, audit_share=0.2))
    drawn = int((audit_draws(ids, POLICY.audit_seed) < 0.2).sum())
    assert shared["audited"].sum() == 3
    np.testing.assert_allclose(shared["audit_probability"], 0.2 * 3 / drawn)


def stream(days: int, daily: int, seed: int) -> pd.DataFrame:
    """Claims with lognormal savings, one after the other."""
    rng = np.random.default_rng(seed)
    count = days * daily
    return pd.DataFrame(
        {
            "claim_id": [f"c{seed}-{place}" for place in range(count)],
            "day": np.repeat([f"2026-03-{day + 1:02}" for day in range(days)], daily),
            "saving": np.where(rng.random(count) < 0.6, rng.lognormal(3, 1, count), 0.0),
        }
    )


def one_by_one(claims: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    state, rows = ShadowPrice(), []
    for claim in claims.itertuples():
        verdict, state = state.decide(str(claim.claim_id), str(claim.day), float(str(claim.saving)), policy)
        rows.append(vars(verdict))
    return pd.DataFrame(rows, index=claims.index)


@settings(max_examples=15)
@given(st.integers(0, 1000), st.integers(0, 12), st.floats(0, 0.3))
def test_one_by_one_no_day_has_more_reviews_than_experts(seed: int, experts: int, audit_share: float) -> None:
    claims = stream(8, 30, seed)
    verdicts = one_by_one(claims, Policy(expert_reviews_per_day=experts, audit_share=audit_share))
    assert verdicts["referred"].groupby(claims["day"]).sum().max() <= experts
    assert (verdicts["referred"] | ~verdicts["audited"]).all()


def test_one_by_one_with_the_price_carried_over_saves_nearly_what_a_batch_does() -> None:
    claims, policy = stream(25, 60, 3), Policy(expert_reviews_per_day=12, audit_share=0.01)
    verdicts = one_by_one(claims, policy)
    options = pd.DataFrame(
        {
            "disposition": np.where(claims["saving"] > 0, REFER, "pay_concession"),
            "otherwise": "request_evidence",
            "expert_saving_usd": claims["saving"],
        }
    )
    batch = allocate_reviews(options, claims["claim_id"], claims["day"], policy)["disposition"] == REFER
    later = claims["day"] > "2026-03-05"
    saved, best = (claims.loc[later & chosen, "saving"].sum() for chosen in (verdicts["referred"], batch))
    assert 0.8 * best < saved <= best
    first_come = claims[later & (claims["saving"] > 0)].groupby("day")["saving"].apply(lambda part: part.head(12).sum())
    assert saved > 1.3 * first_come.sum()


def test_one_by_one_audits_come_at_their_rate_although_experts_are_scarce() -> None:
    claims, policy = stream(28, 200, 5), Policy(expert_reviews_per_day=8, audit_share=0.02)
    verdicts = one_by_one(claims, policy)
    assert verdicts["audited"].mean() == pytest.approx(verdicts["audit_probability"].mean(), abs=0.006)
    assert verdicts["audited"].mean() > 0.012


def test_without_a_capacity_all_that_pay_off_are_reviewed() -> None:
    claims = stream(3, 20, 1)
    policy = Policy(expert_reviews_per_day=None, audit_share=0.0)
    assert (one_by_one(claims, policy)["referred"] == (claims["saving"] > 0)).all()
