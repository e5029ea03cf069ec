"""Dispositions are the cheapest allowed, and no price opens the fence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.data.contract.errors import InvalidDataError, ModelError, UsageError
from claimvet.data.contract.tables import CLAIM_TYPES, LABELS
from claimvet.models.policy.policy import DISPOSITIONS, Policy, most_likely
from tests.examples import examples

POLICY = Policy().with_deny_threshold(0.12)
ROWS = 40


def claim(
    p_valid: float,
    amount: float | None,
    kind: str = "property_damage",
    evidence: float | None = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    p = {"p_valid": p_valid, "p_frivolous": (1 - p_valid) / 2, "p_abusive": (1 - p_valid) / 2}
    facts = {"claim_type": kind, "amount_claimed": amount, "evidence_count": evidence}
    return pd.DataFrame([p]), pd.DataFrame([facts]).astype({"amount_claimed": "float64"})


def disposition(*args: object, policy: Policy = POLICY) -> str:
    return str(policy.dispositions(*claim(*args)).iloc[0])  # type: ignore[arg-type]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any costs at all: the invariants must not hang on the default prices."""
    price = st.floats(0, 1e6)
    return Policy(
        concession_limit_usd=draw(st.sampled_from([1000.0, 250.0])),
        payment_usd=draw(price),
        expert_usd=draw(price),
        evidence_usd=draw(price),
        denial_usd=draw(price),
        wrong_denial_usd=draw(price),
        wrong_denial_multiple=draw(st.floats(0, 10)),
        deny_threshold=draw(st.one_of(st.none(), st.floats(0, 1))),
    )


