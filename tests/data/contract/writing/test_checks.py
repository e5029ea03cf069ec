"""No command replaces what it reads, whatever name or link leads there, nor turns anything but a file into one."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from claimvet.data.contract.errors import OutputError, UsageError
from claimvet.data.contract.writing.checks import require_output_directory, require_output_file

TABLES = ("claims.parquet", "evidence.csv", "orders/2026/part-1.parquet", "RETURNS.CSV.GZ")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set: files, and a table of part files."""
    for name in TABLES:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return tmp_path / "data"


@pytest.mark.parametrize(
    "name",
    [
        *TABLES,
        "../data/claims.parquet",
        "orders/2026/../2026/part-1.parquet",
        "orders/new.parquet",
        "orders/2027/part-1.parquet",
        "sellers.parquet",
        "Sellers.CSV",
        "sellers/scores.parquet",
    ],
)
def test_no_table_of_the_data_set_is_written(name: str, data: Path) -> None:
    with pytest.raises(UsageError, match="which this command reads"):
        require_output_file(data / name, [data])


def test_other_names_reach_the_same_file(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claims = tmp_path / "new.parquet"
    claims.write_text("x")
    symbolic, hard, folder = tmp_path / "symbolic.parquet", tmp_path / "hard.parquet", tmp_path / "folder"
    symbolic.symlink_to(claims)
    os.link(claims, hard)
    folder.symlink_to(data)
    monkeypatch.chdir(tmp_path)
    for out in (Path("new.parquet"), Path("./folder/../new.parquet"), symbolic, hard, claims):
        with pytest.raises(UsageError, match="which this command reads"):
            require_output_file(out, [data, claims])
    with pytest.raises(UsageError, match="which this command reads"):
        require_output_file(folder / "claims.parquet", [data])
    with pytest.raises(UsageError, match="which this command reads"):
        require_output_file(claims, [symbolic])


def test_a_table_that_lies_elsewhere_behind_a_link_is_read_too(data: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "customers.parquet").write_text("x")
    (elsewhere / "parts").mkdir()
    (elsewhere / "parts" / "1.parquet").write_text("x")
    (data / "customers.parquet").symlink_to(elsewhere / "customers.parquet")
    (data / "products").symlink_to(elsewhere / "parts")
    os.link(data / "orders" / "2026" / "part-1.parquet", tmp_path / "hard.parquet")
    for out in (elsewhere / "customers.parquet", elsewhere / "parts" / "2.parquet", tmp_path / "hard.parquet"):
        with pytest.raises(UsageError, match="which this command reads"):
            require_output_file(out, [data])


def test_a_new_file_beside_the_tables_may_be_written(data: Path) -> None:
    for name in ("scores.parquet", "reports/scores.csv", "claims_of_may.parquet"):
        require_output_file(data / name, [data, None])


@pytest.mark.parametrize("name", [".", "..", "orders", "orders/2026", "sellers", "../data/orders/report"])
def test_no_directory_that_holds_or_belongs_to_what_is_read_is_written(name: str, data: Path) -> None:
    with pytest.raises(UsageError, match="which this command reads"):
        require_output_directory(data / name, [data])


@pytest.mark.parametrize("name", ["s.xlsx", "s", "s.parquet.gz", "s.feather", "s.csv.zip", "s.gz"])
def test_a_name_that_says_no_format_is_refused_with_the_formats_there_are(name: str, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"says no format that is written, expected an end of \.parquet, \.csv, .* or \.jsonl\.gz"
    ):
        require_output_file(tmp_path / name)


def test_devices_pipes_sockets_and_directories_are_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "directory.csv").mkdir()
    (tmp_path / "device.csv").symlink_to("/dev/null")
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "socket.csv"))
    for kind in ("pipe", "directory", "device", "socket"):
        with pytest.raises(UsageError, match=rf"{kind}\.csv is a .*{kind}, expected the name of a file"):
            require_output_file(tmp_path / f"{kind}.csv")
    with pytest.raises((UsageError, OutputError), match=r"loop\.csv"):
        require_output_file(tmp_path / "loop.csv")


def test_a_file_where_a_directory_is_expected_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file, expected a directory"):
        require_output_file(tmp_path / "file" / "scores.csv")
    with pytest.raises(UsageError, match="file is a file, expected a directory to write to"):
        require_output_directory(tmp_path / "file")
