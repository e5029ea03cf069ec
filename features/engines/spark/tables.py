"""Reads the contract's tables in Spark: times as int64 microseconds, money as int64 cents, `row` in the order of the input."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from claimvet.data.contract.dataset import DataSet, TableFile, connect, quoted
from claimvet.data.contract.errors import InvalidDataError, UsageError
from claimvet.data.contract.reading.feature_types import NOT_FINITE_PATTERN, NUMBER_PATTERN, FeatureTypes, wrong_type
from claimvet.data.contract.reading.parquet_files import partition_keys
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX, TABLES, Column, Kind

if TYPE_CHECKING:
    from pyspark.sql import Column as SparkColumn
    from pyspark.sql import DataFrame, SparkSession

ROWS_PER_FILE = 2**40
"""More rows than a file has: `row` is a file's place among its table's files times this, and the row's place in it."""

_DUCKDB_TYPES = {"string": "VARCHAR", "boolean": "BOOLEAN", "double": "DOUBLE", "float": "FLOAT", "bigint": "BIGINT"}
"""DuckDB's names of the types of Spark that features may have; all other numbers are converted as decimals are."""


def read_table(session: SparkSession, file: TableFile, scratch: Path) -> DataFrame:
    """Return the contract's columns, then the `x_` columns of claims; what a CSV file becomes lies in the directory `scratch`.

    Raises:
        InvalidDataError: where the file is no table, or a feature is not of the type that is known of it.
    """
    frame = read_file(session, file, scratch)
    missing = [name for name in file.table.column_names if name not in frame.columns]
    if missing:
        raise InvalidDataError(
            f"table {file.table.name}: column {missing[0]} is missing, expected it in {file.path.name}"
        )
    types = dict(frame.dtypes)
    own = [_normalised(column, types[column.name]) for column in file.table.columns]
    return frame.select(*own, *(_feature(frame, name, file) for name in extra_columns(frame)))


def read_targets(session: SparkSession, file: TableFile, scratch: Path) -> DataFrame:
    """Do as `read_table`, with `row` in front: int64, larger for what comes later in the input; files in the order of their names."""
    from pyspark.sql import functions

    frame = read_table(session, file, scratch)
    paths = [row[0] for row in frame.select("_metadata.file_path").distinct().collect()]
    places = session.createDataFrame(list(enumerate(sorted(paths))), "place bigint, path string")
    ordered = frame.select(
        functions.col("_metadata.row_index").alias("index"), functions.col("_metadata.file_path").alias("path"), "*"
    )
    row = (functions.col("place") * ROWS_PER_FILE + functions.col("index")).alias("row")
    return ordered.join(functions.broadcast(places), "path").select(row, *frame.columns)


def extra_columns(frame: DataFrame) -> list[str]:
    """Return the user's own columns that become features."""
    return [name for name in frame.columns if name.startswith(FEATURE_COLUMN_PREFIX)]


def read_file(session: SparkSession, file: TableFile, scratch: Path) -> DataFrame:
    """Return the file as it is, in its own types; a CSV file as the embedded engine reads it.

    Raises:
        InvalidDataError: where the file is no table.
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    if is_remote(file.path):
        return _read_parquet(session, file.path, partitioned=True)
    partitioned = _checked_here(file)
    path = _as_parquet(file, scratch) if file.is_csv else file.path
    try:
        return _read_parquet(session, path, partitioned)
    except (PySparkException, Py4JJavaError) as error:
        raise InvalidDataError(
            f"table {file.table.name}: {file.path.name} is no table that can be read ({_reason(error)})"
        ) from error


def _checked_here(file: TableFile) -> bool:
    """Return whether the table lies in partitions; refuses with the embedded engine's words what that would refuse."""
    with connect() as connection:
        file.columns(connection)
    return not file.is_csv and bool(partition_keys(file.path, file.files))


def _as_parquet(file: TableFile, scratch: Path) -> Path:
    """Return what the embedded engine makes of a CSV file, as Parquet: both engines read the same, whatever the file is like."""
    out = scratch / f"{file.table.name}-{len(list(scratch.iterdir()))}.parquet"
    with connect() as connection:
        connection.execute(f"COPY ({file.typed_select(connection)}) TO {quoted(str(out))} (FORMAT parquet)")
    return out


def _reason(error: Exception) -> str:
    """Return the line of Spark's long message that says what was wrong."""
    named = re.search(r"\[[A-Z_.]{8,}\] .*", str(error))
    return named.group() if named else str(error).strip().splitlines()[0]


def _read_parquet(session: SparkSession, path: Path, partitioned: bool) -> DataFrame:
    reader = session.read.option("mergeSchema", is_remote(path) or path.is_dir())
    if not is_remote(path) and path.is_dir():
        reader = reader.option("recursiveFileLookup", not partitioned)
        reader = reader.option("pathGlobFilter", "*.[pP][aA][rR][qQ][uU][eE][tT]")
    return reader.parquet(location(path))


