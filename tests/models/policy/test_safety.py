"""Independent claims on one product raise an alarm and protect each other; a ring does neither."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from claimvet.data.contract.dataset import DataSet
from claimvet.data.marketplace import generate
from claimvet.features.batch.build import build_features
from claimvet.features.catalogue.features import BY_NAME
from claimvet.models.policy.claim_facts import policy_facts
from claimvet.models.policy.policy import Policy
from claimvet.models.policy.safety import CLUSTER_FEATURES, LINK_FEATURES, cluster_facts, cluster_p_values, is_cluster
from claimvet.pipeline.stages.review_allocation import ALERT_COLUMNS, safety_alerts

POLICY = Policy(deny_threshold=0.2)


def claims(customers: list[float], **columns: object) -> pd.DataFrame:
    """Features of claims on products with 300 orders, in a category with 100 claims on 50,000; `customers` claimed before."""
    count = len(customers)
    table = pd.DataFrame(
        {
            "claim_id": [f"c{place}" for place in range(count)],
            "claim_type": "property_damage",
            "claim_amount": 80.0,
            "claim_evidence_count": 1.0,
            "product_claims_customers_distinct_90d": customers,
            "product_claims_count_90d": customers,
            "product_claims_count_365d": customers,
            "product_orders_count_365d": 300.0,
            "category_claims_count_30d": 8.0,
            "category_claims_count_365d": 100.0,
            "category_orders_count_365d": 50_000.0,
            "customer_claims_count_90d": 0.0,
            "identity_ring_customers_count": 0.0,
            "identity_shared_customers_count": 0.0,
            "evidence_hash_other_customers_count": 0.0,
        }
    )
    return table.assign(**columns)


def in_cluster(features: pd.DataFrame) -> list[bool]:
    return is_cluster(policy_facts(features), POLICY.cluster_customers, POLICY.cluster_p_value).tolist()


def test_expected_customers_by_hand() -> None:
    facts = cluster_facts(claims([3.0]))
    lately = max(100 * 90 / 365, 8 * 3)
    expected = 301 * (lately + 1) / 50_200
    earlier = 301 * (100 * 275 / 365 + 1) / 50_200
    assert facts["cluster_customers"].tolist() == [4.0]
    assert facts["cluster_expected"].tolist() == pytest.approx([expected * 2 / (earlier + 2)])


def test_who_claims_again_makes_no_second_customer() -> None:
    again = claims([3.0, 3.0, 3.0], customer_claims_count_90d=[0.0, 1.0, np.nan])
    assert cluster_facts(again)["cluster_customers"].tolist() == [4.0, 3.0, 4.0]


def test_the_p_value_is_that_of_so_many_customers_or_more_as_scipy_says() -> None:
    facts = {"cluster_customers": np.array([1.0, 4.0, 7.0]), "cluster_expected": np.array([0.2, 0.2, 3.5])}
    expected = poisson.sf(facts["cluster_customers"] - 1.0, facts["cluster_expected"])
    np.testing.assert_allclose(cluster_p_values(facts), expected, rtol=1e-9)


def test_many_customers_on_one_product_are_a_cluster_and_few_are_not() -> None:
    assert in_cluster(claims([0.0, 2.0, 5.0, 12.0])) == [False, False, True, True]


@pytest.mark.parametrize(
    "link", ["identity_ring_customers_count", "identity_shared_customers_count", "evidence_hash_other_customers_count"]
)
def test_a_ring_is_no_cluster_however_many_it_is(link: str) -> None:
    assert in_cluster(claims([12.0], **{link: 1.0})) == [False]


def test_a_product_that_always_was_risky_does_not_alarm_until_it_gets_worse() -> None:
    assert in_cluster(claims([8.0], product_claims_count_365d=50.0)) == [False]
    assert in_cluster(claims([40.0], product_claims_count_365d=90.0)) == [True]


def test_what_is_not_known_is_no_cluster() -> None:
    assert in_cluster(claims([12.0], product_orders_count_365d=np.nan)) == [False]
    assert cluster_facts(claims([12.0]).drop(columns="product_orders_count_365d")) == {}
    assert cluster_p_values(pd.DataFrame(index=range(2))).tolist() == [1.0, 1.0]


@given(st.integers(0, 60), st.integers(0, 60))
def test_more_independent_customers_never_look_more_likely(few: int, more: int) -> None:
    p_values = cluster_p_values(policy_facts(claims([float(min(few, more)), float(max(few, more))])))
    assert p_values[0] >= p_values[1]


def test_a_claim_in_a_cluster_is_never_denied_by_machine() -> None:
    features = claims([0.0, 12.0])
    doubtful = pd.DataFrame([[0.01, 0.49, 0.5]] * 2, columns=["p_valid", "p_frivolous", "p_abusive"])
    assert POLICY.dispositions(doubtful, policy_facts(features)).tolist() == ["deny", "request_evidence"]


def test_alerts_name_the_product_its_claims_and_since_when() -> None:
    features = claims([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    features.loc[2, "identity_ring_customers_count"] = 3.0
    facts = features[["claim_id"]].assign(**cluster_facts(features))
    days = pd.date_range("2026-03-01", periods=7, freq="5D", tz="UTC")
    filed = pd.DataFrame(
        {"filed_at": days, "customer_id": [f"u{place}" for place in range(7)], "product_id": "kettle"},
        index=features["claim_id"],
    )
    (alert,) = safety_alerts(facts, filed, POLICY).to_dict("records")
    assert list(alert) == list(ALERT_COLUMNS)
    assert (alert["product_id"], alert["claims"], alert["customers"]) == ("kettle", 6, 7)
    assert alert["since"] == days[0]
    assert alert["first_alarm_at"] == days[3]
    assert safety_alerts(facts.head(2), filed, POLICY).empty
    assert safety_alerts(features[["claim_id"]], filed, POLICY).empty


@pytest.mark.slow
def test_customers_of_a_cluster_are_never_more_than_there_are(tmp_path: Path) -> None:
    """Counted again from the claims themselves, claim by claim."""
    generate(tmp_path / "market", 300, 9)
    table = pd.read_parquet(tmp_path / "market" / "claims.parquet")
    table["product_id"] = "p" + (table.index % 20).astype("str")  # few products, so that their claims meet
    table["customer_id"] = "u" + (table.index % 90).astype("str")
    (tmp_path / "few").mkdir()
    table.assign(order_id=None).to_parquet(tmp_path / "few" / "claims.parquet")
    asked = [BY_NAME[name] for name in (*CLUSTER_FEATURES, *LINK_FEATURES)]
    build_features(DataSet.open(tmp_path / "few"), tmp_path / "features.parquet", features=asked)
    features = pd.read_parquet(tmp_path / "features.parquet").set_index("claim_id")
    counted = pd.Series(cluster_facts(features)["cluster_customers"], index=features.index)
    exact = 0
    for claim in table.itertuples():
        window = table[
            (table["filed_at"] < claim.filed_at) & (table["filed_at"] >= claim.filed_at - pd.Timedelta(days=90))
        ]
        truly = set(window.loc[window["product_id"] == claim.product_id, "customer_id"]) | {claim.customer_id}
        assert counted[claim.claim_id] <= len(truly)
        if claim.customer_id not in set(window["customer_id"]):
            assert counted[claim.claim_id] == len(truly)
            exact += 1
    assert exact > 50
    assert counted.max() >= 5
