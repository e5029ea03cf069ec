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
from tests.examples import examples

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


@settings(max_examples=examples(30))
@given(batches())
def test_no_day_has_more_reviews_than_there_are_experts(batch: tuple) -> None:
    options, ids, days, policy = batch
    referred = allocate_reviews(options, ids, days, policy)["disposition"] == REFER
    if policy.expert_reviews_per_day is not None:
        assert referred.groupby(days).sum().max() <= policy.expert_reviews_per_day or not len(days)


@settings(max_examples=examples(30))
@given(batches())
def test_neither_audits_nor_scarce_experts_ever_make_a_denial(batch: tuple) -> None:
    options, ids, days, policy = batch
    shared = allocate_reviews(options, ids, days, policy)
    assert (options.loc[shared["disposition"] == "deny", "disposition"] == "deny").all()
    assert set(shared["disposition"]) <= set(DISPOSITIONS)


@settings(max_examples=examples(30))
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


@settings(max_examples=examples(20))
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


@settings(max_examples=examples(15))
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


def names(audited: bool, count: int, policy: Policy) -> list[str]:
    """Identifiers that the draw audits, or does not."""
    drawn = (f"c{place}" for place in range(100_000))
    return [name for name in drawn if (audit_draws([name], policy.audit_seed)[0] < policy.audit_share) == audited][
        :count
    ]


def after(state: ShadowPrice, claims: list[tuple[str, float]], day: str, policy: Policy) -> ShadowPrice:
    for name, saving in claims:
        _, state = state.decide(name, day, saving, policy)
    return state


@pytest.mark.slow
def test_the_price_of_a_review_is_what_the_first_claim_without_one_would_have_saved_after_audits_took_theirs() -> None:
    policy = Policy(expert_reviews_per_day=3, audit_share=0.05)
    (audit,), plain = names(True, 1, policy), names(False, 5, policy)
    first = [(audit, 90.0), *zip(plain, (50.0, 40.0, 30.0, 20.0, 0.0), strict=True)]
    second = after(after(ShadowPrice(), first, "2026-01-01", policy), [(plain[0], 1.0)], "2026-01-02", policy)
    assert second.price_usd == 30.0  # three reviews less the audit: 50 and 40 had one, 30 is the first without
    without_audit = after(
        after(ShadowPrice(), first[1:], "2026-01-01", policy), [(plain[0], 1.0)], "2026-01-02", policy
    )
    assert without_audit.price_usd == 20.0


def test_the_price_moves_three_tenths_of_the_way_to_what_was_right_the_day_before() -> None:
    policy = Policy(expert_reviews_per_day=1, audit_share=0.0)
    state = after(ShadowPrice(), [("a", 50.0), ("b", 10.0)], "2026-01-01", policy)
    state = after(state, [("c", 90.0), ("d", 60.0)], "2026-01-02", policy)
    assert state.price_usd == 10.0
    state = after(state, [("e", 0.0)], "2026-01-03", policy)
    assert state.price_usd == pytest.approx(0.7 * 10.0 + 0.3 * 60.0)
    assert state.usual_claims == pytest.approx(0.7 * 2 + 0.3 * 2)


@pytest.mark.slow
def test_reviews_are_kept_for_the_audits_that_a_day_usually_has() -> None:
    policy = Policy(expert_reviews_per_day=10, audit_share=0.25)
    plain, audits = names(False, 20, policy), names(True, 10, policy)
    state, referred = ShadowPrice("2026-01-01", 0.0, usual_claims=20.0), []
    for name in plain:
        verdict, state = state.decide(name, "2026-01-01", 100.0, policy)
        referred.append(verdict.referred)
    assert sum(referred) == 2  # of 10, half as many again as the 5 audits of 20 claims are kept, rounded up
    for place, name in enumerate(audits):
        verdict, state = state.decide(name, "2026-01-01", 0.0, policy)
        assert (verdict.audited, verdict.referred) == (place < 8, place < 8)


def test_a_claim_whose_review_saves_no_more_than_the_price_gets_none() -> None:
    state = ShadowPrice("2026-01-01", 30.0, usual_claims=1.0)
    policy = Policy(expert_reviews_per_day=10, audit_share=0.0)
    assert [state.decide("c", "2026-01-01", saving, policy)[0].referred for saving in (30.0, 30.01)] == [False, True]


def test_a_review_of_an_unscored_claim_leaves_one_less() -> None:
    policy = Policy(expert_reviews_per_day=2, audit_share=0.0)
    state = ShadowPrice().taken("2026-01-01", policy).taken("2026-01-01", policy)
    assert (state.reviews, state.claims) == (2, 2)
    assert not state.decide("c", "2026-01-01", 500.0, policy)[0].referred


@settings(max_examples=examples(30))
@given(batches())
def test_a_batch_is_allocated_as_one_would_by_hand(batch: tuple) -> None:
    options, ids, days, policy = batch
    draws = audit_draws(ids, policy.audit_seed)
    shared = allocate_reviews(options, ids, days, policy)
    for day in set(days):
        rows = [row for row in range(len(ids)) if days[row] == day]
        most = len(rows) if policy.expert_reviews_per_day is None else policy.expert_reviews_per_day
        drawn = sorted((row for row in rows if draws[row] < policy.audit_share), key=lambda row: draws[row])
        audits = set(drawn[:most])
        asked = [row for row in rows if row not in audits and options["disposition"][row] == REFER]
        asked.sort(key=lambda row: (-options["expert_saving_usd"][row], draws[row]))
        left = len(asked) if policy.expert_reviews_per_day is None else most - len(audits)
        for row in rows:
            own = options["otherwise"][row] if row in asked[left:] else options["disposition"][row]
            assert shared["disposition"][row] == (REFER if row in audits else own)
            assert shared["audited"][row] == (row in audits)


@pytest.mark.parametrize(("audits", "referred"), [(0, False), (1, True)])
def test_an_audit_made_today_is_not_kept_free_for_once_more(audits: int, referred: bool) -> None:
    policy = Policy(
        expert_reviews_per_day=3, audit_share=0.01
    )  # 1.5 times one audit of 100 claims: two reviews are kept
    state = ShadowPrice("2026-03-02", reviews=1, audits=audits, claims=1, usual_claims=100.0)
    unaudited = next(
        name for name in map(str, range(99)) if audit_draws([name], policy.audit_seed)[0] >= policy.audit_share
    )
    assert state.decide(unaudited, "2026-03-02", 50.0, policy)[0].referred == referred
