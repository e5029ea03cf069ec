"""Is a product hurting people? Independent claims on one product, more than its orders and its category explain.

Many customers who have nothing to do with each other and claim on one product are no conspiracy: they are evidence for each other.
Such a claim is never denied by a machine, and the product is put before people (`safety_alerts`). Customers who are linked (a
shared device, payment, address or phone, a shared piece of evidence) count for nothing here: a ring must not look like a hazard.

The test is Poisson's with an exposure: the product's orders of the year before, times the category's claims per order lately, times how
often the product itself was claimed on in the year up to 90 days ago, against its category (shrunk towards 1 with a gamma prior). So
it asks what is new, and a product that always was risky alarms when it gets worse. It is asked at every claim, so `cluster_p_value`
is small. Only features are read, so the endpoint asks the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

from claimvet.data.contract.arrays import Floats

Flags = npt.NDArray[np.bool_]
Columns: TypeAlias = "pd.DataFrame | Mapping[str, Floats]"
"""Columns by name, all of one length, at least one."""

WINDOW_DAYS = 90
_YEAR_DAYS = 365
CLUSTER_FEATURES = (
    "product_claims_customers_distinct_90d",
    "product_claims_count_90d",
    "product_claims_count_365d",
    "product_orders_count_365d",
    "category_claims_count_30d",
    "category_claims_count_365d",
    "category_orders_count_365d",
    "customer_claims_count_90d",
)
LINK_FEATURES = (
    "identity_ring_customers_count",
    "identity_shared_customers_count",
    "evidence_hash_other_customers_count",
)
PRIOR_CLAIMS, PRIOR_ORDERS = 1.0, 200.0
"""A category about which little is known starts at one claim in 200 orders (assumption), so that a first claim is no surprise."""
OWN_CLAIMS = 2.0
"""Claims' worth of history that draws a product's own rate to its category's (assumption)."""


def cluster_facts(features: Columns) -> dict[str, Floats]:
    """`cluster_customers`, distinct customers who claimed on the product within 90 days, this one included, 0 where this customer is
    linked to others; `cluster_expected`, how many would by the product's orders and history. Empty where the features are not there.

    A customer who claimed on anything within 90 days may be among those who claimed on the product, and is not counted once more.
    """
    if not set(CLUSTER_FEATURES) <= set(features):
        return {}
    known = {name: number_column(features, name) for name in CLUSTER_FEATURES}
    orders, category_orders = (
        known["product_orders_count_365d"] + 1.0,
        known["category_orders_count_365d"] + PRIOR_ORDERS,
    )
    yearly = known["category_claims_count_365d"]
    lately = np.maximum(yearly * WINDOW_DAYS / _YEAR_DAYS, known["category_claims_count_30d"] * WINDOW_DAYS / 30)
    expected = orders * (lately + PRIOR_CLAIMS) / category_orders
    earlier_days = (_YEAR_DAYS - WINDOW_DAYS) / _YEAR_DAYS
    expected_earlier = orders * (yearly * earlier_days + PRIOR_CLAIMS) / category_orders
    earlier = np.maximum(known["product_claims_count_365d"] - known["product_claims_count_90d"], 0.0)
    own = (earlier + OWN_CLAIMS) / (expected_earlier + OWN_CLAIMS)
    customers = known["product_claims_customers_distinct_90d"] + ~(known["customer_claims_count_90d"] > 0.0)
    return {"cluster_customers": np.where(is_linked(features), 0.0, customers), "cluster_expected": expected * own}


def is_linked(features: Columns) -> Flags:
    """Return whether the claim's customer shares a token or a piece of evidence with another customer; not where that is not known."""
    linked: Flags = np.zeros(_rows(features), dtype=np.bool_)
    for name in LINK_FEATURES:
        linked |= number_column(features, name) > 0
    return linked


def is_cluster(facts: Columns, least_customers: int, p_value: float) -> Flags:
    """Return whether a claim belongs to a cluster: at least so many customers, and as unlikely as that at the rate expected."""
    clustered: Flags = (number_column(facts, "cluster_customers") >= least_customers) & (
        cluster_p_values(facts) <= p_value
    )
    return clustered


def cluster_p_values(facts: Columns) -> Floats:
    """Return how likely so many customers are at the rate expected (Poisson), float64; 1 where that is not known."""
    from scipy.special import pdtrc  # half a second, which whoever only reads parameters saves

    customers, expected = number_column(facts, "cluster_customers"), number_column(facts, "cluster_expected")
    known = np.isfinite(customers) & np.isfinite(expected) & (customers >= 1.0)  # nobody at least is certain
    tail: Floats = pdtrc(np.floor(np.where(known, customers, 1.0)) - 1.0, np.where(known, expected, 1.0))
    return np.where(known, tail, 1.0)


def number_column(table: Columns, name: str) -> Floats:
    """Return a column as float64; NaN, which no comparison holds for, where it is missing or null."""
    if name not in table:
        return np.full(_rows(table), np.nan)
    column = table[name]
    return column if isinstance(column, np.ndarray) else column.to_numpy(dtype=np.float64, na_value=np.nan)


def _rows(table: Columns) -> int:
    return len(next(iter(table.values()))) if isinstance(table, Mapping) else len(table)
