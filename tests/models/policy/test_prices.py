"""Every price of the policy, and its fence, is the oracle's, which is written from docs/policy.md and shares no code with it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.models.policy.alternatives import settled
from claimvet.models.policy.policy import DISPOSITIONS, Policy
from tests.models.policy.price_oracle import prices

NAN = math.nan
LIMITS = (250.0, 1000.0)
FIGURES = st.floats(0.0, 500.0)
SHARES = st.floats(0.0, 1.0)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Every price and share of its own, so that none can stand in for another."""
    names = [name for name, value in vars(Policy()).items() if isinstance(value, float) and name.endswith("_usd")]
    shares = [name for name in vars(Policy()) if name.endswith("_share") and name != "finding_error_share"]
    values = {name: draw(FIGURES) for name in names} | {name: draw(SHARES) for name in shares}
    values |= {"concession_limit_usd": draw(st.sampled_from(LIMITS)), "insured_from_usd": 10_000.0}
    values |= {"unstated_amount_usd": draw(st.sampled_from([249.99, 250.0, 500.0, 1000.0]))}
    return Policy(
        **values,
        abuse_repeat_multiple=draw(st.floats(0.0, 2.0)),
        wrong_denial_multiple=draw(st.floats(0.0, 2.0)),
        deny_threshold=draw(st.sampled_from([None, 0.0, 0.2, 0.3, 1.0])),
        deny_personal_injury=draw(st.booleans()),
    )


@st.composite
def claims(draw: st.DrawFn) -> dict[str, float | str | bool]:
    """Facts on and beside every limit; shares in tenths, so that labels tie and the bound is met."""
    valid = draw(st.integers(0, 10))
    abusive = draw(st.integers(0, 10 - valid))
    return {
        "valid": valid / 10,
        "frivolous": (10 - valid - abusive) / 10,
        "abusive": abusive / 10,
        "kind": draw(st.sampled_from(["property_damage", "personal_injury", "something new"])),
        "amount": draw(st.sampled_from([NAN, 0.0, 249.99, 250.0, 999.99, 1000.0, 4321.0])),
        "evidence": draw(st.sampled_from([NAN, 0.0, 1.0])),
        "policies": draw(st.sampled_from([NAN, 0.0, 1.0])),
        "orders": draw(st.sampled_from([NAN, 49.0, 50.0])),
        "month": draw(st.sampled_from([NAN, 9_999.99, 10_000.0])),
        "year": draw(st.sampled_from([NAN, 129_999.0, 130_000.0])),
        "cluster": draw(st.booleans()),
    }


COLUMNS = {
    "claim_type": "kind",
    "amount_claimed": "amount",
    "evidence_count": "evidence",
    "seller_policies_count": "policies",
    "seller_orders_count": "orders",
    "seller_sales_30d": "month",
    "seller_sales_365d": "year",
}


def frames(drawn: list[dict[str, float | str | bool]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The claims as the policy takes them; a cluster is thirty customers where a tenth of one was to be expected."""
    table = pd.DataFrame(drawn)
    shares = table[["valid", "frivolous", "abusive"]].set_axis(["p_valid", "p_frivolous", "p_abusive"], axis=1)
    facts = pd.DataFrame({name: table[fact] for name, fact in COLUMNS.items()})
    return shares, facts.assign(cluster_customers=np.where(table["cluster"], 30.0, 1.0), cluster_expected=0.1)


@pytest.mark.slow
@given(policies(), st.lists(claims(), min_size=1, max_size=8))
def test_every_price_is_the_one_that_is_written_down(
    policy: Policy, drawn: list[dict[str, float | str | bool]]
) -> None:
    costs = policy.costs(*frames(drawn))
    for row, claim in enumerate(drawn):
        expected = prices(claim, policy)
        assert list(expected) == list(DISPOSITIONS)
        np.testing.assert_allclose(costs.iloc[row], list(expected.values()), rtol=1e-9, atol=1e-9)


@pytest.mark.slow
@given(policies(), st.lists(claims(), min_size=1, max_size=8))
def test_what_happens_is_the_first_of_the_cheapest_and_a_review_saves_what_is_left(
    policy: Policy, drawn: list[dict[str, float | str | bool]]
) -> None:
    options = policy.options(*frames(drawn))
    for row, claim in enumerate(drawn):
        table = prices(claim, policy)
        cheapest = min(table.values())
        chosen = str(options["disposition"].iloc[row])
        assert table[chosen] == pytest.approx(cheapest, abs=1e-6)
        if chosen == "refer_to_expert":
            gentle = min(table[name] for name in ("pay_concession", "present_to_seller", "request_evidence"))
            assert options["expert_saving_usd"].iloc[row] == pytest.approx(gentle - cheapest, abs=1e-6)


@given(policies(), st.sampled_from([NAN, 249.99, 250.0, 999.99, 1000.0]))
def test_one_lane_is_everybodys(policy: Policy, amount: float) -> None:
    stands = policy.unstated_amount_usd if math.isnan(amount) else amount
    lane = "concession" if stands < policy.concession_limit_usd else "seller"
    claim = pd.DataFrame({"amount_claimed": [amount], "claim_type": ["property_damage"]})
    assert policy.lanes(claim["amount_claimed"]).tolist() == [lane]
    way = {"concession": "pay_concession", "seller": "present_to_seller"}[lane]
    assert settled(claim, policy).tolist() == [way]
    sure = pd.DataFrame({"p_valid": [1.0], "p_frivolous": [0.0], "p_abusive": [0.0]})
    open_to = policy.allowed(sure, claim)[["pay_concession", "present_to_seller"]].iloc[0]
    assert [name for name, is_open in open_to.items() if is_open] == ([] if math.isnan(amount) else [way])


def test_a_price_in_full_by_hand() -> None:
    """P(valid) 0.5, P(abusive) 0.2, $400 of property damage without evidence, by an unknown seller, at the default costs."""
    shares = pd.DataFrame({"p_valid": [0.5], "p_frivolous": [0.3], "p_abusive": [0.2]})
    claim = pd.DataFrame({"claim_type": ["property_damage"], "amount_claimed": [400.0], "evidence_count": [0.0]})
    costs = replace(Policy(), deny_threshold=0.6).costs(shares, claim).iloc[0]
    assert costs["pay_concession"] == pytest.approx(5 + (0.5 + 0.2 * 0.5) * 400)  # 245
    # 15 to ask, half of 12 goodwill, 2 % of half of 520 given up, then 5 or 8 dollars, and half of not knowing (240)
    assert costs["request_evidence"] == pytest.approx(15 + 6 + 0.02 * 260 + 2.5 + 4 + 0.5 * 240)  # 152.70
    assert costs["refer_to_expert"] == pytest.approx(80 + 2.5 + 4 + 0.05 * 240)  # 98.50
