"""The features over histories: velocity, money, recency and outcomes of customer, seller, product, category, order and
claim."""

from __future__ import annotations

from claimvet.features.catalogue import events as e
from claimvet.features.catalogue.declaration import Aggregation as A
from claimvet.features.catalogue.declaration import Entity, Event, HistoryFeature, Suspicion

CUSTOMER, SELLER, PRODUCT, CATEGORY = Entity.CUSTOMER, Entity.SELLER, Entity.PRODUCT, Entity.CATEGORY
MAX_WINDOW_DAYS = 365
RAISES, LOWERS = Suspicion.RAISES, Suspicion.LOWERS


def _history(
    entity: Entity,
    event: Event,
    aggregation: A,
    *windows: int | None,
    column: str | None = None,
    suspicion: Suspicion = Suspicion.UNKNOWN,
) -> tuple[HistoryFeature, ...]:
    """Declare the same aggregation over several windows, in days; None is all time."""
    return tuple(
        HistoryFeature(
            entity=entity,
            event=event,
            aggregation=aggregation,
            column=column,
            window_days=window,
            family=f"{entity} {event.source.replace('_', ' ')}",
            suspicion=suspicion,
            model_input=not _is_volume(entity, event, aggregation, window),
        )
        for window in windows
    )


def _is_volume(entity: Entity, event: Event, aggregation: A, window: int | None) -> bool:
    """Return whether the feature measures how large a party has become, which tells a claim's date and not its merit.

    Such counts grow with the marketplace; models do better on later claims without them (docs/decisions, volumes are no
    inputs). The shares, rates and trends made of them are inputs, and so is a product's recent history, which a
    dangerous lot shows in.
    """
    if aggregation is A.DAYS_SINCE_FIRST:
        return entity is SELLER
    if aggregation not in {A.COUNT, A.SUM} or event is e.POLICIES:
        return False
    return entity in {SELLER, CATEGORY} or (entity is PRODUCT and window == MAX_WINDOW_DAYS)


CUSTOMER_FEATURES = (
    *_history(CUSTOMER, e.ORDERS, A.COUNT, 30, 90, 365),
    *_history(CUSTOMER, e.ORDERS, A.SUM, 365, column="amount"),
    *_history(CUSTOMER, e.ORDERS, A.MEAN, 365, column="amount"),
    *_history(CUSTOMER, e.ORDERS, A.MAX, 365, column="amount"),
    *_history(CUSTOMER, e.ORDERS, A.DISTINCT, 365, column="seller_id"),
    *_history(CUSTOMER, e.ORDERS, A.DAYS_SINCE_LAST, None),
    *_history(CUSTOMER, e.ORDERS, A.DAYS_SINCE_FIRST, None),
    *_history(CUSTOMER, e.RETURNS, A.COUNT, 30, 90, 365),
    *_history(CUSTOMER, e.RETURNS, A.SUM, 365, column="refund"),
    *_history(CUSTOMER, e.RETURNS, A.DAYS_SINCE_LAST, None),
    *_history(CUSTOMER, e.RETURNS_FAULT, A.COUNT, 365),
    *_history(CUSTOMER, e.RETURNS_REGRET, A.COUNT, 365),
    *_history(CUSTOMER, e.RETURNS_REFUSED, A.COUNT, 365),
    *_history(CUSTOMER, e.INSPECTIONS, A.COUNT, 365),
    *_history(CUSTOMER, e.RETURNS_BAD_CONDITION, A.COUNT, 365, None, suspicion=RAISES),
    *_history(CUSTOMER, e.RETURNS_BAD_CONDITION, A.SUM, 365, column="refund"),
    *_history(CUSTOMER, e.RETURNS_BAD_CONDITION, A.SHARE, 365),
    *_history(CUSTOMER, e.RETURNS_USED, A.COUNT, 365),
    *_history(CUSTOMER, e.CLAIMS, A.COUNT, 30, 90, 365, None),
    *_history(CUSTOMER, e.CLAIMS, A.SUM, 365, column="amount"),
    *_history(CUSTOMER, e.CLAIMS, A.MEAN, 365, column="amount"),
    *_history(CUSTOMER, e.CLAIMS, A.MAX, 365, column="amount"),
    *_history(CUSTOMER, e.CLAIMS, A.DISTINCT, 365, column="seller_id"),
    *_history(CUSTOMER, e.CLAIMS, A.DAYS_SINCE_LAST, None),
    *_history(CUSTOMER, e.CLAIMS_INJURY, A.COUNT, 365),
    *_history(CUSTOMER, e.CLAIMS_UNDER_LIMIT, A.COUNT, 365),
    *_history(CUSTOMER, e.OUTCOMES, A.COUNT, 365),
    *_history(CUSTOMER, e.OUTCOMES, A.SUM, 365, column="paid"),
    *_history(CUSTOMER, e.OUTCOMES_BY_LABEL["abusive"], A.COUNT, 365, None, suspicion=RAISES),
    *_history(CUSTOMER, e.OUTCOMES_BY_LABEL["abusive"], A.SHARE, 365, suspicion=RAISES),
    *_history(CUSTOMER, e.OUTCOMES_BY_LABEL["frivolous"], A.COUNT, 365),
    *_history(CUSTOMER, e.OUTCOMES_BY_LABEL["valid"], A.COUNT, 365),
    *_history(CUSTOMER, e.FINDINGS_BY_LABEL["valid"], A.COUNT, 365),
    *_history(CUSTOMER, e.FINDINGS_BY_LABEL["abusive"], A.COUNT, 365, suspicion=RAISES),
    *_history(CUSTOMER, e.CONCESSIONS, A.COUNT, 90, 365),
    *_history(CUSTOMER, e.SELLER_REPORTS, A.COUNT, 90, 365, suspicion=RAISES),
    *_history(CUSTOMER, e.SELLER_REPORTS, A.DISTINCT, 365, column="seller_id", suspicion=RAISES),
    *_history(CUSTOMER, e.IDENTITY_LINKS, A.COUNT, 90, None),
    *_history(CUSTOMER, e.IDENTITY_BY_KIND["device"], A.COUNT, None),
    *_history(CUSTOMER, e.IDENTITY_BY_KIND["payment"], A.COUNT, None),
)

