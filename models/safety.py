"""Is a product hurting people? Independent claims on one product, more than its orders and its category explain.

Many customers who have nothing to do with each other and claim on one product are no conspiracy: they are evidence for each other.
Such a claim is never denied by a machine, and the product is put before people (`safety_alerts`). Customers who are linked (a
shared device, payment, address or phone, a shared piece of evidence) count for nothing here: a ring must not look like a hazard.

The test is Poisson's with an exposure: the product's orders of the year before times the category's claims per order, for 90 of 365
days. It is asked at every claim, so `cluster_p_value` is small. Only features are read, so the endpoint asks the same.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import poisson

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

WINDOW_DAYS = 90
_YEAR_DAYS = 365
_CUSTOMERS, _ORDERS = "product_claims_customers_distinct_90d", "product_orders_count_365d"
_CATEGORY_CLAIMS, _CATEGORY_ORDERS = "category_claims_count_365d", "category_orders_count_365d"
_LINKS = ("identity_ring_customers_count", "identity_shared_customers_count", "evidence_hash_other_customers_count")
PRIOR_CLAIMS, PRIOR_ORDERS = 1.0, 200.0
"""A category about which little is known starts at one claim in 200 orders (assumption), so that a first claim is no surprise."""


def cluster_facts(features: pd.DataFrame) -> dict[str, Floats]:
    """`cluster_customers`, distinct customers who claimed on the product within 90 days, this one included, 0 where this customer is
    linked to others; `cluster_expected`, how many would by the product's orders. Empty where the features are not there.
    """
    if not {_CUSTOMERS, _ORDERS, _CATEGORY_CLAIMS, _CATEGORY_ORDERS} <= set(features.columns):
        return {}
    rate = (number_column(features, _CATEGORY_CLAIMS) + PRIOR_CLAIMS) / (
        number_column(features, _CATEGORY_ORDERS) + PRIOR_ORDERS
    )
    expected = (number_column(features, _ORDERS) + 1.0) * rate * WINDOW_DAYS / _YEAR_DAYS
    customers = number_column(features, _CUSTOMERS) + 1.0
    return {"cluster_customers": np.where(is_linked(features), 0.0, customers), "cluster_expected": expected}


def is_linked(features: pd.DataFrame) -> Flags:
    """Whether the claim's customer shares a token or a piece of evidence with another customer; not where that is not known."""
    linked: Flags = np.zeros(len(features), dtype=np.bool_)
    for name in _LINKS:
        linked |= number_column(features, name) > 0
    return linked


def is_cluster(facts: pd.DataFrame, least_customers: int, p_value: float) -> Flags:
    """Whether a claim belongs to a cluster: at least so many customers, and as unlikely as that at the rate expected."""
    clustered: Flags = (number_column(facts, "cluster_customers") >= least_customers) & (
        cluster_p_values(facts) <= p_value
    )
    return clustered


def cluster_p_values(facts: pd.DataFrame) -> Floats:
    """How likely so many customers are at the rate expected (Poisson), float64; 1 where that is not known."""
    customers, expected = number_column(facts, "cluster_customers"), number_column(facts, "cluster_expected")
    known = np.isfinite(customers) & np.isfinite(expected)
    tail: Floats = poisson.sf(np.where(known, customers, 1.0) - 1.0, np.where(known, expected, 1.0))
    return np.where(known, tail, 1.0)


def number_column(table: pd.DataFrame, name: str) -> Floats:
    """A column as float64; NaN, which no comparison holds for, where it is missing or null."""
    if name not in table:
        return np.full(len(table), np.nan)
    return table[name].to_numpy(dtype=np.float64, na_value=np.nan)
