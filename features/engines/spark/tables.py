"""Reads the contract's tables in Spark: times as int64 microseconds, money as int64 cents, `row` in the order of the input."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from claimvet.data.contract.csv_files import csv_header
from claimvet.data.contract.dataset import DataSet, TableFile, connect
from claimvet.data.contract.errors import InvalidDataError, UsageError
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX, TABLES, Column, Kind

if TYPE_CHECKING:
    from pyspark.sql import Column as SparkColumn
    from pyspark.sql import DataFrame, SparkSession

ROWS_PER_FILE = 2**40
"""More rows than a file has: `row` is a file's place among its table's files times this, and the row's place in it."""

_SPARK_TYPES = {"BIGINT": "bigint", "DOUBLE": "double", "BOOLEAN": "boolean"}


def read_table(session: SparkSession, file: TableFile) -> DataFrame:
    """The contract's columns, then the `x_` columns of claims.

    Raises:
        InvalidDataError: where the file is no table.
    """
    from pyspark.sql import functions

    frame = read_file(session, file)
    missing = [name for name in file.table.column_names if name not in frame.columns]
    if missing:
        raise InvalidDataError(
            f"table {file.table.name}: column {missing[0]} is missing, expected it in {file.path.name}"
        )
    types = dict(frame.dtypes)
    own = [_normalised(column, types[column.name]) for column in file.table.columns]
    return frame.select(*own, *(functions.col(f"`{name}`") for name in extra_columns(frame)))


def read_targets(session: SparkSession, file: TableFile) -> DataFrame:
    """As `read_table`, with `row` in front: int64, larger for what comes later in the input; files in the order of their names."""
    from pyspark.sql import functions

    frame = read_table(session, file)
    if file.is_csv:
        return frame.select(functions.monotonically_increasing_id().alias("row"), "*")
    paths = [row[0] for row in frame.select("_metadata.file_path").distinct().collect()]
    places = session.createDataFrame(list(enumerate(sorted(paths))), "place bigint, path string")
    ordered = frame.select(
        functions.col("_metadata.row_index").alias("index"), functions.col("_metadata.file_path").alias("path"), "*"
    )
    row = (functions.col("place") * ROWS_PER_FILE + functions.col("index")).alias("row")
    return ordered.join(functions.broadcast(places), "path").select(row, *frame.columns)


def extra_columns(frame: DataFrame) -> list[str]:
    """The user's own columns that become features."""
    return [name for name in frame.columns if name.startswith(FEATURE_COLUMN_PREFIX)]


def read_file(session: SparkSession, file: TableFile) -> DataFrame:
    """The file as it is, in its own types; CSV as strings but for extra columns.

    Raises:
        InvalidDataError: where the file is no table.
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        return _read_csv(session, file) if file.is_csv else _read_parquet(session, file.path)
    except (PySparkException, Py4JJavaError) as error:
        reason = _reason(error)
        raise InvalidDataError(
            f"table {file.table.name}: {file.path.name} is no table that can be read ({reason})"
        ) from error


def _reason(error: Exception) -> str:
    """The line of Spark's long message that says what was wrong."""
    named = re.search(r"\[[A-Z_.]{8,}\] .*", str(error))
    return named.group() if named else str(error).strip().splitlines()[0]


def _read_parquet(session: SparkSession, path: Path) -> DataFrame:
    reader = session.read.option("mergeSchema", path.is_dir())
    if path.is_dir():
        partitioned = any("=" in folder.name for folder in path.iterdir() if folder.is_dir())
        reader = reader.option("recursiveFileLookup", not partitioned).option("pathGlobFilter", "*.parquet")
    return reader.parquet(location(path))


def location(path: Path) -> str:
    """The path as Spark takes it, and no pattern: with its scheme (`s3a://bucket/…`) where it has one, else of this machine."""
    where = str(path) if is_remote(path) else f"file://{path.resolve()}"
    if not where.startswith("file:"):
        where = where.replace(":/", "://", 1)  # `pathlib` left one slash, and what follows is a bucket or a host
    return re.sub(r"([\\*?\[\]{}])", r"\\\1", where)


def is_remote(path: Path) -> bool:
    """Whether the path has a scheme such as `s3a:` or `hdfs:`."""
    return re.match(r"[a-z][a-z0-9+.-]+:/", str(path)) is not None


def find_remote(session: SparkSession, folder: Path) -> DataSet:
    """The Parquet tables, files or directories, of a folder that only Spark can reach.

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
            tables[table.name] = TableFile(table, folder / found[0])
    if not tables:
        raise UsageError(
            f"the data set {location(folder)} has no table, expected one with tables such as claims.parquet"
        )
    return DataSet(folder, tables)


def write_text(session: SparkSession, path: Path, text: str) -> None:
    """A small UTF-8 file where Spark's paths are, with a scheme or without: whole or not at all."""
    java = session.sparkContext._jvm.org.apache.hadoop.fs
    target, aside = java.Path(location(path)), java.Path(location(path.with_name(f".{path.name}.aside")))
    system = target.getFileSystem(session.sparkContext._jsc.hadoopConfiguration())
    stream = system.create(aside, True)
    stream.write(bytearray(text, "utf-8"))
    stream.close()
    system.delete(target, False)
    system.rename(aside, target)


def _read_csv(session: SparkSession, file: TableFile) -> DataFrame:
    """One partition, since a quoted field may hold a line break; the types of extra columns are those of the embedded engine."""
    from pyspark.sql import functions

    names = csv_header(file.path)
    schema = ", ".join(f"`{name}` string" for name in names)
    reader = session.read.options(
        header=True, multiLine=True, quote='"', escape='"', mode="FAILFAST", maxCharsPerColumn=-1
    )
    frame = reader.schema(schema).csv(location(file.path))
    connection = connect()
    try:
        types = file.columns(connection)
    finally:
        connection.close()
    filled = {name: functions.nullif(functions.col(f"`{name}`"), functions.lit("")) for name in names}
    return frame.select(*(filled[name].cast(_SPARK_TYPES.get(types[name], "string")).alias(name) for name in names))


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
