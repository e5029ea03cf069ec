"""The Spark session that the engine works in: one that is there already, or one of the usual Spark configuration."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from claimvet.data.contract.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NEEDED = "the engine spark needs pyspark and Java 17"

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.legacy.parquet.nanosAsLong": "true",  # Spark has no type for nanoseconds; `features.engines.spark.tables` makes them micro
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # a directory's `key=01` is text, as everywhere here
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
"""What the engine's own session says whatever the configuration says; a session that was there before keeps its own."""


PARTITIONS = "spark.sql.shuffle.partitions"
"""200 unless configured, which is for a cluster; on one machine, twice its processors."""


def open_session() -> tuple[SparkSession, bool]:
    """Return a session with `SETTINGS`, and whether this call started Spark, so that the caller has to stop it.

    Master, memory and partitions come from `spark-defaults.conf`, `spark-submit` or `PYSPARK_SUBMIT_ARGS`; the master
    is `local[*]` where none of them names one.

    Raises:
        UsageError: where pyspark or Java is missing.
    """
    try:
        from pyspark import SparkContext
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise UsageError(f"{NEEDED}, and pyspark is not installed; expected `make setup-spark` to have run") from error
    running = SparkContext._active_spark_context is not None
    session = (SparkSession.builder.getOrCreate() if running else _start()).newSession()
    for name, value in SETTINGS.items():
        session.conf.set(name, value)
    context = session.sparkContext
    if context.master.startswith("local") and not context.getConf().contains(PARTITIONS):
        session.conf.set(PARTITIONS, str(2 * context.defaultParallelism))
    return session, not running


def _start() -> SparkSession:
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # local executors find the packages of this very Python
    try:
        return SparkSession.builder.appName("claimvet").getOrCreate()
    except (PySparkRuntimeError, FileNotFoundError) as error:
        raise UsageError(
            f"{NEEDED}, and Java did not start ({_first_line(error)}); expected Java 17 beside `make setup-spark`"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
