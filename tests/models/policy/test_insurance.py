"""From tables to prices: whose insurance counts when a claim is filed, and whom the marketplace asks for money back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from claimvet.data.contract.dataset import DataSet
from claimvet.data.marketplace import generate
from claimvet.features.batch.build import build_features
from claimvet.features.catalogue.declaration import Feature
from claimvet.features.catalogue.features import BY_NAME
from claimvet.models.policy.claim_facts import NUMBERS, policy_facts
from claimvet.models.policy.policy import Policy
from tests.features.test_contract_features import FILED, ago, claim
from tests.features.worlds import Row, World, build

POLICY = Policy()
SELLERS: dict[str, list[tuple[float, float | None]]] = {
    "in force": [(400, 35), (35, -10)],
    "ends at filing": [(300, 0)],
    "lapsed a moment before": [(300, None)],
    "lapsed between incident and filing": [(300, 1)],
    "begins later": [(-1, -300)],
    "never": [],
}
"""By seller: days before filing at which each of its policies began and ended; None: a microsecond before filing."""
COUNTS = {"in force": 1, "ends at filing": 1}
NAMES = ["claim_amount", "claim_type", "claim_evidence_count", "seller_policies_count"]
SALES = ["seller_orders_count_365d", "seller_orders_amount_sum_30d", "seller_orders_amount_sum_365d"]


def policies() -> list[Row]:
    return [
        {
            "policy_id": f"{seller} {begins}",
            "seller_id": seller,
            "valid_from": ago(begins),
            "valid_to": FILED - 1 if ends is None else ago(ends),
            "coverage_amount": 1e6,
        }
        for seller, terms in SELLERS.items()
        for begins, ends in terms
    ]


def sales(seller: str, amount: float, days: float) -> Row:
    ids = {"order_id": f"{seller} {days}", "customer_id": "ann", "seller_id": seller, "product_id": "lamp"}
    return {**ids, "amount": amount, "ordered_at": ago(days)}


WORLD: World = {
    "products": [
        {"product_id": "lamp", "seller_id": "never", "category_id": "lighting", "price": 50.0, "listed_at": ago(900)}
    ],
    "claims": [{**claim(seller, 0, 400.0), "seller_id": seller} for seller in SELLERS],
    "orders": [sales(seller, 10_000.0, 29) for seller in SELLERS],
    "evidence": [],
    "insurance_policies": policies(),
}


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    asked: list[Feature] = [BY_NAME[name] for name in [*NAMES, *SALES]]
    return build(WORLD, tmp_path_factory.mktemp("insured"), features=asked)


def prices(features: pd.DataFrame) -> pd.Series:
    probabilities = pd.DataFrame({"p_valid": 0.6, "p_frivolous": 0.3, "p_abusive": 0.1}, index=features.index)
    return POLICY.costs(probabilities, policy_facts(features))["pay_concession"]


def test_a_policy_counts_from_after_it_began_until_it_ends_and_no_longer(features: pd.DataFrame) -> None:
    assert features["seller_policies_count"].to_dict() == {seller: COUNTS.get(seller, 0) for seller in SELLERS}


def test_only_sellers_without_a_policy_in_force_are_asked_for_money_back(features: pd.DataFrame) -> None:
    cost = prices(features)
    paid = POLICY.payment_usd + 0.45 * 400.0
    asked = POLICY.payment_usd + POLICY.recovery_usd + (1.0 - POLICY.recovered_share) * 0.45 * 400.0
    for seller in SELLERS:
        assert cost[seller] == pytest.approx(paid if seller in COUNTS else asked), seller


def test_what_a_seller_sells_or_insures_later_changes_no_price(features: pd.DataFrame, tmp_path: Path) -> None:
    later = [sales(seller, 50_000.0, -1) for seller in SELLERS]
    cover = [{**row, "policy_id": f"later {row['policy_id']}", "valid_from": FILED} for row in policies()]
    cover = [{**row, "valid_to": ago(-400)} for row in cover]
    told = WORLD | {
        "orders": [*WORLD["orders"], *later],
        "insurance_policies": [*WORLD["insurance_policies"], *cover],
    }
    again = build(told, tmp_path, features=[BY_NAME[name] for name in [*NAMES, *SALES]])
    pd.testing.assert_series_equal(prices(again), prices(features))


def test_without_a_table_of_policies_nobody_owes_insurance(tmp_path: Path) -> None:
    silent = {name: rows for name, rows in WORLD.items() if name != "insurance_policies"}
    features = build(silent, tmp_path, features=[BY_NAME[name] for name in [*NAMES, *SALES]])
    assert features["seller_policies_count"].isna().all()
    np.testing.assert_allclose(prices(features).to_numpy(), POLICY.payment_usd + 0.45 * 400.0)


def test_a_made_up_marketplace_has_sellers_in_every_standing(tmp_path: Path) -> None:
    """The policy's facts about insurance, worked out from the tables themselves."""
    generate(tmp_path / "market", 600, 5)
    tables = {
        name: pd.read_parquet(tmp_path / "market" / f"{name}.parquet")
        for name in ("claims", "orders", "insurance_policies")
    }
    asked = [BY_NAME[name] for name in [*NAMES, *SALES]]
    build_features(DataSet.open(tmp_path / "market"), tmp_path / "features.parquet", features=asked)
    facts = policy_facts(pd.read_parquet(tmp_path / "features.parquet").set_index("claim_id"))
    assert set(NUMBERS) <= set(facts)
    claims = tables["claims"].set_index("claim_id")
    joined = claims[["seller_id", "filed_at"]].reset_index()
    cover = joined.merge(tables["insurance_policies"], on="seller_id")
    cover = cover[(cover["valid_from"] < cover["filed_at"]) & (cover["filed_at"] <= cover["valid_to"])]
    in_force = cover.groupby("claim_id").size().reindex(facts.index, fill_value=0)
    assert facts["seller_policies_count"].tolist() == in_force.tolist()
    sold = joined.merge(tables["orders"][["seller_id", "ordered_at", "amount"]], on="seller_id")
    age = sold["filed_at"] - sold["ordered_at"]
    month = sold[(age > pd.Timedelta(0)) & (age <= pd.Timedelta(days=30))].groupby("claim_id")["amount"].sum()
    np.testing.assert_allclose(facts["seller_sales_30d"], month.reindex(facts.index, fill_value=0.0), atol=0.005)
    owes = (facts["seller_policies_count"] == 0) & (facts["seller_sales_30d"] >= POLICY.insured_from_usd)
    assert 0 < owes.mean() < 0.5
    ended = joined.merge(tables["insurance_policies"], on="seller_id")
    lapsed = set(ended.loc[ended["valid_to"] < ended["filed_at"], "claim_id"]) - set(in_force[in_force > 0].index)
    assert lapsed, "no claim meets a seller whose cover has lapsed"
    assert (facts.loc[sorted(lapsed), "seller_policies_count"] == 0).all()
