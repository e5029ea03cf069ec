"""The features of the claim itself: amounts, times, product, accounts, hazard of the category."""

from __future__ import annotations

from claimvet.data.contract.tables import CONCESSION_LIMIT_USD
from claimvet.features.catalogue.declaration import ClaimFeature, Form
from claimvet.features.catalogue.sources import JUST_UNDER_LIMIT_SHARE

_OWN = "claim itself"
_PARTIES = "claim's parties"
_LIMIT = CONCESSION_LIMIT_USD
_NEAR_LIMIT = (_LIMIT * (1 - JUST_UNDER_LIMIT_SHARE), _LIMIT)

AMOUNT = ClaimFeature(
    label="claim_amount", meaning="amount claimed", source="claims", column="amount", family=_OWN, unit="USD"
)
ORDER_AMOUNT = ClaimFeature(
    label="order_amount",
    meaning="what the customer paid for the order",
    source="orders",
    column="order_amount",
    family=_OWN,
    unit="USD",
)
PRICE = ClaimFeature(
    label="product_price",
    meaning="listed price of the product",
    source="products",
    column="price",
    family=_PARTIES,
    unit="USD",
)

CLAIM_FEATURES: tuple[ClaimFeature, ...] = (
    AMOUNT,
    ClaimFeature(
        label="claim_type", meaning="what was harmed", source="claims", column="claim_type", family=_OWN, dtype="string"
    ),
    ClaimFeature(
        label="claim_days_since_order",
        meaning="days from the order to the claim",
        source="orders",
        column="ordered_at",
        form=Form.DAYS_UNTIL_FILING,
        family=_OWN,
        unit="days",
    ),
    ClaimFeature(
        label="claim_days_since_incident",
        meaning="days from the incident to the claim",
        source="claims",
        column="incident_at",
        form=Form.DAYS_UNTIL_FILING,
        family=_OWN,
        unit="days",
    ),
    ClaimFeature(
        label="claim_just_under_limit",
        meaning="whether the amount is within 10 % under the concession limit of $1,000 (1 or 0)",
        source="claims",
        column="amount",
        form=Form.WITHIN,
        bounds=_NEAR_LIMIT,
        family=_OWN,
    ),
    ClaimFeature(
        label="claim_hour",
        meaning="hour of the day at filing, UTC",
        source="claims",
        column="filed_at",
        form=Form.HOUR_OF_DAY,
        family=_OWN,
        unit="hours",
        model_input=False,
    ),
    ClaimFeature(
        label="claim_weekday",
        meaning="day of the week at filing, 0 is Monday, UTC",
        source="claims",
        column="filed_at",
        form=Form.DAY_OF_WEEK,
        family=_OWN,
        dtype="int64",
        model_input=False,
    ),
    ClaimFeature(
        label="claim_category",
        meaning="category of the product",
        source="products",
        column="category_id",
        family=_PARTIES,
        dtype="string",
    ),
    ORDER_AMOUNT,
    PRICE,
    ClaimFeature(
        label="product_age_days",
        meaning="days since the product was listed",
        source="products",
        column="listed_at",
        form=Form.DAYS_UNTIL_FILING,
        family=_PARTIES,
        unit="days",
        model_input=False,
    ),
    ClaimFeature(
        label="customer_account_age_days",
        meaning="days since the customer's account was opened",
        source="customers",
        column="customer_created_at",
        form=Form.DAYS_UNTIL_FILING,
        family=_PARTIES,
        unit="days",
    ),
    ClaimFeature(
        label="seller_account_age_days",
        meaning="days since the seller joined",
        source="sellers",
        column="seller_created_at",
        form=Form.DAYS_UNTIL_FILING,
        family=_PARTIES,
        unit="days",
        model_input=False,
    ),
    ClaimFeature(
        label="category_injury_rate",
        meaning="emergency-room cases with such products per 100,000 of all (NEISS)",
        source="category reference",
        column="injury_rate",
        family="category hazard",
        unit="per 100,000 cases",
    ),
    ClaimFeature(
        label="category_severity",
        meaning="hospitalised or dead with such products per 100,000 emergency-room cases",
        source="category reference",
        column="severity",
        family="category hazard",
        unit="per 100,000 cases",
    ),
    ClaimFeature(
        label="category_incident_index",
        meaning="how dangerous the category is, 0 to 1, by all hazard sources together",
        source="category reference",
        column="incident_index",
        family="category hazard",
    ),
    ClaimFeature(
        label="claim_narrative_length",
        meaning="characters of the narrative",
        source="claims",
        column="narrative",
        form=Form.LENGTH,
        family="narrative",
        model_input=False,
        dtype="int64",
        unit="characters",
    ),
)
