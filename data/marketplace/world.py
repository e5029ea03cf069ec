"""The whole world: everything made in the order in which one thing leads to another."""

from __future__ import annotations

from dataclasses import dataclass

from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace.catalogue import Products, Sellers, make_products, make_sellers
from claimvet.data.marketplace.claims import Claims, make_claims
from claimvet.data.marketplace.evidence import Evidence, make_evidence
from claimvet.data.marketplace.identity import IdentityLinks, make_identity_links
from claimvet.data.marketplace.insurance import Policies, make_policies
from claimvet.data.marketplace.narratives import make_narratives
from claimvet.data.marketplace.outcomes import Outcomes, make_outcomes
from claimvet.data.marketplace.population import Customers, make_customers
from claimvet.data.marketplace.randomness import stream
from claimvet.data.marketplace.reports import SellerReports, make_seller_reports
from claimvet.data.marketplace.returns import Returns, make_returns
from claimvet.data.marketplace.shopping import Orders, make_orders
from claimvet.data.marketplace.suspicion import make_suspicion
from claimvet.data.marketplace.violations import Violations, make_violations


@dataclass(frozen=True)
class World:
    """Everything that exists, and the truth about it; each part's docstring is its schema."""

    customers: Customers
    sellers: Sellers
    products: Products
    orders: Orders
    returns: Returns
    claims: Claims
    narratives: list[str | None]
    evidence: Evidence
    outcomes: Outcomes
    identity_links: IdentityLinks
    seller_reports: SellerReports
    policies: Policies
    violations: Violations


def make_world(claims: int, seed: int) -> World:
    """Return a world with exactly `claims` claims; equal arguments, equal worlds."""
    customers = make_customers(seed, max(300, int(c.CUSTOMERS_PER_CLAIM * claims)))
    sellers = make_sellers(seed, max(20, claims // c.CLAIMS_PER_SELLER))
    products = make_products(seed, sellers, max(100, claims // c.CLAIMS_PER_PRODUCT))
    orders = make_orders(seed, customers, products, max(5_000, int(c.ORDERS_PER_CLAIM * claims)))
    returns = make_returns(seed, customers, products, orders)
    filed = make_claims(seed, claims, customers, products, orders, returns)
    dishonest = sellers.dishonest[products.seller[orders.product[filed.order]]]
    evidence = make_evidence(seed, customers, orders, filed)
    suspicion = make_suspicion(stream(seed, "suspicion"), customers, orders, filed, evidence)
    return World(
        customers,
        sellers,
        products,
        orders,
        returns,
        filed,
        make_narratives(seed, customers, products, orders, filed),
        evidence,
        make_outcomes(seed, suspicion, dishonest, filed),
        make_identity_links(seed, customers),
        make_seller_reports(seed, sellers, products, orders, returns, filed),
        make_policies(seed, sellers, products, orders),
        make_violations(seed, sellers),
    )
