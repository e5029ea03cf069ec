"""The embedded engine: DuckDB reads the files, spills to disk above its memory limit, and writes Parquet."""

from __future__ import annotations

from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from claimvet.data.contract.dataset import DataSet, TableFile, connect, identifier, quoted
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX, TABLES
from claimvet.data.contract.writing.atomic_write import atomic_write
from claimvet.features.engines.arrow_numpy import tables_as_one
from claimvet.features.engines.integer_columns import integer_columns
from claimvet.features.engines.parallel_map import parallel_map
from claimvet.features.engines.protocol import ROW_GROUP_SIZE, BatchFunction
from claimvet.features.engines.refusals import claims_differ, no_claims

BATCH_ROWS = 50_000
"""Rows that a function is given at once (`features.engines.protocol.BatchFunction`)."""


class DuckDBEngine:
    """A data set in an in-memory DuckDB, reached through Ibis; see `features.engines.protocol.StreamingEngine`."""

    def __init__(
        self,
        data_set: DataSet,
        claims: Path | None = None,
        memory_limit: str | None = None,
        chunk: range | None = None,
    ) -> None:
        self._data_set = data_set
        self._connection = connect(memory_limit)
        self._ibis = Backend.from_connection(self._connection)
        self._kept = 0
        for name in data_set.tables:
            self._declare(name, data_set.tables[name].typed_select(self._connection))
        self._declare_targets(data_set.claims_file(claims) if claims else data_set.tables.get("claims"), chunk)

    def has(self, table: str) -> bool:
        return table == "claims" or self.rows(table) > 0

    def rows(self, table: str) -> int:
        return self._data_set.rows(table, self._connection)

    def table(self, name: str) -> ir.Table:
        return self._ibis.table(name)

    def targets(self) -> ir.Table:
        return self._ibis.table("targets")

    def keep(self, expression: ir.Table) -> ir.Table:
        self._kept += 1
        name = f"kept_{self._kept}"
        # what Ibis does to the same end takes four statements
        self._connection.execute(f"CREATE TEMP TABLE {name} AS {self._ibis.compile(expression)}")
        return self._ibis.table(name)

    def stream(self, expression: ir.Table, rows: int = ROW_GROUP_SIZE) -> pa.RecordBatchReader:
        return self._connection.sql(self._ibis.compile(expression)).to_arrow_reader(rows)

    def fetch(self, expression: ir.Table) -> pa.Table:
        return self.stream(expression).read_all()

    def hold(self, table: pa.Table) -> ir.Table:
        self._kept += 1
        self._connection.register(f"kept_{self._kept}", table)
        return self._ibis.table(f"kept_{self._kept}")

    def number(self, expression: ir.Table, name: str) -> ir.Table:
        return self.keep(expression.mutate(**{name: ibis.row_number().cast("int32")}))

    def apply(self, expression: ir.Table, function: BatchFunction, schema: pa.Schema) -> ir.Table:
        rows = self._connection.sql(self._ibis.compile(expression))
        batches = rows.to_arrow_reader(BATCH_ROWS)
        made = parallel_map(lambda batch: function(pa.Table.from_batches([batch])), batches)
        held = self.hold(tables_as_one(schema, made))
        kept = self.keep(held)
        self._connection.unregister(held.get_name())  # what is kept can be spilled
        return kept

    def write(self, expression: ir.Table, out: Path) -> int:
        form = f"(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {ROW_GROUP_SIZE})"
        with atomic_write(out) as aside:
            select = self._ibis.compile(expression)
            self._connection.execute(f"COPY ({select}) TO {quoted(str(aside))} {form}")
        return int(self._connection.execute(f"SELECT count(*) FROM read_parquet({quoted(str(out))})").fetchall()[0][0])

    def close(self) -> None:
        self._connection.close()

    def _declare(self, name: str, select: str) -> None:
        columns = ", ".join(integer_columns(TABLES[name]))
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {columns} FROM ({select})")

    def _declare_targets(self, file: TableFile | None, chunk: range | None) -> None:
        if file is None:
            raise no_claims(self._data_set.folder)
        select = file.typed_select(self._connection)
        extra = [name for name in file.columns(self._connection) if name.startswith(FEATURE_COLUMN_PREFIX)]
        columns = ", ".join(["row_number() OVER () AS row", *integer_columns(file.table), *map(identifier, extra)])
        self._connection.execute(f"CREATE TEMP TABLE all_targets AS SELECT {columns} FROM ({select})")
        within = f" WHERE row >= {chunk.start} AND row < {chunk.stop}" if chunk is not None else ""
        self._connection.execute(f"CREATE TEMP VIEW targets AS SELECT * FROM all_targets{within}")
        own = ", ".join(file.table.column_names)
        if "claims" not in self._data_set.tables:
            self._connection.execute(f"CREATE TEMP VIEW claims AS SELECT {own} FROM all_targets")
        elif file is not self._data_set.tables["claims"]:
            self._join_history(own)

    def _join_history(self, columns: str) -> None:
        """Let the claims to build and those of the data set be history for one another; the same claim counts once."""
        self._connection.execute(
            f"CREATE TEMP TABLE history AS SELECT {columns} FROM claims UNION SELECT {columns} FROM all_targets"
        )
        twice = self._connection.execute(
            "SELECT claim_id FROM history GROUP BY claim_id HAVING count(*) > 1 ORDER BY claim_id LIMIT 5"
        ).fetchall()
        if twice:
            raise claims_differ([row[0] for row in twice])
        self._connection.execute("CREATE OR REPLACE TEMP VIEW claims AS SELECT * FROM history")