@st.composite
def batches(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Claims with any probabilities, amounts around the limits, any type, evidence known or not."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shares = rng.dirichlet(draw(st.sampled_from([(1, 1, 1), (0.05, 0.05, 0.05), (0.1, 5, 5)])), ROWS)
    amounts = [np.nan, 0.0, 249.99, 250.0, 999.99, 1000.0, 1e7, *rng.lognormal(5, 2, 5)]
    claims = pd.DataFrame(
        {
            "claim_type": rng.choice([*CLAIM_TYPES, "something new"], ROWS),
            "amount_claimed": rng.choice(amounts, ROWS),
            "evidence_count": rng.choice([np.nan, 0.0, 3.0], ROWS),
            "seller_policies_count": rng.choice([np.nan, 0.0, 2.0], ROWS),
            "seller_orders_count": rng.choice([np.nan, 3.0, 900.0], ROWS),
            "seller_sales_30d": rng.choice([np.nan, 0.0, 9_999.99, 10_000.0], ROWS),
            "seller_sales_365d": rng.choice([np.nan, 0.0, 129_999.0, 130_000.0], ROWS),
            "cluster_customers": rng.choice([np.nan, 0.0, 1.0, 30.0], ROWS),
            "cluster_expected": rng.choice([np.nan, 0.1, 40.0], ROWS),
        }
    )
    return pd.DataFrame(shares, columns=["p_valid", "p_frivolous", "p_abusive"]), claims


def decided(policy: Policy, batch: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    probabilities, claims = batch
    labels = most_likely(probabilities)
    return pd.concat([probabilities, claims, labels, policy.dispositions(probabilities, claims)], axis=1)


@given(policies(), batches())
def test_a_personal_injury_is_never_denied_whatever_it_costs(
    policy: Policy, batch: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    table = decided(policy, batch)
    assert "deny" not in set(table.loc[table["claim_type"] == "personal_injury", "disposition"])


@given(policies(), batches())
def test_deny_needs_p_valid_at_or_below_the_threshold(policy: Policy, batch: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    denied = decided(policy, batch).query("disposition == 'deny'")
    assert denied.empty or policy.deny_threshold is not None
    assert (denied["p_valid"] <= (policy.deny_threshold or 0.0)).all()
    assert (denied["claim_type"] == "property_damage").all()


@given(policies(), batches())
def test_a_claim_in_a_cluster_of_independent_ones_is_never_denied(
    policy: Policy, batch: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    table = decided(policy, batch)
    denied = table[table["disposition"] == "deny"]
    assert not ((denied["cluster_customers"] == 30.0) & (denied["cluster_expected"] == 0.1)).any()


@pytest.mark.slow
@given(policies(), batches())
def test_without_a_free_expert_a_claim_is_never_denied_instead_and_a_review_saves_what_it_says(
    policy: Policy, batch: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    options, costs = policy.options(*batch), policy.costs(*batch)
    wanted = options["disposition"] == "refer_to_expert"
    assert options["disposition"].tolist() == policy.dispositions(*batch).tolist()
    assert not set(options.loc[wanted, "otherwise"]) & {"deny", "refer_to_expert"}
    assert (options.loc[~wanted, "otherwise"] == options.loc[~wanted, "disposition"]).all()
    assert (options.loc[~wanted, "expert_saving_usd"] == 0.0).all()
    instead = [costs.loc[row, name] for row, name in options.loc[wanted, "otherwise"].items()]
    saved = np.array(instead) - costs.loc[wanted, "refer_to_expert"].to_numpy()
    np.testing.assert_allclose(options.loc[wanted, "expert_saving_usd"], saved)


@given(policies(), batches())
def test_paying_needs_the_label_valid_and_a_stated_amount_on_its_side_of_the_limit(
    policy: Policy, batch: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    table = decided(policy, batch)
    conceded, presented = (table[table["disposition"] == d] for d in ("pay_concession", "present_to_seller"))
    assert (conceded["amount_claimed"] < policy.concession_limit_usd).all()
    assert (presented["amount_claimed"] >= policy.concession_limit_usd).all()
    assert set(conceded["label"]) | set(presented["label"]) <= {"valid"}


@given(policies(), batches())
def test_an_unstated_amount_is_asked_for_or_the_claim_denied(
    policy: Policy, batch: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    table = decided(policy, batch)
    assert set(table.loc[table["amount_claimed"].isna(), "disposition"]) <= {"request_evidence", "deny"}


@pytest.mark.slow
@given(policies(), batches())
def test_each_disposition_is_the_cheapest_that_is_allowed(
    policy: Policy, batch: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    costs = policy.costs(*batch)
    assert (np.isfinite(costs) == policy.allowed(*batch)).all(axis=None)
    paid = [costs.loc[row, name] for row, name in policy.dispositions(*batch).items()]
    np.testing.assert_array_equal(paid, costs.min(axis=1))


@settings(max_examples=examples(10), deadline=None)
@given(policies(), batches())
def test_a_claim_is_decided_alone_as_in_a_batch(policy: Policy, batch: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    probabilities, claims = batch
    alone = [policy.dispositions(probabilities.iloc[[i]], claims.iloc[[i]]).iloc[0] for i in range(ROWS)]
    assert policy.dispositions(probabilities, claims).tolist() == alone


@pytest.mark.slow
@given(policies(), batches())
def test_expected_costs_are_realised_costs_weighted_by_the_labels(
    policy: Policy, batch: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    probabilities, _ = batch
    turned_out = {label: pd.Series([label] * ROWS) for label in LABELS}
    parts = [
        policy.realised_costs(*batch, labels).mul(probabilities[f"p_{label}"], axis=0)
        for label, labels in turned_out.items()
    ]
    allowed = policy.allowed(*batch).to_numpy()
    np.testing.assert_allclose(sum(parts).to_numpy()[allowed], policy.costs(*batch).to_numpy()[allowed], rtol=1e-9)


@pytest.mark.parametrize(
    ("p_valid", "amount", "evidence", "expected"),
    [
        (0.97, 80.0, 1, "pay_concession"),
        (0.97, 999.99, 1, "pay_concession"),
        (0.97, 1000.0, 1, "present_to_seller"),
        (0.99, 5000.0, 1, "present_to_seller"),
        (0.97, None, 0, "request_evidence"),
        (0.65, 200.0, 0, "request_evidence"),
        (0.30, 60.0, 2, "request_evidence"),
        (0.60, 900.0, 2, "refer_to_expert"),
        (0.60, 20000.0, 0, "refer_to_expert"),
        (0.03, 200.0, 2, "deny"),
        (0.001, 3000.0, 0, "deny"),
    ],
)
def test_the_default_costs_decide_as_a_claims_manager_would(
    p_valid: float, amount: float | None, evidence: int, expected: str
) -> None:
    assert disposition(p_valid, amount, "property_damage", evidence) == expected


def test_who_pays_decides_what_a_wrong_payment_costs() -> None:
    probabilities, facts = claim(0.6, 4000.0, evidence=1)
    costs = {
        name: POLICY.costs(probabilities, facts.assign(**columns))["present_to_seller"].iloc[0]
        for name, columns in {
            "unknown": {},
            "insured": {"seller_policies_count": 1.0, "seller_orders_count": 3.0},
            "small": {"seller_policies_count": 0.0, "seller_orders_count": 3.0},
            "large": {"seller_policies_count": 0.0, "seller_orders_count": 900.0},
        }.items()
    }
    wrong = (0.4 + 0.2 * POLICY.abuse_repeat_multiple) * 4000.0
    assert costs["unknown"] == costs["large"] == POLICY.seller_handling_usd + 0.3 * wrong
    assert costs["insured"] == POLICY.insurer_handling_usd + 0.2 * wrong
    assert costs["small"] == POLICY.seller_handling_usd + 0.5 * wrong


def test_asking_somebody_who_is_hurt_costs_more_goodwill() -> None:
    asked = [POLICY.costs(*claim(0.9, 100.0, kind))["request_evidence"].iloc[0] for kind in CLAIM_TYPES]
    hurt, damaged = asked[CLAIM_TYPES.index("personal_injury")], asked[CLAIM_TYPES.index("property_damage")]
    assert hurt - damaged == pytest.approx(0.9 * (POLICY.evidence_injured_usd - POLICY.evidence_honest_usd))


def test_without_a_threshold_nothing_is_denied() -> None:
    assert disposition(0.0, 100.0, policy=Policy()) == "request_evidence"


def test_a_personal_injury_may_be_denied_where_the_policy_says_so() -> None:
    assert (
        disposition(0.0, 100.0, "personal_injury", policy=Policy(deny_personal_injury=True, deny_threshold=0.1))
        == "deny"
    )


def test_a_null_claim_type_is_never_denied() -> None:
    probabilities, claims = claim(0.0, 100.0)
    claims["claim_type"] = pd.Series([None], dtype="str")
    assert POLICY.dispositions(probabilities, claims).iloc[0] == "request_evidence"


def test_evidence_that_is_unknown_counts_as_none() -> None:
    probabilities, claims = claim(0.65, 200.0, evidence=None)
    without = POLICY.costs(probabilities, claims.drop(columns="evidence_count"))
    pd.testing.assert_frame_equal(POLICY.costs(probabilities, claims), without)


def test_dispositions_keep_the_index_of_the_probabilities() -> None:
    probabilities, claims = claim(0.9, 10.0)
    assert POLICY.dispositions(probabilities.set_index(pd.Index(["c7"])), claims).index.tolist() == ["c7"]


def test_costs_of_a_certain_claim_are_the_handling_alone() -> None:
    costs = POLICY.costs(*claim(1.0, 100.0)).iloc[0]
    assert costs["pay_concession"] == POLICY.payment_usd
    assert costs["refer_to_expert"] == POLICY.expert_usd + POLICY.payment_usd
    assert costs.drop(["pay_concession", "request_evidence", "refer_to_expert"]).tolist() == [np.inf, np.inf]


def test_a_policy_survives_its_own_dict() -> None:
    assert Policy.from_dict(POLICY.to_dict()) == POLICY
    assert list(POLICY.costs(*claim(0.5, 1.0)).columns) == list(DISPOSITIONS)


def test_the_label_is_the_most_likely_and_ties_go_to_the_claimant() -> None:
    rows = pd.DataFrame({"p_valid": [0.4, 0.2, 0.1], "p_frivolous": [0.4, 0.4, 0.2], "p_abusive": [0.2, 0.4, 0.7]})
    assert most_likely(rows).tolist() == ["valid", "frivolous", "abusive"]


def test_a_setting_that_no_policy_has_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="the policy has no setting expert_eur"):
        Policy.from_dict({"expert_eur": 3})


@pytest.mark.parametrize(
    ("name", "value"), [("expert_usd", -1.0), ("expert_usd", np.inf), ("deny_alpha", 1.5), ("deny_threshold", np.nan)]
)
def test_a_figure_out_of_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"policy.{name} is {value}; expected"):
        Policy.from_dict({name: value})


@pytest.mark.parametrize("amount", [-1.0, np.inf])
def test_money_that_is_none_is_refused(amount: float) -> None:
    with pytest.raises(InvalidDataError, match="amount_claimed of row 0 is"):
        disposition(0.5, amount)


def test_probabilities_that_are_none_are_refused() -> None:
    probabilities, claims = claim(0.5, 1.0)
    with pytest.raises(ModelError, match="expected shares of sum 1"):
        POLICY.dispositions(probabilities * 2, claims)
    with pytest.raises(ModelError, match="1 rows of probabilities for 0 claims"):
        POLICY.dispositions(probabilities, claims.head(0))
