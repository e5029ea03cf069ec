"""Small made-up marketplaces for tests: a world is a list of rows (dicts) per table, times in microseconds since 1970 UTC.

Times are drawn from a few instants around an anchor and one window away from it, give or take a microsecond, so that ties and
window edges are common instead of rare.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.tables import (
    CLAIM_TYPES,
    DECIDERS,
    EVIDENCE_KINDS,
    IDENTITY_KINDS,
    LABELS,
    RETURN_CONDITIONS,
    RETURN_REASONS,
    TABLES,
    Kind,
)
from claimvet.features.batch.build import build_features
from claimvet.features.catalogue.declaration import Feature
from claimvet.features.catalogue.features import FEATURES

Row = dict[str, Any]
World = dict[str, list[Row]]

DAY = 86_400_000_000
EDGES = (DAY, 365 * DAY, *(off - days * DAY for days in (0, 1, 30, 90, 365, 366) for off in (-1, 0, 1)))
NARRATIVES = (
    None,
    "",
    "!!",
    "Chair broke",
    "The lamp caught fire and burnt the table in the hall.",
    "the lamp caught fire, and burnt the TABLE in the hall",
    "A kettle leaked boiling water over my left hand while I was pouring tea for two guests",
    "A kettle leaked boiling water over my right hand while I was pouring tea for two guests",
)


def instant(text: str) -> int:
    """Microseconds since 1970 of an ISO time in UTC."""
    since = datetime.fromisoformat(text).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1)


ANCHORS = (
    instant("1970-01-01T00:00:01"),
    instant("2024-02-29T12:00:00"),  # a leap day
    instant("2024-03-10T07:00:00"),  # clocks go forward in New York
    instant("2024-10-27T01:00:00"),  # clocks go back in Berlin
    instant("2199-12-31T23:59:59.999999"),
)


class Dice:
    """Draws the rows of one small world."""

    def __init__(self, rng: random.Random, anchor: int) -> None:
        self.rng = rng
        self.anchor = anchor
        self.customers, self.sellers, self.products = self.some("c", 4), self.some("s", 3), self.some("p", 4)

    def some(self, prefix: str, most: int) -> list[str]:
        return [f"{prefix}{i}" for i in range(self.rng.randint(1, most))]

    def when(self, earliest: int | None = None) -> int:
        drawn = self.anchor + self.rng.choice(EDGES) + (self.rng.choice(EDGES) if self.rng.random() < 0.3 else 0)
        return drawn if earliest is None else max(drawn, earliest)

    def money(self) -> float:
        return self.rng.choice((0.0, 0.01, 899.99, 900.0, 999.99, 1000.0, self.rng.randint(0, 200_000) / 100))

    def maybe(self, value: Any) -> Any:
        return value if self.rng.random() < 0.7 else None

    def parties(self) -> Row:
        customer, seller, product = (self.rng.choice(them) for them in (self.customers, self.sellers, self.products))
        return {"customer_id": customer, "seller_id": seller, "product_id": product}

    def rows(self, table: str, most: int, row: Callable[[], Row]) -> list[Row]:
        return [{TABLES[table].key[0]: f"{table}{i}", **row()} for i in range(self.rng.randint(0, most))]

    def product(self, product: str) -> Row:
        """Now and then listed only after its first orders and claims."""
        listed_at = self.when() - self.rng.choice((0, 400 * DAY))
        category, price = self.rng.choice(("toys", "books")), self.maybe(self.money())
        return {
            **self.parties(),
            "product_id": product,
            "category_id": category,
            "price": price,
            "listed_at": listed_at,
        }

    def order(self) -> Row:
        return {**self.parties(), "amount": self.money(), "ordered_at": self.when()}

    def return_(self, orders: list[str]) -> Row:
        asked, opened = self.when(), self.rng.random() < 0.7
        return {
            **self.parties(),
            "order_id": self.rng.choice([*orders, "gone"]),
            "reason": self.rng.choice(RETURN_REASONS),
            "requested_at": asked,
            "inspected_at": self.when(asked) if opened else None,
            "condition": self.rng.choice(RETURN_CONDITIONS) if opened else None,
            "refund_amount": self.money(),
        }

    def claim(self, orders: list[str]) -> Row:
        filed_at = self.when()
        return {
            **self.parties(),
            "order_id": self.maybe(self.rng.choice(orders)) if orders else None,
            "incident_at": self.maybe(filed_at - self.rng.choice((0, 1, DAY, 400 * DAY))),
            "filed_at": filed_at,
            "claim_type": self.rng.choice(CLAIM_TYPES),
            "amount_claimed": self.maybe(self.money()),
            "narrative": self.rng.choice(NARRATIVES),
        }

    def evidence(self, claim: Row) -> Row:
        return {
            "claim_id": claim["claim_id"],
            "customer_id": claim["customer_id"] if self.rng.random() < 0.8 else self.rng.choice(self.customers),
            "kind": self.rng.choice(EVIDENCE_KINDS),
            "content_hash": self.rng.choice("xyz"),
            "submitted_at": self.rng.choice((*(claim["filed_at"] + off for off in (-1, 0, 1)), self.when())),
        }

    def outcome(self, claim: Row) -> Row:
        return {
            "claim_id": claim["claim_id"],
            "label": self.rng.choice(LABELS),
            "decided_by": self.rng.choice(DECIDERS),
            "decided_at": self.when(claim["filed_at"]),
            "amount_paid": self.maybe(self.money()),
        }

    def links(self) -> list[Row]:
        rng, seen = self.rng, {}
        for _ in range(rng.randint(0, 12)):
            seen[rng.choice(self.customers), rng.choice(IDENTITY_KINDS), rng.choice("ab")] = self.when()
        return [
            {"customer_id": c, "kind": kind, "token": token, "seen_at": at} for (c, kind, token), at in seen.items()
        ]

    def report(self) -> Row:
        return {**self.parties(), "order_id": None, "reason": "", "reported_at": self.when()}

    def policy(self) -> Row:
        begins = self.when()
        coverage = self.maybe(self.money())
        return {**self.parties(), "valid_from": begins, "valid_to": self.when(begins), "coverage_amount": coverage}

    def violation(self) -> Row:
        recorded = self.when()
        return {**self.parties(), "rule": "late", "recorded_at": recorded, "lifted_at": self.maybe(self.when(recorded))}


def small_world(rng: random.Random, anchors: Sequence[int] = ANCHORS) -> World:
    """A marketplace of a few parties and at most a few dozen events; any table but claims may be empty, some parties unknown."""
    dice = Dice(rng, rng.choice(anchors))
    world: World = {
        "customers": [{"customer_id": c, "created_at": dice.when()} for c in dice.customers if rng.random() < 0.8],
        "sellers": [{"seller_id": s, "created_at": dice.when()} for s in dice.sellers if rng.random() < 0.8],
        "products": [dice.product(p) for p in dice.products if rng.random() < 0.8],
        "orders": dice.rows("orders", 14, dice.order),
    }
    orders = [row["order_id"] for row in world["orders"]]
    claims = [{"claim_id": f"claims{i}", **dice.claim(orders)} for i in range(rng.randint(1, 9))]
    return world | {
        "returns": dice.rows("returns", 10, lambda: dice.return_(orders)),
        "claims": claims,
        "evidence": dice.rows("evidence", 12, lambda: dice.evidence(rng.choice(claims))),
        "outcomes": dice.rows("outcomes", 12, lambda: dice.outcome(rng.choice(claims))),
        "identity_links": dice.links(),
        "seller_reports": dice.rows("seller_reports", 5, dice.report),
        "insurance_policies": dice.rows("insurance_policies", 5, dice.policy),
        "seller_violations": dice.rows("seller_violations", 5, dice.violation),
    }


def merge_worlds(worlds: Iterable[World]) -> World:
    """One world of many that have nothing to do with each other, but for their narratives.

    A build costs seconds whatever it builds, so a test compares many small worlds in one. Every id but the first world's gets its
    world's number in front.
    """
    merged: World = {name: [] for name in TABLES}
    for number, world in enumerate(worlds):
        for name, rows in world.items():
            merged[name] += [{column: _apart(column, value, number) for column, value in row.items()} for row in rows]
    return merged


def _apart(column: str, value: Any, number: int) -> Any:
    shared = column.endswith("_id") or column in {"content_hash", "token"}
    return f"{number}-{value}" if number and shared and value is not None else value


def many_worlds(seed: int, count: int, anchors: Sequence[int] = ANCHORS) -> World:
    """`count` small worlds in one, the same for the same seed."""
    return merge_worlds(small_world(random.Random(f"{seed}-{i}"), anchors) for i in range(count))


def frame(table: str, rows: list[Row]) -> pd.DataFrame:
    """The rows in the contract's types, columns in the contract's order, the `x_` and `group_` columns of claims behind."""
    columns = TABLES[table].columns
    made = {}
    for column in columns:
        values = [row.get(column.name) for row in rows]
        if column.kind is Kind.TIME:
            made[column.name] = (
                pd.Series(pd.array(values, dtype="Int64")).astype("datetime64[us]").dt.tz_localize("UTC")
            )
        else:
            made[column.name] = pd.Series(values, dtype="float64" if column.kind is Kind.MONEY else "str")
    own = {name for row in rows for name in row if name.startswith(("x_", "group_"))}
    return pd.DataFrame(made | {name: [row.get(name) for row in rows] for name in sorted(own)})


def write(world: World, folder: Path) -> Path:
    """The world as a data set of Parquet files; a table without rows is written too."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in world.items():
        frame(name, rows).to_parquet(folder / f"{name}.parquet")
    return folder


def build(
    world: World,
    folder: Path,
    claims: list[Row] | None = None,
    features: Sequence[Feature] = FEATURES,
    engine: str = "duckdb",
) -> pd.DataFrame:
    """The features of the world, of `claims` only where given, by `claim_id`."""
    data = write(world, folder / "data")
    file = folder / "claims_to_build.parquet" if claims is not None else None
    if file is not None:
        frame("claims", claims or []).to_parquet(file)
    return build_from(data, folder / f"features_{engine}.parquet", file, features, engine)


def build_from(
    data: Path,
    out: Path,
    claims: Path | None = None,
    features: Sequence[Feature] = FEATURES,
    engine: str = "duckdb",
) -> pd.DataFrame:
    """The features of a data set on disk, by `claim_id`; the names of those that are unavailable in `attrs`."""
    report = build_features(DataSet.open(data), out, claims=claims, features=features, engine=engine)
    built = pd.read_parquet(out).set_index("claim_id")
    built.attrs["unavailable"] = report.unavailable
    return built
