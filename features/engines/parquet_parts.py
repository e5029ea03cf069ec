"""Join the part files that a cluster writes into one file, rows in the order of the parts."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from claimvet.data.contract.writing.atomic_write import atomic_write, real_path, scratch_in
from claimvet.features.engines.protocol import ROW_GROUP_SIZE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@contextmanager
def written_parts(frame: DataFrame, beside: Path) -> Iterator[list[Path]]:
    """Yield the frame's partitions as Parquet files in their order, in a hidden directory beside a file; it goes again at the end."""
    with scratch_in(real_path(beside).parent) as scratch:
        scratch.chmod(stat.S_IMODE(scratch.parent.stat().st_mode))  # executors may run as somebody else
        frame.write.mode("overwrite").parquet(f"file://{scratch / 'parts'}")
        yield sorted((scratch / "parts").glob("part-*.parquet"))


def read_parts(parts: list[Path]) -> Iterator[pa.Table]:
    """Yield the rows of all parts in order, at most `ROW_GROUP_SIZE` at once."""
    for part in parts:
        for batch in pq.ParquetFile(part).iter_batches(batch_size=ROW_GROUP_SIZE):
            yield pa.Table.from_batches([batch])


def join_parts(frame: DataFrame, out: Path) -> int:
    """Write the frame, in order, as one Parquet file that appears whole or not at all; the number of rows.

    The file lies where the driver is, and so do the parts for a while: executors on other machines need to share that
    directory.
    """
    with atomic_write(out) as aside, written_parts(frame, out) as parts:
        schema = pq.read_schema(parts[0]).remove_metadata()
        with pq.ParquetWriter(aside, schema, compression="zstd") as writer:
            return sum(_written(writer, table.cast(schema)) for table in read_parts(parts))


def _written(writer: pq.ParquetWriter, table: pa.Table) -> int:
    writer.write_table(table, row_group_size=ROW_GROUP_SIZE)
    return int(table.num_rows)
