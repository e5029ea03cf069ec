"""What a build needs of an engine: read the contract's tables as Ibis tables, keep a step, count its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

import ibis.expr.types as ir
import pyarrow as pa

ROW_GROUP_SIZE = 50_000
"""Rows per row group of what is written: a batch that a reader can hold without noticing."""

BatchFunction = Callable[[pa.Table], pa.Table]
"""Rows in, rows out, each batch on its own; it runs where the rows lie, so it must not need anything but its
argument."""


class Engine(Protocol):
    """A data set opened in one engine; times are int64 microseconds since 1970 UTC, money int64 cents."""

    def has(self, table: str) -> bool:
        """Return whether the table is there and has a row."""

    def rows(self, table: str) -> int:
        """Return the number of rows of a table of the data set, 0 where it is missing."""

    def table(self, name: str) -> ir.Table:
        """Return a table of the contract by name; `claims` holds the claims to build and all others, as history for one
        another.
        """

    def targets(self) -> ir.Table:
        """Return the claims to build, with `row` (int64, their place in the input) and their extra `x_` columns."""

    def keep(self, expression: ir.Table) -> ir.Table:
        """Compute the expression's rows once, and keep them until the engine is closed."""

    def fetch(self, expression: ir.Table) -> pa.Table:
        """Return the expression's rows, few of them, as a table of this process."""

    def hold(self, table: pa.Table) -> ir.Table:
        """Return a table of this process as one of the engine."""

    def number(self, expression: ir.Table, name: str) -> ir.Table:
        """Keep the expression's rows with a further column `name`: a distinct integer a row, in no order."""

    def apply(self, expression: ir.Table, function: BatchFunction, schema: pa.Schema) -> ir.Table:
        """Keep what `function` makes of the expression's rows, batch by batch; it returns tables of `schema`."""

    def write(self, expression: ir.Table, out: Path) -> int:
        """Write the rows to a Parquet file, aside first and renamed when complete; the number of rows."""

    def close(self) -> None:
        """Let go of everything kept."""


@runtime_checkable
class StreamingEngine(Engine, Protocol):
    """An engine in this very process, so that rows can come and go without a copy."""

    def stream(self, expression: ir.Table, rows: int = ROW_GROUP_SIZE) -> pa.RecordBatchReader:
        """Return the expression's rows in batches of at most `rows`, in no order; nothing else may be asked of the
        engine until the last.
        """


Fetch = Callable[[ir.Table], pa.Table]
"""What `Engine.fetch` is, for what asks nothing else of an engine."""

AskedFunction = Callable[[pa.Table, Iterator[pa.RecordBatch]], pa.Table]
"""Who is asked about and all events of these, batch by batch, to rows; it runs where they lie, and needs nothing but
its arguments."""


@runtime_checkable
class PartitionedEngine(Engine, Protocol):
    """An engine whose rows lie in many places."""

    def by_key(self, asked: ir.Table, events: ir.Table, function: AskedFunction, schema: pa.Schema) -> ir.Table:
        """Keep what `function` makes of the rows of `asked` and `events` that have the same `key`, many keys at once.

        Both have a column `key` (string); `function` gets all rows of a key in one call, and returns tables of
        `schema`.
        """


AnyEngine = StreamingEngine | PartitionedEngine
"""What a build runs on: an engine is one or the other."""