def location(path: Path) -> str:
    """Return the path as Spark takes it, and no pattern: with its scheme (`s3a://bucket/…`) where it has one, else of this machine."""
    where = _with_lower_scheme(path) if is_remote(path) else f"file://{path.resolve()}"
    if not where.startswith("file:"):
        where = where.replace(":/", "://", 1)  # `pathlib` left one slash, and what follows is a bucket or a host
    return re.sub(r"([\\*?\[\]{}])", r"\\\1", where)


def is_remote(path: Path) -> bool:
    """Return whether the path has a scheme such as `s3a:` or `hdfs:`, in any case."""
    return re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+:/", str(path)) is not None


def _with_lower_scheme(path: Path) -> str:
    """Schemes are the same in any case, but Spark looks for `fs.S3A.impl` among its settings."""
    scheme, colon, rest = str(path).partition(":")
    return scheme.lower() + colon + rest


def find_remote(session: SparkSession, folder: Path, types: FeatureTypes) -> DataSet:
    """Return the Parquet tables, files or directories, of a folder that only Spark can reach.

    Raises:
        UsageError: where there is none.
    """
    java = session.sparkContext._jvm.org.apache.hadoop.fs
    root = java.Path(location(folder))
    system = root.getFileSystem(session.sparkContext._jsc.hadoopConfiguration())
    tables = {}
    for table in TABLES.values():
        found = [name for name in (f"{table.name}.parquet", table.name) if system.exists(java.Path(root, name))]
        if found:
            tables[table.name] = TableFile(table, folder / found[0], types)
    if not tables:
        raise UsageError(
            f"the data set {location(folder)} has no table, expected one with tables such as claims.parquet"
        )
    return DataSet(folder, tables, types=types)


def write_text(session: SparkSession, path: Path, text: str) -> None:
    """Write a small UTF-8 file where Spark's paths are, with a scheme or without: whole or not at all."""
    java = session.sparkContext._jvm.org.apache.hadoop.fs
    target, aside = java.Path(location(path)), java.Path(location(path.with_name(f".{path.name}.aside")))
    system = target.getFileSystem(session.sparkContext._jsc.hadoopConfiguration())
    stream = system.create(aside, True)
    stream.write(bytearray(text, "utf-8"))
    stream.close()
    system.delete(target, False)
    system.rename(aside, target)


def _feature(frame: DataFrame, name: str, file: TableFile) -> SparkColumn:
    """Cast as the embedded engine: int64, float64 that is finite or null, boolean, or string."""
    from pyspark.sql import functions

    spark_type, value = dict(frame.dtypes)[name], functions.col(f"`{name}`")
    wanted = file.types.types.get(name)
    _require_type(frame, name, file)
    if spark_type in ("string", "boolean") and not (spark_type == "string" and wanted in ("number", "boolean")):
        return value
    if spark_type == "void":
        return value.cast({"number": "double", "boolean": "boolean"}.get(wanted or "text", "string")).alias(name)
    if spark_type in ("tinyint", "smallint", "int", "bigint"):
        return value.cast("bigint").alias(name)
    if wanted == "boolean":
        return value.cast("boolean").alias(name)
    number = _number_of_text(name) if spark_type == "string" else value.cast("double")
    return functions.when(functions.abs(number) < float("inf"), number).alias(name)


def _number_of_text(name: str) -> SparkColumn:
    from pyspark.sql import functions

    truth = (
        f"if(lower(trim(`{name}`)) IN ('true', 'false'), double(boolean(trim(`{name}`))), try_cast(`{name}` AS double))"
    )
    return functions.expr(truth)


def _require_type(frame: DataFrame, name: str, file: TableFile) -> None:
    """Refuse a feature that is not of the type which is known of it, with a value that is not."""
    from pyspark.sql import functions

    spark_type, wanted = dict(frame.dtypes)[name], file.types.types.get(name)
    if wanted is None or spark_type == "void":
        return
    value = functions.col(f"`{name}`")
    misfit = functions.lit(wrong_type(_DUCKDB_TYPES.get(spark_type, "DECIMAL(18,2)"), wanted))
    if spark_type == "string" and wanted != "text":
        truth = functions.lower(functions.trim(value)).isin("true", "false")
        misfit = (
            ~truth
            if wanted == "boolean"
            else ~(truth | value.rlike(NUMBER_PATTERN) | functions.lower(value).rlike(NOT_FINITE_PATTERN))
        )
    found = frame.filter(value.isNotNull() & misfit).select(value.cast("string")).limit(1).collect()
    if found:
        raise InvalidDataError(
            f"column {name} of {file.path.name} holds {found[0][0]!r:.80} ({spark_type}), expected {file.types.expected(name)}"
        )


def _normalised(column: Column, spark_type: str) -> SparkColumn:
    from pyspark.sql import functions

    value = functions.col(f"`{column.name}`")
    if column.kind is Kind.TIME:
        nanoseconds = (
            f"(`{column.name}` - pmod(`{column.name}`, 1000)) div 1000"  # exact, and downwards before 1970 too
        )
        known = functions.unix_micros(value.cast("timestamp"))
        value = functions.expr(nanoseconds) if spark_type == "bigint" else known
    elif column.kind is Kind.MONEY:
        value = functions.round(value.cast("double") * 100).cast("bigint")
    else:
        value = value.cast("string")
    return value.alias(column.name)
