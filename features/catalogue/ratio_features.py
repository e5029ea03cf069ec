"""The features that divide one feature by another: rates, shares, and trends over two windows."""

from __future__ import annotations

from claimvet.data.contract.errors import FeatureError
from claimvet.features.catalogue.claim_features import AMOUNT, ORDER_AMOUNT, PRICE
from claimvet.features.catalogue.declaration import Feature, HistoryFeature, RatioFeature, TrendFeature
from claimvet.features.catalogue.history_features import HISTORY_FEATURES


def _named(name: str) -> HistoryFeature:
    """Return a history feature by name."""
    for feature in HISTORY_FEATURES:
        if feature.name == name:
            return feature
    raise FeatureError(
        f"there is no history feature {name}, expected one of claimvet.features.catalogue.history_features"
    )


def _ratio(
    label: str, meaning: str, numerator: Feature | str, denominator: Feature | str, window_days: int | None = None
) -> RatioFeature:
    top = _named(numerator) if isinstance(numerator, str) else numerator
    bottom = _named(denominator) if isinstance(denominator, str) else denominator
    return RatioFeature(
        label=label,
        meaning=meaning,
        numerator=top,
        denominator=bottom,
        window_days=window_days,
        family=f"{label.split('_')[0]} ratios",
    )


RATIO_FEATURES: tuple[RatioFeature, ...] = (
    _ratio("claim_amount_to_order_amount", "amount claimed over what was paid for the order", AMOUNT, ORDER_AMOUNT),
    _ratio("claim_amount_to_product_price", "amount claimed over the product's listed price", AMOUNT, PRICE),
    _ratio(
        "claim_amount_to_customer_orders_mean",
        "amount claimed over the customer's mean order in the 365 days before",
        AMOUNT,
        "customer_orders_amount_mean_365d",
    ),
    _ratio(
        "claim_amount_to_customer_claims_mean",
        "amount claimed over the customer's mean earlier claim in the 365 days before",
        AMOUNT,
        "customer_claims_amount_mean_365d",
    ),
    _ratio(
        "claim_amount_to_category_claims_mean",
        "amount claimed over the mean claim in the category in the 365 days before",
        AMOUNT,
        "category_claims_amount_mean_365d",
    ),
    _ratio(
        "customer_return_rate",
        "returns per order of the customer in the 365 days before the claim was filed",
        "customer_returns_count_365d",
        "customer_orders_count_365d",
        365,
    ),
    _ratio(
        "customer_refund_share",
        "share of what the customer paid that was refunded in the 365 days before the claim was filed",
        "customer_returns_refund_sum_365d",
        "customer_orders_amount_sum_365d",
        365,
    ),
    _ratio(
        "customer_claim_rate",
        "earlier claims per order of the customer in the 365 days before the claim was filed",
        "customer_claims_count_365d",
        "customer_orders_count_365d",
        365,
    ),
    _ratio(
        "seller_claim_rate",
        "claims per order of the seller in the 365 days before the claim was filed",
        "seller_claims_count_365d",
        "seller_orders_count_365d",
        365,
    ),
    _ratio(
        "seller_return_rate",
        "returns per order of the seller in the 365 days before the claim was filed",
        "seller_returns_count_365d",
        "seller_orders_count_365d",
        365,
    ),
    _ratio(
        "product_claim_rate",
        "claims per order of the product in the 365 days before the claim was filed",
        "product_claims_count_365d",
        "product_orders_count_365d",
        365,
    ),
    _ratio(
        "category_claim_rate",
        "claims per order in the category in the 365 days before the claim was filed",
        "category_claims_count_365d",
        "category_orders_count_365d",
        365,
    ),
)

TREND_FEATURES: tuple[TrendFeature, ...] = tuple(
    TrendFeature(short=_named(f"{name}_{short}d"), long=_named(f"{name}_365d"), family=f"{name.split('_')[0]} trends")
    for name, short in (
        ("customer_orders_count", 30),
        ("seller_claims_count", 30),
        ("product_claims_count", 30),
        ("category_claims_count", 30),
    )
)
