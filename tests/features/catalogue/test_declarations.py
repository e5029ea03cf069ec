"""What a declaration is made of, that wrong ones are refused, and that one more is one declaration and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from claimvet.data.contract.errors import FeatureError
from claimvet.features.catalogue import events, history_features
from claimvet.features.catalogue.claim_features import AMOUNT
from claimvet.features.catalogue.declaration import (
    Aggregation,
    ClaimFeature,
    Entity,
    Event,
    Feature,
    Filter,
    HistoryFeature,
    RatioFeature,
    Suspicion,
    TrendFeature,
)
from claimvet.features.catalogue.features import BY_NAME, FEATURES, MODEL_FEATURES
from claimvet.features.catalogue.reference_page import EXAMPLE, EXAMPLE_DECLARATION, feature_page, write_page
from claimvet.features.catalogue.selection import with_dependencies
from claimvet.features.catalogue.sources import SOURCES
from tests.features.oracle import Oracle
from tests.features.worlds import build, many_worlds

PAGE = Path(__file__).resolve().parents[3] / "docs" / "features.md"
DTYPES = {"float64", "int64", "string"}
COUNT = HistoryFeature(
    entity=Entity.CUSTOMER, event=events.ORDERS, aggregation=Aggregation.COUNT, window_days=7, family="new"
)
SUM = replace(COUNT, aggregation=Aggregation.SUM, column="amount")


def test_names_are_unique_and_plain() -> None:
    assert len(BY_NAME) == len(FEATURES) >= 70
    assert [name for name in BY_NAME if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", name)] == []


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_feature_tells_all_about_itself(feature: Feature) -> None:
    listing = feature.listing()
    assert listing["name"] == feature.name
    assert listing["dtype"] in DTYPES
    assert feature.description[0].islower()
    assert not feature.description.endswith(".")
    assert feature.family
    assert feature.unit
    if listing["window_days"] is not None:
        assert feature.name.endswith(f"_{listing['window_days']}d")
        assert str(listing["window_days"]) in feature.description


@pytest.mark.parametrize(
    "feature", [f for f in FEATURES if isinstance(f, HistoryFeature)], ids=lambda feature: feature.name
)
def test_a_history_features_name_follows_from_its_declaration(feature: HistoryFeature) -> None:
    column = {None: [], "seller_id": ["sellers"], "customer_id": ["customers"]}.get(feature.column, [feature.column])
    window = [f"{feature.window_days}d"] if feature.window_days else []
    assert feature.name == "_".join([feature.entity, feature.event.name, *column, feature.aggregation, *window])
    assert feature.dtype == ("int64" if feature.aggregation in {Aggregation.COUNT, Aggregation.DISTINCT} else "float64")


def test_wording_is_for_experts_only() -> None:
    assert not [f.name for f in MODEL_FEATURES if f.family == "narrative"]


def test_how_large_a_party_is_and_the_time_of_filing_are_for_experts_only() -> None:
    names = {f.name for f in MODEL_FEATURES}
    assert not names & {
        "seller_orders_count_30d",
        "seller_orders_amount_sum_365d",
        "category_claims_count_365d",
        "claim_hour",
    }
    assert not names & {"product_claims_count_365d", "seller_orders_days_since_first", "product_age_days"}


def test_rates_recent_claims_and_the_customers_own_history_are_inputs() -> None:
    names = {f.name for f in MODEL_FEATURES}
    assert names >= {
        "seller_claim_rate_365d",
        "product_claims_count_30d",
        "seller_policies_count",
        "category_claims_amount_mean_365d",
    }
    assert names >= {
        "customer_claims_count_365d",
        "customer_orders_amount_sum_365d",
        "customer_orders_days_since_first",
    }


def test_bad_conditions_and_shared_evidence_can_only_raise_suspicion() -> None:
    assert BY_NAME["customer_returns_bad_condition_count_365d"].suspicion is Suspicion.RAISES
    assert BY_NAME["evidence_hash_other_customers_count"].suspicion is Suspicion.RAISES
    assert BY_NAME["product_claims_count_365d"].suspicion is Suspicion.UNKNOWN


@pytest.mark.parametrize("aggregation", [Aggregation.SUM, Aggregation.MEAN, Aggregation.STD, Aggregation.DISTINCT])
def test_an_aggregation_of_values_needs_a_column(aggregation: Aggregation) -> None:
    with pytest.raises(FeatureError, match=f"{aggregation} needs a column, got None"):
        replace(COUNT, aggregation=aggregation)


def test_a_share_needs_a_filter() -> None:
    with pytest.raises(FeatureError, match="a share needs events that pass a filter, got all orders"):
        replace(COUNT, aggregation=Aggregation.SHARE)


def test_unit_and_type_follow_from_aggregation_and_column() -> None:
    largest = replace(SUM, aggregation=Aggregation.MAX)
    assert (largest.name, largest.dtype, largest.unit) == ("customer_orders_amount_max_7d", "float64", "USD")
    assert largest.description == "largest amount of the customer's orders in the 7 days before the claim was filed"
    assert (SUM.dtype, SUM.unit, COUNT.dtype, COUNT.unit) == ("float64", "USD", "int64", "1")
    assert replace(SUM, aggregation=Aggregation.DISTINCT).unit == "1"
    assert replace(COUNT, aggregation=Aggregation.DAYS_SINCE_LAST).unit == "days"


def test_a_count_takes_no_column() -> None:
    with pytest.raises(FeatureError, match="count takes no column, got 'amount'"):
        replace(COUNT, column="amount")


@pytest.mark.parametrize("days", [0, -1])
def test_a_window_is_longer_than_nothing(days: int) -> None:
    with pytest.raises(FeatureError, match=f"window_days is {days}, expected more than 0"):
        replace(COUNT, window_days=days)


def test_a_trend_needs_two_windows() -> None:
    endless = TrendFeature(short=COUNT, long=replace(COUNT, window_days=None), family="new")
    with pytest.raises(FeatureError, match="a trend needs two windows"):
        _ = endless.scale


WRONG = {
    "there is no source orbits, expected one of claim_evidence": replace(COUNT, event=Event("x", "orbits", "x")),
    "seller_reports have no category, expected one of customer, seller": replace(
        COUNT, entity=Entity.CATEGORY, event=events.SELLER_REPORTS
    ),
    "orders have no column refund, expected one of amount": replace(SUM, column="refund"),
    "seller_id is no number, expected one of amount": replace(SUM, column="seller_id"),
    "returns have no column colour, expected one of reason": replace(
        COUNT, event=Event("x", "returns", "x", Filter("colour", ("red",)))
    ),
    "reason is never defect, expected one of damaged, defective": replace(
        COUNT, event=Event("x", "returns", "x", Filter("reason", ("damaged", "defect")))
    ),
    "outcomes of a customer can end or appear late, which days_since_last cannot undo, expected one of count": replace(
        COUNT, event=events.OUTCOMES, aggregation=Aggregation.DAYS_SINCE_LAST
    ),
    "orders of a category can end or appear late, which distinct cannot undo, expected one of count": replace(
        COUNT, entity=Entity.CATEGORY, aggregation=Aggregation.DISTINCT, column="customer_id"
    ),
    "a claim knows no moon, expected one of amount": ClaimFeature(
        label="claim_moon", meaning="phase of the moon", source="claims", column="moon", family="new"
    ),
    "claim_amount_to_order_amount is a quotient itself, expected a plain feature": RatioFeature(
        label="claim_ratio",
        meaning="ratio of a ratio",
        numerator=BY_NAME["claim_amount_to_order_amount"],
        denominator=AMOUNT,
        family="new",
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_a_declaration_that_cannot_work_is_refused_by_name(message: str) -> None:
    with pytest.raises(FeatureError, match=f"^feature {WRONG[message].name}: .*{re.escape(message)}"):
        with_dependencies([WRONG[message]])


def test_a_name_is_taken_once() -> None:
    with pytest.raises(
        FeatureError, match="feature customer_orders_count_7d is declared twice, expected each name once"
    ):
        with_dependencies([COUNT, COUNT])
    with pytest.raises(FeatureError, match="customer_orders_count_7d is declared twice and differently"):
        with_dependencies([COUNT, replace(COUNT, family="other")])


def test_the_catalogue_can_be_built() -> None:
    assert with_dependencies(FEATURES) == FEATURES


def test_a_ratio_brings_what_it_is_made_of() -> None:
    rate = BY_NAME["customer_return_rate_365d"]
    assert isinstance(rate, RatioFeature)
    assert with_dependencies([rate]) == (rate, rate.numerator, rate.denominator)


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_read_by_a_feature(name: str) -> None:
    assert any(isinstance(f, HistoryFeature) and f.event.source == name for f in FEATURES)


def test_the_page_is_up_to_date(tmp_path: Path) -> None:
    write_page(tmp_path)
    assert (tmp_path / "features.md").read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8"), "run make docs"
    assert [path.name for path in tmp_path.iterdir()] == ["features.md"]


def test_the_pages_example_declares_what_it_says() -> None:
    assert EXAMPLE_DECLARATION in feature_page()
    assert eval(f"({EXAMPLE_DECLARATION})", vars(history_features)) == (EXAMPLE,)


AGGREGATED = [
    replace(
        EXAMPLE,
        event=events.RETURNS_FAULT if aggregation is Aggregation.SHARE else events.RETURNS,
        aggregation=aggregation,
        column="refund" if "{column}" in aggregation.phrase else None,
        window_days=days,
    )
    for aggregation in Aggregation
    if aggregation not in {Aggregation.RATIO, Aggregation.TREND, Aggregation.VALUE}
    for days in (1, None)
]
EVERYWHERE = [
    replace(COUNT, entity=entity, event=Event(source.name, source.name, source.name), family="new")
    for source in SOURCES.values()
    for entity in sorted(source.entities)
]


@pytest.mark.slow
def test_one_more_declaration_is_one_more_feature(tmp_path: Path) -> None:
    added: list[Feature] = [EXAMPLE, *AGGREGATED, *EVERYWHERE]
    world = many_worlds(3, 30)
    built = build(world, tmp_path, features=added)
    expected = pd.DataFrame.from_dict(Oracle(world).features(added), orient="index")
    assert list(built.columns) == [feature.name for feature in added]
    pd.testing.assert_frame_equal(built.astype("float64"), expected.astype("float64"), check_names=False, rtol=1e-9)
    assert f"| `{EXAMPLE.name}` | {EXAMPLE.description} | USD | 180 days | float64 |  |" in feature_page(
        [*FEATURES, *added]
    )
