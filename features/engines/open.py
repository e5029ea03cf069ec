"""Which engines there are, and how each is opened."""

from __future__ import annotations

from pathlib import Path

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.errors import UsageError
from claimvet.data.contract.reading.feature_types import FeatureTypes
from claimvet.features.engines.protocol import AnyEngine
from claimvet.features.engines.spark.tables import is_remote

ENGINES = ("duckdb", "spark")


def open_data_set(folder: Path, engine: str, types: FeatureTypes | None = None) -> DataSet:
    """Open the data set in a folder; one that only Spark can reach (`s3a://bucket/…`) is looked into when the engine
    opens.

    `types` are what is known of the user's own columns of claims.

    Raises:
        InvalidDataError: where one table is there twice.
        UsageError: where the folder does not exist.
    """
    if engine == "spark" and is_remote(folder):
        return DataSet(folder, {}, types=types or FeatureTypes())
    return DataSet.open(folder, types)


def open_engine(name: str, data_set: DataSet, claims: Path | None = None, memory_limit: str | None = None) -> AnyEngine:
    """Open the data set in the engine of that name, with `claims`, a file, as the claims to build where given.

    Raises:
        InvalidDataError: where a claim of `claims` differs from the data set's row of the same id.
        UsageError: where there is no such engine, or it cannot start, or the memory limit cannot be.
    """
    if name not in ENGINES:
        raise UsageError(f"the engine is {name!r}, expected {' or '.join(ENGINES)}")
    if name == "duckdb":
        from claimvet.features.engines.duckdb import (
            DuckDBEngine,  # takes half a second, which who only reads declarations saves
        )

        return DuckDBEngine(data_set, claims, memory_limit)
    if memory_limit is not None:
        raise UsageError(
            f"the memory limit is {memory_limit!r} for the engine spark, expected spark.driver.memory and"
            " spark.executor.memory in Spark's own configuration"
        )
    from claimvet.features.engines.spark.engine import SparkEngine

    return SparkEngine(data_set, claims)
