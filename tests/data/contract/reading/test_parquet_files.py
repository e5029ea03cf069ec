"""A name above a table is nobody's column; one inside its own directory is, unless the files have it too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claimvet.data.contract.dataset import TableFile
from claimvet.data.contract.errors import InvalidDataError
from claimvet.data.contract.tables import TABLES


def write(path: Path, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"customer_id": ["c1"], **columns}).to_parquet(path)
    return path


def columns_of(path: Path) -> list[str]:
    return list(TableFile(TABLES["customers"], path).columns(duckdb.connect()))


def test_a_name_above_a_table_is_nobodys_column(tmp_path: Path) -> None:
    data = tmp_path / "x_run=7" / "customer_id=c9" / "amount=5.00"
    one = write(data / "customers.parquet")
    write(data / "orders" / "part-0.parquet")
    csv = data / "customers.csv"
    csv.write_text("customer_id,created_at\nc1,now\n")
    assert columns_of(one) == ["customer_id"]
    assert columns_of(data / "orders") == ["customer_id"]
    assert columns_of(csv) == ["customer_id", "created_at"]
    assert duckdb.sql(f"SELECT * FROM {TableFile(TABLES['customers'], one).relation}").fetchall() == [("c1",)]


def test_a_partition_of_the_tables_own_directory_is_a_column_of_strings(tmp_path: Path) -> None:
    for value in ("02139", "a%2Fb", "__HIVE_DEFAULT_PARTITION__"):
        write(tmp_path / "zip=0" / "customers" / f"zip={value}" / "PART.PARQUET")
    (tmp_path / "zip=0" / "customers" / "_temporary").mkdir()
    write(tmp_path / "zip=0" / "customers" / "_temporary" / "half.parquet", other=1)
    file = TableFile(TABLES["customers"], tmp_path / "zip=0" / "customers")
    rows = duckdb.sql(f"SELECT customer_id, zip FROM {file.relation} ORDER BY zip NULLS FIRST").fetchall()
    assert rows == [("c1", None), ("c1", "02139"), ("c1", "a/b")]


def test_a_partition_with_the_name_of_a_column_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "customers" / "Customer_ID=c1" / "part.parquet")
    with pytest.raises(
        InvalidDataError, match=r"part.parquet has a column Customer_ID, and so has the directory's name"
    ):
        columns_of(tmp_path / "customers")


def test_files_in_different_partitions_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "customers" / "zip=1" / "part.parquet")
    write(tmp_path / "customers" / "part.parquet")
    with pytest.raises(InvalidDataError, match="lie in other partitions, expected the same key=value directories"):
        columns_of(tmp_path / "customers")


def test_a_column_that_is_there_twice_is_refused_and_not_renamed(tmp_path: Path) -> None:
    path = tmp_path / "customers.parquet"
    pq.write_table(pa.table([pa.array(["a"]), pa.array([1]), pa.array([2])], ["customer_id", "x_a", "X_A"]), path)
    with pytest.raises(InvalidDataError, match=r"customers.parquet names the column x_a twice, expected it once"):
        columns_of(path)


def test_a_directory_of_other_files_is_refused_by_one_of_them(tmp_path: Path) -> None:
    (tmp_path / "customers").mkdir()
    (tmp_path / "customers" / "part-0.csv").write_text("customer_id\n")
    with pytest.raises(
        InvalidDataError, match=r"customers holds no Parquet file, but part-0.csv; expected files whose"
    ):
        columns_of(tmp_path / "customers")
