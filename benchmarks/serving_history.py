"""Does the cost of one claim's features grow with the history of its seller, product and customer?

One seller with one product, category and, for a second claim, one customer with all the orders, from 10 to 1,000,000 of them, in a
store of each size; timed are the features of a claim of an ordinary customer on the hot seller, those of a claim of the hot customer,
an order that comes in time, and one that comes two years late. Run `python -m benchmarks.serving_history`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from claimvet.data.contract.dataset import DataSet
from claimvet.scoring_service.store import EventStore, StoredEvent
from claimvet.scoring_service.store.load import load

SIZES = (10, 1_000, 100_000, 1_000_000)
BEGIN, DAYS = pd.Timestamp("2024-01-01", tz="UTC"), 730
REPEATS = 40
DAY = 86_400_000_000
NOW = BEGIN.value // 1000 + DAYS * DAY


def data_set(folder: Path, orders: int) -> DataSet:
    """A marketplace where one of everything has all the orders, half of them by one customer."""
    rng = np.random.default_rng(orders)
    times = BEGIN + pd.to_timedelta(np.sort(rng.integers(0, DAYS * DAY // 1000, orders)), unit="ms")
    customers = np.where(np.arange(orders) % 2, "hot", [f"c{i % 5_000}" for i in range(orders)])
    frames = {
        "products": {
            "product_id": ["p"],
            "seller_id": ["s"],
            "category_id": ["toys"],
            "price": [9.0],
            "listed_at": [BEGIN],
        },
        "orders": {
            "order_id": [f"o{i}" for i in range(orders)],
            "customer_id": customers,
            "seller_id": ["s"] * orders,
            "product_id": ["p"] * orders,
            "amount": rng.integers(100, 100_000, orders) / 100,
            "ordered_at": times,
        },
        "claims": {
            **{name: [value] for name, value in claim("c0", 0).items()},
            "filed_at": [BEGIN],
            "incident_at": [BEGIN],
        },
    }
    folder.mkdir()
    for name, columns in frames.items():
        frame = pd.DataFrame(columns)
        for column in frame.select_dtypes("datetimetz"):
            frame[column] = frame[column].astype("datetime64[us, UTC]")
        frame.to_parquet(folder / f"{name}.parquet")
    return DataSet.open(folder)


def claim(customer: str, number: int) -> dict[str, object]:
    """A claim filed at the end."""
    parties = {"customer_id": customer, "seller_id": "s", "product_id": "p", "order_id": None}
    own = {
        "incident_at": None,
        "claim_type": "property_damage",
        "amount_claimed": 50.0,
        "narrative": "It broke in two.",
    }
    return {"claim_id": f"claim-{customer}-{number}", **parties, **own, "filed_at": NOW}


def order(number: int, at: int) -> StoredEvent:
    """One more order of the hot customer."""
    parties = {"customer_id": "hot", "seller_id": "s", "product_id": "p"}
    return StoredEvent("orders", {"order_id": f"new{number}", **parties, "amount": 5.0, "ordered_at": at})


def median_ms(work: Callable[[int], None]) -> float:
    """Median milliseconds of processor time of a call, after a few that warm up; waiting for the disk is left out."""
    seconds = []
    for number in range(REPEATS + 3):
        start = time.process_time()
        work(number)
        seconds.append(time.process_time() - start)
    return statistics.median(seconds[3:]) * 1_000


def measure(store: EventStore) -> list[float]:
    """Milliseconds of each of the four."""

    def features(customer: str) -> Callable[[int], None]:
        def work(number: int) -> None:
            with store.engine.connect() as connection:
                store.claim_features(claim(customer, number), None, connection)

        return work

    def append(at: int, first: int) -> Callable[[int], None]:
        def work(number: int) -> None:
            with store.begin() as connection:
                store.append([order(first + number, at + number)], connection)

        return work

    return [
        median_ms(features("c0")),
        median_ms(features("hot")),
        median_ms(append(NOW - DAY, 0)),
        median_ms(append(NOW - DAYS * DAY, 1_000)),
    ]


def main() -> None:
    """Print a row a size; milliseconds of processor time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    print(
        f"{'orders':>10} {'cold customer':>14} {'hot customer':>13} {'order in time':>14} {'order 2 years late':>19}   ms, median"
    )
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/store.db"
            load(data_set(Path(folder) / "data", size), url)
            store = EventStore.open(url)
            print(
                f"{size:>10,} "
                + " ".join(f"{ms:>{width}.2f}" for ms, width in zip(measure(store), (14, 13, 14, 19), strict=True))
            )
            store.close()


if __name__ == "__main__":
    main()
