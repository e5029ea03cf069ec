"""Every way of deciding is held against the same yardstick, and none has more experts than there are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from claimvet.data.contract.tables import LABELS
from claimvet.models.assessment.plots import money_plots
from claimvet.models.policy.alternatives import (
    CAPACITIES,
    COST_RATIOS,
    costs_of,
    money_table,
    settled,
    ways,
    with_cost_ratio,
)
from claimvet.models.policy.policy import DISPOSITIONS, Policy

POLICY = Policy(deny_threshold=0.05, audit_share=0.01)
REFER = "refer_to_expert"


def evaluated(count: int = 1500, seed: int = 5) -> pd.DataFrame:
    """Claims whose labels are drawn from the very probabilities: a calibrated model."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet((0.5, 0.3, 0.3), count)
    labels = [LABELS[rng.choice(3, p=row)] for row in p]
    frame = pd.DataFrame(p, columns=["p_valid", "p_frivolous", "p_abusive"], index=[f"c{n}" for n in range(count)])
    amounts = np.where(rng.random(count) < 0.05, np.nan, rng.lognormal(5.5, 1.4, count).round(2))
    return frame.assign(
        label=labels,
        claim_type=rng.choice(["property_damage", "personal_injury"], count, p=[0.8, 0.2]),
        amount_claimed=amounts,
        evidence_count=rng.poisson(1.0, count).astype(float),
        customer_claims_count_365d=rng.poisson(p[:, 2] * 4).astype(float),
    )


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return money_table(evaluated(), POLICY, seed=1)


def test_no_way_has_more_reviews_than_there_are(table: pd.DataFrame) -> None:
    frame = evaluated()
    for way, chosen in ways(frame, POLICY, 40).items():
        assert (chosen == REFER).sum() <= 40, way
        assert set(chosen) <= set(DISPOSITIONS)


def test_the_policy_beats_every_way_that_does_not_know_the_truth(table: pd.DataFrame) -> None:
    for _, part in table.groupby(["cost_ratio", "capacity"]):
        costs = part.set_index("way")["usd_per_1000"]
        assert costs["oracle"] <= costs.min()
        assert costs["policy"] < costs[["present everything", "rules", "random referral"]].min() * 1.0001
        assert costs["policy"] < costs["best single threshold"] * 1.03  # which was chosen with hindsight
        assert (part["low"] <= part["usd_per_1000"]).all()
        assert (part["usd_per_1000"] <= part["high"]).all()


def test_more_experts_never_cost_more(table: pd.DataFrame) -> None:
    by_capacity = table[(table["cost_ratio"] == 1.0) & (table["way"] == "policy")].sort_values("capacity")
    assert by_capacity["capacity"].tolist() == list(CAPACITIES)
    assert (by_capacity["usd_per_1000"].diff().dropna() < 0.02 * by_capacity["usd_per_1000"].iloc[0]).all()


def test_costs_are_those_of_what_was_chosen() -> None:
    frame = evaluated(50)
    realised = POLICY.realised_costs(frame[["p_valid", "p_frivolous", "p_abusive"]], frame, frame["label"])
    chosen = pd.Series("deny", index=frame.index)
    assert costs_of(frame, POLICY, chosen).tolist() == realised["deny"].tolist()


def test_a_cost_ratio_moves_the_harm_of_a_wrong_denial_alone() -> None:
    doubled = with_cost_ratio(POLICY, 2.0)
    assert doubled.wrong_denial_usd == 2 * POLICY.wrong_denial_usd
    assert doubled.wrong_denial_multiple == 2 * POLICY.wrong_denial_multiple
    assert doubled.expert_usd == POLICY.expert_usd
    assert sorted(COST_RATIOS)[0] < 1.0 < sorted(COST_RATIOS)[-1]


def test_money_is_drawn_by_capacity_and_by_harm_and_not_without_claims(table: pd.DataFrame) -> None:
    assert set(money_plots(table)) == {"money_by_capacity", "money_by_harm"}
    assert money_plots(money_table(evaluated(3).head(0), POLICY, seed=1)) == {}


def test_settling_pays_under_the_limit_and_presents_from_it_on() -> None:
    claims = pd.DataFrame({"amount_claimed": [999.99, 1000.0, None]})  # 500 dollars stand in for the last
    assert settled(claims, POLICY).tolist() == ["pay_concession", "present_to_seller", "pay_concession"]
