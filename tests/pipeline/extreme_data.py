"""Data sets drawn from the contract's own declaration, at its bounds: what validation has to pass, and everything else to survive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from claimvet.data.contract.rules import IDENTIFIER_LENGTH, TEXT_LENGTH
from claimvet.data.contract.tables import TABLES, Column, Kind

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
YEAR_US = 365 * 86_400_000_000
AMOUNTS = (0.0, 0.01, 0.1 + 0.2, 999.995, 1000.0, 999_999_999.99, 999_999_999.994)
TEXTS = (
    "",
    "1",
    "01",
    "1.0",
    "true",
    "NULL",
    "nan",
    "#N/A",
    " é ",
    "a,\"b\"\n'c'",
    "🙂" * 3,
    "\u202e\u0301",
    "%s{}$x\\",
)
OWN = {
    "x_number": (0.0, -1.5, np.inf, -np.inf, np.nan, 1e308, 5e-324, None),
    "x_code": ("02139", "1", "1.0", "01", "true", None),
    "x_flag": (True, False, None),
    "x_void": (None,),
    "group_site": ("a", "é" * 512, None),
}


class Extremes:
    """Draws one data set: `claims` claims, and about as many rows of every other table, which may be empty."""

    def __init__(self, seed: int, claims: int, own: Mapping[str, Sequence[Any]] = OWN) -> None:
        self._rng = np.random.default_rng(seed)
        self._claims, self._own = claims, own
        count = int(self._rng.integers(1, 4 + claims // 10))
        self._ids = {name: self._names(name, count) for name in ("customer_id", "seller_id", "product_id", "order_id")}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table of the contract, and now and then not all of them."""
        made = {name: self._table(name) for name in TABLES}
        claims = made["claims"]
        known = made["orders"]["order_id"].tolist() or [None]
        claims["order_id"] = pd.Series([self._one(known) for _ in range(len(claims))], dtype=object)
        claims["incident_at"] = claims["incident_at"].where(claims["incident_at"] <= claims["filed_at"])
        for name, values in self._own.items():
            column = [self._one(values) for _ in range(len(claims))]
            claims[name] = pd.Series(column, dtype="float64" if name == "x_number" else object)
        self._put_right(made)
        return {
            name: frame for name, frame in made.items() if name in ("claims", "outcomes") or self._rng.random() < 0.9
        }

    def _put_right(self, made: dict[str, pd.DataFrame]) -> None:
        returns, policies, outcomes = made["returns"], made["insurance_policies"], made["outcomes"]
        returns["condition"] = returns["condition"].where(returns["inspected_at"].notna(), None)
        ends = policies[["valid_from", "valid_to"]].max(axis=1)
        policies["valid_to"] = ends.dt.as_unit("us") if len(policies) else policies["valid_to"]
        claims = made["claims"].set_index("claim_id")["filed_at"]
        outcomes["claim_id"] = [self._one(claims.index.tolist()) for _ in range(len(outcomes))]
        late = outcomes["claim_id"].map(claims)
        outcomes["decided_at"] = outcomes["decided_at"].where(outcomes["decided_at"] >= late, late).dt.as_unit("us")

    def _table(self, name: str) -> pd.DataFrame:
        table = TABLES[name]
        few = int(self._rng.integers(0, 2 + self._claims))
        count = self._claims if name == "claims" else max(few, self._claims if name == "outcomes" else 0)
        made = pd.DataFrame({column.name: self._column(column, count, table.key) for column in table.columns})
        return made.drop_duplicates(list(table.key), ignore_index=True)

    def _column(self, column: Column, count: int, key: Sequence[str]) -> pd.Series:
        if column.kind is Kind.IDENTIFIER and (column.name,) == tuple(key):
            return pd.Series(self._names(column.name, count), dtype=object)
        values = [None if column.nullable and self._rng.random() < 0.3 else self._value(column) for _ in range(count)]
        if column.kind is Kind.TIME:
            return pd.to_datetime(pd.Series(values, dtype=object), utc=True).dt.as_unit("us")
        return pd.Series(values, dtype="float64" if column.kind is Kind.MONEY else object)

    def _value(self, column: Column) -> Any:
        match column.kind:
            case Kind.IDENTIFIER:
                return self._one(self._ids.get(column.name) or ["k1"])
            case Kind.CATEGORY:
                return self._one(("toys", "é" * TEXT_LENGTH, "1"))
            case Kind.CHOICE:
                return self._one(column.values)
            case Kind.TEXT:
                return self._one((*TEXTS[1:], "ß" * (TEXT_LENGTH if not column.unbounded else 20_000)))
            case Kind.MONEY:
                return self._one(AMOUNTS) if self._rng.random() < 0.3 else round(float(self._rng.lognormal(4, 1)), 2)
        return self._instant(column)

    def _instant(self, column: Column) -> pd.Timestamp:
        """Mostly of the last year, some at the same instant, some at the ends of what is allowed."""
        if self._rng.random() < 0.05:
            last = "2199-12-31T23:59:59.999999Z" if column.may_lie_ahead else NOW.isoformat()
            return pd.Timestamp(self._one(("1900-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", last)))
        ago = (
            int(self._rng.integers(0, 50)) * YEAR_US // 50
            if self._rng.random() < 0.5
            else int(self._rng.integers(0, YEAR_US))
        )
        return pd.Timestamp(NOW) - pd.Timedelta(ago, unit="us")

    def _names(self, column: str, count: int) -> list[str]:
        longest = IDENTIFIER_LENGTH[1]
        forms = (f"{column[0]}{{}}", "0{}", "é{}", "{} 'x'", "🙂{}")
        names = [self._one(forms).format(place) for place in range(count)]
        return [name.ljust(longest, "z") if self._rng.random() < 0.1 else name for name in names]

    def _one(self, values: Sequence[Any]) -> Any:
        return values[int(self._rng.integers(0, len(values)))]