SELLER_FEATURES = (
    *_history(SELLER, e.ORDERS, A.COUNT, 30, 90, 365),
    *_history(SELLER, e.ORDERS, A.SUM, 30, 365, column="amount"),
    *_history(SELLER, e.ORDERS, A.DAYS_SINCE_FIRST, None),
    *_history(SELLER, e.RETURNS, A.COUNT, 90, 365),
    *_history(SELLER, e.RETURNS_FAULT, A.COUNT, 365),
    *_history(SELLER, e.CLAIMS, A.COUNT, 30, 90, 365),
    *_history(SELLER, e.CLAIMS, A.MEAN, 365, column="amount"),
    *_history(SELLER, e.OUTCOMES_BY_LABEL["valid"], A.COUNT, 365),
    *_history(SELLER, e.OUTCOMES_BY_LABEL["abusive"], A.COUNT, 365),
    *_history(SELLER, e.FINDINGS_BY_LABEL["valid"], A.COUNT, 365),
    *_history(SELLER, e.OUTCOMES, A.COUNT, 365),
    *_history(SELLER, e.FINDINGS_BY_LABEL["valid"], A.SHARE, 365),
    *_history(SELLER, e.REPORTS_FILED, A.COUNT, 365),
    *_history(SELLER, e.POLICIES, A.COUNT, None),
    *_history(SELLER, e.POLICIES, A.SUM, None, column="coverage"),
    *_history(SELLER, e.VIOLATIONS, A.COUNT, None),
    *_history(SELLER, e.LISTINGS, A.COUNT, None),
)

PRODUCT_FEATURES = (
    *_history(PRODUCT, e.ORDERS, A.COUNT, 90, 365),
    *_history(PRODUCT, e.ORDERS, A.MEAN, 365, column="amount"),
    *_history(PRODUCT, e.RETURNS_FAULT, A.COUNT, 365),
    *_history(PRODUCT, e.CLAIMS, A.COUNT, 30, 90, 365),
    *_history(PRODUCT, e.CLAIMS, A.DISTINCT, 90, 365, column="customer_id"),
    *_history(PRODUCT, e.CLAIMS, A.DAYS_SINCE_LAST, None),
    *_history(PRODUCT, e.CLAIMS_INJURY, A.COUNT, 365),
    *_history(PRODUCT, e.FINDINGS_BY_LABEL["valid"], A.COUNT, 365),
    *_history(PRODUCT, e.OUTCOMES_BY_LABEL["abusive"], A.COUNT, 365),
    *_history(PRODUCT, e.OUTCOMES, A.COUNT, 365),
)

CATEGORY_FEATURES = (
    *_history(CATEGORY, e.ORDERS, A.COUNT, 365),
    *_history(CATEGORY, e.CLAIMS, A.COUNT, 30, 365),
    *_history(CATEGORY, e.CLAIMS, A.MEAN, 365, column="amount"),
    *_history(CATEGORY, e.CLAIMS, A.STD, 365, column="amount"),
    *_history(CATEGORY, e.OUTCOMES_BY_LABEL["abusive"], A.COUNT, 365),
    *_history(CATEGORY, e.FINDINGS_BY_LABEL["valid"], A.COUNT, 365),
    *_history(CATEGORY, e.FINDINGS_BY_LABEL["frivolous"], A.COUNT, 365),
    *_history(CATEGORY, e.FINDINGS_BY_LABEL["abusive"], A.COUNT, 365),
    *_history(CATEGORY, e.OUTCOMES_BY_LABEL["abusive"], A.SHARE, 365),
    *_history(CATEGORY, e.FINDINGS_BY_LABEL["valid"], A.SHARE, 365),
    *_history(CATEGORY, e.OUTCOMES, A.COUNT, 365),
)

ORDER_FEATURES = (
    *_history(Entity.ORDER, e.RETURNS, A.COUNT, None),
    *_history(Entity.ORDER, e.RETURNS, A.SUM, None, column="refund"),
    *_history(Entity.ORDER, e.RETURNS_REFUSED, A.COUNT, None),
    *_history(Entity.ORDER, e.RETURNS_BAD_CONDITION, A.COUNT, None, suspicion=RAISES),
    *_history(Entity.ORDER, e.RETURNS_USED, A.COUNT, None),
    *_history(Entity.ORDER, e.CLAIMS, A.COUNT, None),
)

EVIDENCE_FEATURES = (
    *_history(Entity.CLAIM, e.EVIDENCE, A.COUNT, None),
    *_history(Entity.CLAIM, e.EVIDENCE, A.DISTINCT, None, column="kind"),
    *_history(Entity.CLAIM, e.EVIDENCE, A.DAYS_SINCE_FIRST, None),
    *(feature for event in e.EVIDENCE_BY_KIND.values() for feature in _history(Entity.CLAIM, event, A.COUNT, None)),
)

HISTORY_FEATURES: tuple[HistoryFeature, ...] = (
    *CUSTOMER_FEATURES,
    *SELLER_FEATURES,
    *PRODUCT_FEATURES,
    *CATEGORY_FEATURES,
    *ORDER_FEATURES,
    *EVIDENCE_FEATURES,
)
