"""The cluster engine: Spark reads the files, keeps steps on its executors, and writes Parquet part by part.

A kept step is a checkpoint, so that a plan never grows longer than from one step to the next, and numbers once given
stay given: in the directory `spark.checkpoint.dir` where the configuration names one, else in the memory and on the
disks of the executors, where losing an executor fails the build instead of numbering anew.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from claimvet.data.contract.dataset import DataSet, TableFile
from claimvet.data.contract.tables import TABLES
from claimvet.features.engines.parquet_parts import join_parts
from claimvet.features.engines.protocol import AskedFunction, BatchFunction
from claimvet.features.engines.refusals import claims_differ, no_claims
from claimvet.features.engines.spark.session import open_session
from claimvet.features.engines.spark.tables import find_remote, is_remote, location, read_table, read_targets

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class SparkEngine:
    """A data set in Spark, reached through Ibis; see `features.engines.protocol.Engine`."""

    def __init__(self, data_set: DataSet, claims: Path | None = None) -> None:
        self._session, self._started = open_session()
        if is_remote(data_set.folder):
            data_set = find_remote(self._session, data_set.folder, data_set.types)
        self._data_set = data_set
        self._ibis = ibis.pyspark.connect(self._session)
        self._scratch = tempfile.TemporaryDirectory(prefix="claimvet-")
        self._kept: dict[str, DataFrame] = {}
        self._rows: dict[str, int] = {}
        try:
            self._declare_tables(claims)
        except BaseException:
            self.close()
            raise

    def has(self, table: str) -> bool:
        return table == "claims" or self.rows(table) > 0

    def rows(self, table: str) -> int:
        if table not in self._data_set.tables:
            return 0
        if table not in self._rows:
            self._rows[table] = self._session.table(table).count()
        return self._rows[table]

    def table(self, name: str) -> ir.Table:
        return self._ibis.table(name)

    def targets(self) -> ir.Table:
        return self._ibis.table("targets")

    def keep(self, expression: ir.Table) -> ir.Table:
        return self._keep(self.frame(expression))

    def fetch(self, expression: ir.Table) -> pa.Table:
        return expression.to_pyarrow()

    def hold(self, table: pa.Table) -> ir.Table:
        return ibis.memtable(table)

    def number(self, expression: ir.Table, name: str) -> ir.Table:
        from pyspark.sql import functions

        return self._keep(self.frame(expression).withColumn(name, functions.monotonically_increasing_id()))

    def apply(self, expression: ir.Table, function: BatchFunction, schema: pa.Schema) -> ir.Table:
        from pyspark.sql.pandas.types import from_arrow_schema

        return self._keep(self.frame(expression).mapInArrow(on_batches(function), from_arrow_schema(schema)))

    def by_key(self, asked: ir.Table, events: ir.Table, function: AskedFunction, schema: pa.Schema) -> ir.Table:
        from pyspark.sql import functions
        from pyspark.sql.pandas.types import from_arrow_schema

        first, then = (
            self.frame(table).withColumn(EVENT, functions.lit(is_event))
            for table, is_event in ((asked, False), (events, True))
        )
        both = first.unionByName(then, allowMissingColumns=True).repartition("key").sortWithinPartitions(EVENT)
        return self._keep(both.mapInArrow(on_partition(function), from_arrow_schema(schema)))

    def write(self, expression: ir.Table, out: Path) -> int:
        """Write to one file, or, where `out` has a scheme, to a directory of part files whose names are in the order of
        the rows.
        """
        frame = self.frame(expression)
        if not is_remote(out):
            return join_parts(frame, out)
        frame.write.mode("overwrite").parquet(location(out))
        return int(self._session.read.parquet(location(out)).count())

    def close(self) -> None:
        for name in list(self._kept):
            self._let_go(name)
        if self._started:
            self._session.stop()
        self._scratch.cleanup()

    def frame(self, expression: ir.Table) -> DataFrame:
        """Return the expression as a data frame of Spark."""
        self._ibis._run_pre_execute_hooks(expression)
        return self._session.sql(self._ibis.compile(expression))

    def _keep(self, frame: DataFrame) -> ir.Table:
        name = f"kept_{len(self._kept)}"
        kept = self._checkpoint(frame)
        self._kept[name] = kept
        kept.createOrReplaceTempView(name)
        return self._ibis.table(name)

    def _checkpoint(self, frame: DataFrame) -> DataFrame:
        directory = self._session.sparkContext.getConf().get("spark.checkpoint.dir")
        return frame.checkpoint() if directory else frame.localCheckpoint()

    def _let_go(self, name: str) -> None:
        self._session.catalog.dropTempView(name)
        self._kept[name]._jdf.queryExecution().analyzed().rdd().unpersist(False)

    def _declare_tables(self, claims: Path | None) -> None:
        tables = self._data_set.tables
        for name, file in tables.items():
            frame = read_table(self._session, file, Path(self._scratch.name))
            frame.select(*file.table.column_names).createOrReplaceTempView(name)
        self._declare_targets(self._data_set.claims_file(claims) if claims else tables.get("claims"))

    def _declare_targets(self, file: TableFile | None) -> None:
        if file is None:
            raise no_claims(self._data_set.folder)
        targets = self._kept["targets"] = self._checkpoint(read_targets(self._session, file, Path(self._scratch.name)))
        targets.createOrReplaceTempView("targets")
        own = targets.select(*TABLES["claims"].column_names)
        if "claims" not in self._data_set.tables:
            own.createOrReplaceTempView("claims")
        elif file is not self._data_set.tables["claims"]:
            self._join_history(own)

    def _join_history(self, targets: DataFrame) -> None:
        """Let the claims to build and those of the data set be history for one another; the same claim counts once."""
        from pyspark.sql import functions

        history = self._kept["claims"] = self._checkpoint(self._session.table("claims").union(targets).distinct())
        claims = history.groupBy("claim_id").agg(functions.count("*").alias("rows"))
        twice = claims.filter("rows > 1").orderBy("claim_id").limit(5).collect()
        if twice:
            raise claims_differ([row.claim_id for row in twice])
        history.createOrReplaceTempView("claims")


def on_batches(function: BatchFunction) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the function as Spark calls it: record batches in, record batches out."""

    def called(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from function(pa.Table.from_batches([batch])).combine_chunks().to_batches()

    return called


EVENT = "is_event"
"""Column that tells the events of `SparkEngine.by_key` from who is asked about."""


def on_partition(function: AskedFunction) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the function as Spark calls it, of batches in which everyone asked about comes before all events."""

    def called(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = iter(batches)
        asked: list[pa.RecordBatch] = []
        for batch in rows:
            is_event = batch.column(EVENT)
            asked.append(batch.filter(pc.invert(is_event)))
            if pc.any(is_event).as_py():
                rows = chain([batch.filter(is_event)], rows)
                break
        if asked:
            yield from function(pa.Table.from_batches(asked), rows).combine_chunks().to_batches()

    return called
