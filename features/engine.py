"""What the feature plan needs of an engine: read the contract's tables as Ibis tables, keep a step, count its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import ibis.expr.types as ir


class Engine(Protocol):
    """A data set opened in one engine; times are int64 microseconds since 1970 UTC, money int64 cents."""

    name: str

    def has(self, table: str) -> bool:
        """Whether the table is there and has a row."""

    def table(self, name: str) -> ir.Table:
        """A table of the contract by name; `claims` holds the claims to build and all others, as history for one another."""

    def targets(self) -> ir.Table:
        """The claims to build, with `row` (int64, their place in the input) and their extra `x_` columns."""

    def keep(self, expression: ir.Table) -> ir.Table:
        """The expression's rows, computed once and kept until the engine is closed."""

    def release(self, kept: ir.Table) -> None:
        """Let go of one kept step that nothing reads any more."""

    def write(self, expression: ir.Table, out: Path) -> int:
        """Write the rows to a Parquet file, aside first and renamed when complete; the number of rows."""

    def close(self) -> None:
        """Let go of everything kept."""
