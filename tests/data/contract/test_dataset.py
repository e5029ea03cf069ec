"""Where tables lie, and how they are read with the contract's types."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from claimvet.data.contract.dataset import SQL_TYPES, DataSet, connect, identifier, quoted
from claimvet.data.contract.errors import InvalidDataError, UsageError
from claimvet.data.contract.tables import TABLES, Kind

SELLERS = "seller_id,created_at\n007,2024-03-10 09:30:00.123456+02:00\n"
MOMENT = datetime(2024, 3, 10, 7, 30, 0, 123456, tzinfo=UTC)


def sellers(ids: list[str]) -> pd.DataFrame:
    times = pd.Series([MOMENT] * len(ids)).astype("datetime64[us, UTC]")
    return pd.DataFrame({"seller_id": pd.Series(ids, dtype="str"), "created_at": times})


def read(data_set: DataSet, select: str) -> list[tuple[object, ...]]:
    connection = connect()
    data_set.register(connection)
    rows: list[tuple[object, ...]] = connection.execute(select).fetchall()
    connection.close()
    return rows


def write_csv(folder: Path) -> None:
    (folder / "sellers.csv").write_text(SELLERS)


def write_gzipped_csv(folder: Path) -> None:
    (folder / "sellers.csv.gz").write_bytes(gzip.compress(SELLERS.encode()))


def write_parquet(folder: Path) -> None:
    sellers(["007"]).to_parquet(folder / "sellers.parquet")


def write_directory(folder: Path) -> None:
    (folder / "sellers" / "year=2024").mkdir(parents=True)
    sellers(["007"]).to_parquet(folder / "sellers" / "year=2024" / "part-0.parquet")


def write_directory_named_like_a_file(folder: Path) -> None:
    (folder / "sellers.parquet").mkdir()
    sellers(["007"]).to_parquet(folder / "sellers.parquet" / "part-0.parquet")


FORMS = [write_csv, write_gzipped_csv, write_parquet, write_directory, write_directory_named_like_a_file]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_a_table_reads_the_same_in_every_form(form: object, tmp_path: Path) -> None:
    assert callable(form)
    form(tmp_path)
    data_set = DataSet.open(tmp_path)
    assert list(data_set.tables) == ["sellers"]
    assert data_set.rows("sellers") == 1
    (row,) = read(data_set, "SELECT seller_id, typeof(created_at), epoch_us(created_at) FROM sellers")
    assert row == ("007", "TIMESTAMP WITH TIME ZONE", int(MOMENT.timestamp() * 1e6))


def test_files_of_a_directory_may_lack_each_others_columns(tmp_path: Path) -> None:
    folder = tmp_path / "sellers"
    folder.mkdir()
    sellers(["a"]).to_parquet(folder / "1.parquet")
    sellers(["b"]).assign(note="new").to_parquet(folder / "2.parquet")
    assert read(DataSet.open(tmp_path), "SELECT seller_id, note FROM sellers ORDER BY 1") == [("a", None), ("b", "new")]


def test_an_empty_csv_field_is_null_and_ids_stay_strings(tmp_path: Path) -> None:
    header = ",".join(TABLES["products"].column_names)
    (tmp_path / "products.csv").write_text(f"{header}\n001,1e5,true,,2024-01-01T00:00:00Z\n")
    (row,) = read(DataSet.open(tmp_path), "SELECT product_id, seller_id, category_id, price FROM products")
    assert row == ("001", "1e5", "true", None)


def test_extra_columns_are_kept_as_they_are(tmp_path: Path) -> None:
    sellers(["a"]).assign(x_stars=4.5).to_parquet(tmp_path / "sellers.parquet")
    assert read(DataSet.open(tmp_path), "SELECT x_stars FROM sellers") == [(4.5,)]


def test_what_is_not_in_the_contract_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "weather.parquet").write_text("?")
    (tmp_path / "orders").write_text("a file of that name is no directory of Parquet")
    assert DataSet.open(tmp_path).tables == {}


def test_missing_and_empty_tables_come_to_the_same(tmp_path: Path) -> None:
    sellers([]).to_parquet(tmp_path / "sellers.parquet")
    data_set = DataSet.open(tmp_path)
    assert data_set.rows("sellers") == data_set.rows("orders") == 0
    assert not data_set.has("sellers")
    assert data_set.missing() == list(TABLES)


def test_a_folder_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere is no directory, expected one with a file per table"):
        DataSet.open(tmp_path / "nowhere")


def test_a_table_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    write_csv(tmp_path)
    write_parquet(tmp_path)
    with pytest.raises(InvalidDataError, match=r"table sellers: found sellers\.parquet and sellers\.csv, expected one"):
        DataSet.open(tmp_path)


@pytest.mark.parametrize("name", ["sellers.parquet", "sellers.csv.gz"])
def test_a_file_that_is_no_table_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe\x00 no table")
    data_set = DataSet.open(tmp_path)
    connection = connect()
    with pytest.raises(InvalidDataError, match=rf"{name} (is no table that can|cannot) be read"):
        data_set.tables["sellers"].columns(connection)
    with pytest.raises(InvalidDataError, match=rf"{name} (is no table that can|cannot) be read"):
        data_set.has("sellers")
    connection.close()


def test_a_directory_whose_path_holds_glob_characters_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "data[1]*" / "sellers.parquet"
    folder.mkdir(parents=True)
    sellers(["a"]).to_parquet(folder / "part.parquet")
    assert read(DataSet.open(folder.parent), "SELECT seller_id FROM sellers") == [("a",)]


def test_paths_and_columns_may_hold_quotes(tmp_path: Path) -> None:
    folder = tmp_path / "o'brien"
    folder.mkdir()
    sellers(["a"]).assign(**{'x_"odd" name': 1}).to_parquet(folder / "sellers.parquet")
    name = identifier('x_"odd" name')
    assert read(DataSet.open(folder), f"SELECT {name} FROM sellers") == [(1,)]
    assert quoted("o'brien") == "'o''brien'"


def test_a_memory_limit_that_is_no_size_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="the memory limit is 'a lot', expected a size such as 4GB"):
        connect("a lot")


def test_a_connection_keeps_to_its_limits() -> None:
    connection = connect("1GB", threads=1)
    settings = "SELECT current_setting('threads'), current_setting('TimeZone'), current_setting('memory_limit')"
    assert connection.execute(settings).fetchone() == (1, "UTC", "953.6 MiB")
    connection.close()


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_column_has_a_type(kind: Kind) -> None:
    connection = connect()
    assert connection.execute(f"SELECT NULL::{SQL_TYPES[kind]}").fetchall() == [(None,)]
    connection.close()
