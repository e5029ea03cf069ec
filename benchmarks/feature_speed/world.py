"""The benchmark's data: claims, 33 times as many orders and 4 times as many returns, as Parquet tables of the contract.

Customers and sellers are heavy-tailed: weights are log-normal for customers (sigma 1) and fall with rank to the power 0.8 for sellers,
so that the largest seller of 3,000 has a twentieth of all orders. `hot` is another shape: one seller has a third of all orders, and
history is ten years long instead of two. Tables lie in the order of their time, as a platform's own do. Same size, shape and seed:
same rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from claimvet.data.contract.tables import CLAIM_TYPES, RETURN_REASONS

ORDERS_PER_CLAIM, RETURNS_PER_CLAIM = 33, 4
SHAPES = {"even": 2, "hot": 10}
"""Years of history by shape."""
HOT_SHARE = 1 / 3
START = 1_640_995_200
"""2022-01-01, seconds since 1970."""
SECONDS_PER_DAY = 86_400
CHUNK = 2_000_000
"""Rows that are turned into strings at a time."""

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Orders:
    """Customer, seller, product (numbers), time in seconds and price in cents of every order; in order of time."""

    customer: Integers
    seller: Integers
    product: Integers
    ordered: Integers
    cents: Integers


def write_world(folder: Path, claims: int, shape: str = "even", seed: int = 1, tick: int = 1) -> Path:
    """Write `orders`, `returns` and `claims` into `folder`, which is made, and return it.

    Parameters:
        claims: number of claims, at least 1.
        shape: one of `SHAPES`.
        tick: seconds that times are rounded down to; a day makes many events of the same instant.
    """
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    orders = _draw_orders(random, claims, shape, tick)
    _write(folder / "orders.parquet", _order_rows(orders))
    _write(folder / "returns.parquet", _return_rows(random, orders, claims * RETURNS_PER_CLAIM, tick))
    _write(folder / "claims.parquet", _claim_rows(random, orders, claims, tick))
    return folder


def _draw_orders(random: np.random.Generator, claims: int, shape: str, tick: int) -> Orders:
    count = claims * ORDERS_PER_CLAIM
    customers = random.lognormal(0.0, 1.0, claims * 2 + 1)
    sellers = (np.arange(claims // 100 + 3) + 1.0) ** -0.8
    if shape == "hot":
        sellers[0] = sellers[1:].sum() * HOT_SHARE / (1 - HOT_SHARE)
    seller = _drawn(random, sellers, count)
    ordered = START + random.integers(0, SHAPES[shape] * 365 * SECONDS_PER_DAY, count)
    return Orders(
        customer=_drawn(random, customers, count),
        seller=seller,
        product=seller * 16 + random.integers(0, 16, count),
        ordered=np.sort(ordered // tick * tick),
        cents=np.exp(random.normal(8.0, 1.0, count)).astype(np.int64) + 1,
    )


def _drawn(random: np.random.Generator, weights: npt.NDArray[np.floating[Any]], count: int) -> Integers:
    """`count` places drawn with these weights."""
    until = np.cumsum(weights)
    places: Integers = np.searchsorted(until, random.random(count) * until[-1], side="right").astype(np.int64)
    return places


def _later(
    random: np.random.Generator, orders: Orders, count: int, mean_days: float, tick: int
) -> tuple[Integers, ...]:
    """`count` orders (rows) and an instant some days after each, in order of that instant."""
    rows = random.integers(0, len(orders.ordered), count)
    known = orders.ordered[rows] + (random.exponential(mean_days, count) * SECONDS_PER_DAY).astype(np.int64) + tick
    known = known // tick * tick
    order = np.argsort(known, kind="stable")
    return rows[order], known[order]


Columns = dict[str, pa.Array]


def _order_rows(orders: Orders) -> Iterator[Columns]:
    for rows in _chunks(np.arange(len(orders.ordered))):
        yield {
            "order_id": _ids("o", rows),
            **_parties(orders, rows),
            "amount": pa.array(orders.cents[rows] / 100),
            "ordered_at": _times(orders.ordered[rows]),
        }


def _return_rows(random: np.random.Generator, orders: Orders, count: int, tick: int) -> Iterator[Columns]:
    of, requested = _later(random, orders, count, 12.0, tick)
    reasons = pa.array(RETURN_REASONS)
    for rows in _chunks(np.arange(count)):
        order = of[rows]
        yield {
            "return_id": _ids("r", rows),
            "order_id": _ids("o", order),
            **_parties(orders, order),
            "reason": reasons.take(pa.array(rows % len(RETURN_REASONS))),
            "requested_at": _times(requested[rows]),
            "inspected_at": pa.nulls(len(rows), pa.timestamp("us", "UTC")),
            "condition": pa.nulls(len(rows), pa.string()),
            "refund_amount": pa.array(orders.cents[order] / 100),
        }


def _claim_rows(random: np.random.Generator, orders: Orders, count: int, tick: int) -> Iterator[Columns]:
    of, filed = _later(random, orders, count, 45.0, tick)
    cents = (orders.cents[of] * random.lognormal(0.5, 0.8, count)).astype(np.int64)
    for rows in _chunks(np.arange(count)):
        order = of[rows]
        yield {
            "claim_id": _ids("k", rows),
            "order_id": _ids("o", order),
            **_parties(orders, order),
            "incident_at": _times(orders.ordered[order]),
            "filed_at": _times(filed[rows]),
            "claim_type": pa.array(CLAIM_TYPES).take(pa.array((rows % 7 == 0).astype(np.int64))),
            "amount_claimed": pa.array(cents[rows] / 100),
            "narrative": pa.nulls(len(rows), pa.string()),
        }


def _chunks(rows: Integers) -> list[Integers]:
    return np.array_split(rows, max(1, -(-len(rows) // CHUNK)))


def _parties(orders: Orders, rows: Integers) -> Columns:
    numbers = {"customer": orders.customer, "seller": orders.seller, "product": orders.product}
    return {f"{name}_id": _ids(name[0], number[rows]) for name, number in numbers.items()}


def _ids(prefix: str, numbers: Integers) -> pa.Array:
    """Identifiers of the width that such have: a letter and eleven digits."""
    digits = pa.array(numbers + 10**11).cast(pa.string())
    return pc.utf8_replace_slice(digits, 0, 1, prefix)


def _times(seconds: Integers) -> pa.Array:
    return pa.array(seconds * 1_000_000, pa.timestamp("us", "UTC"))


def _write(path: Path, chunks: Iterator[Columns]) -> None:
    first = pa.table(next(chunks))
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first, row_group_size=122_880)
        for chunk in chunks:
            writer.write_table(pa.table(chunk), row_group_size=122_880)
