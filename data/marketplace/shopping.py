"""What is bought: every order picks one of the customers who have joined and one of the products that are on sale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claimvet.data.contract.arrays import Floats
from claimvet.data.marketplace.catalogue import Products
from claimvet.data.marketplace.population import Customers
from claimvet.data.marketplace.randomness import Flags, GrowingCrowd, Ints, stream
from claimvet.data.marketplace.timeline import order_times

CUSTOMER_SEATS, PRODUCT_SEATS = 16.0, 64.0
"""Resolution of the draws: seats of a customer and of a product of mean weight."""


@dataclass(frozen=True)
class Orders:
    """Orders in the order in which they were placed.

    - `ordered_at` int64, microseconds; `customer`, `product` int64
    - `amount` float64, dollars to the cent: price, times pieces (mostly one), less up to a fifth
    """

    ordered_at: Ints
    customer: Ints
    product: Ints
    amount: Floats

    def __len__(self) -> int:
        return len(self.ordered_at)

    def of_dangerous_lot(self, products: Products, rows: Ints) -> Flags:
        """Return whether each of the orders `rows` came from a dangerous lot."""
        product, time = self.product[rows], self.ordered_at[rows]
        return (time >= products.lot_from[product]) & (time < products.lot_to[product])


def make_orders(seed: int, customers: Customers, products: Products, size: int) -> Orders:
    """`size` orders, sorted by `ordered_at`."""
    rng = stream(seed, "orders")
    times = order_times(rng, size)
    buyer = GrowingCrowd.of(rng, customers.created_at, customers.activity, CUSTOMER_SEATS).draw(rng, times)
    bought = GrowingCrowd.of(rng, products.listed_at, products.popularity, PRODUCT_SEATS).draw(rng, times)
    pieces = 1 + (rng.random(size, dtype=np.float32) < 0.12)
    paid = products.price[bought] * pieces * (1 - 0.2 * rng.random(size, dtype=np.float32) ** 2)
    return Orders(times, buyer, bought, np.round(paid, 2))
