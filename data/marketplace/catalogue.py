"""What is sold and by whom: sellers of differing care, their products, and the lots that are dangerous."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claimvet.data.contract.arrays import Floats
from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace.randomness import Flags, Ints, pick, pick_distinct, stream
from claimvet.data.marketplace.timeline import days, end_of_period, start_of_period
from claimvet.data.reference import load_categories


@dataclass(frozen=True)
class Sellers:
    """Sellers by number.

    - `created_at` int64, microseconds: four of five before the period
    - `size` float64: relative sales, lognormal
    - `care` float64, 0 to 1: beta(4, 2); careless sellers' goods hurt more often
    - `dishonest` bool: reports and defends falsely
    """

    created_at: Ints
    size: Floats
    care: Floats
    dishonest: Flags

    def __len__(self) -> int:
        return len(self.created_at)


@dataclass(frozen=True)
class Products:
    """Products in the order in which they were listed.

    - `listed_at` int64, microseconds; `seller` int64; `category` int64: row of `data.reference.load_categories()`
    - `price` float64, dollars to the cent, lognormal; `popularity` float64, lognormal
    - `hazard` float64, mean about 1: category's NEISS figures (square root), seller's care, lognormal
    - `lot_from`, `lot_to` int64, microseconds: when the dangerous lot is sold; equal where there is none
    """

    listed_at: Ints
    seller: Ints
    category: Ints
    price: Floats
    popularity: Floats
    hazard: Floats
    lot_from: Ints
    lot_to: Ints

    def __len__(self) -> int:
        return len(self.listed_at)


def make_sellers(seed: int, size: int) -> Sellers:
    """`size` sellers."""
    rng = stream(seed, "sellers")
    start, span = start_of_period(), c.PERIOD_DAYS
    old = start - days(30 + rng.exponential(600.0, size))
    new = start + days(rng.uniform(0, 0.7 * span, size))
    return Sellers(
        np.where(rng.random(size) < 0.8, old, new),
        rng.lognormal(0.0, c.SELLER_SIZE_SIGMA, size),
        rng.beta(4, 2, size),
        rng.random(size) < c.SELLER_DISHONEST_SHARE,
    )


def category_hazard() -> Floats:
    """Relative hazard of each category, mean 1: square root of its NEISS rate, as exposure is unknown; median where uncovered."""
    rate = load_categories()["injury_rate"]
    root = np.sqrt(rate.fillna(rate.median()).to_numpy())
    return np.asarray(root / root.mean(), dtype=np.float64)


def _lots(rng: np.random.Generator, listed: Ints, popularity: Floats) -> tuple[Ints, Ints]:
    """Dangerous lots hit products that sell: drawn by popularity."""
    begin = np.full(len(listed), end_of_period(), dtype=np.int64)
    length = np.zeros(len(listed), dtype=np.int64)
    chosen = pick_distinct(rng, popularity, max(3, int(c.LOT_SHARE * len(listed))))
    first = np.maximum(listed[chosen], start_of_period())
    begin[chosen] = first + (rng.random(len(chosen)) * 0.85 * (end_of_period() - first)).astype(np.int64)
    length[chosen] = days(rng.uniform(*c.LOT_DAYS, len(chosen)))
    return begin, begin + length


def make_products(seed: int, sellers: Sellers, size: int) -> Products:
    """`size` products, sorted by `listed_at`, never listed before their seller joined."""
    rng = stream(seed, "products")
    hazard_of = category_hazard()
    seller = pick(rng, np.sqrt(sellers.size), size)
    latest = end_of_period() - 60 * c.MICROSECOND_DAY
    listed = np.minimum(sellers.created_at[seller] + days(rng.exponential(150.0, size)), latest)
    order = np.argsort(listed, kind="stable")
    listed, seller = listed[order], seller[order]
    category = pick(rng, rng.lognormal(0, 0.8, len(hazard_of)), size)
    within = np.sqrt(c.PRICE_SIGMA**2 - c.CATEGORY_PRICE_SIGMA**2)
    level = rng.normal(np.log(c.PRICE_MEDIAN), c.CATEGORY_PRICE_SIGMA, len(hazard_of))
    price = np.maximum(np.round(np.exp(level[category] + rng.normal(0, within, size)), 2), 0.5)
    popularity = np.minimum(rng.lognormal(0, c.PRODUCT_POPULARITY_SIGMA, size), 150) * np.sqrt(sellers.size[seller])
    hazard = hazard_of[category] * (1.6 - 1.3 * sellers.care[seller]) * rng.lognormal(-0.7, 1.2, size)
    return Products(listed, seller, category, price, popularity, hazard, *_lots(rng, listed, popularity))
