"""A CSV file is read as it lies: nothing skipped, nothing guessed from the first rows."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import duckdb
import pytest
from claimvet.data.contract.csv_files import csv_header, csv_relation

from claimvet.data.contract.errors import InvalidDataError


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "claims.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path) -> list[tuple[Any, ...]]:
    return duckdb.sql(f"SELECT * FROM {csv_relation(path, ('claim_id',))}").fetchall()


def types(path: Path) -> dict[str, str]:
    return {
        row[0]: row[1] for row in duckdb.sql(f"DESCRIBE SELECT * FROM {csv_relation(path, ('claim_id',))}").fetchall()
    }


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_ending_is_read(end: str, tmp_path: Path) -> None:
    assert read(written(tmp_path, f"claim_id,note{end}k1,a{end}k2,b{end}")) == [("k1", "a"), ("k2", "b")]


def test_a_quoted_field_may_hold_commas_quotes_and_line_breaks(tmp_path: Path) -> None:
    assert read(written(tmp_path, 'claim_id,note\nk1,"it said ""bang"",\nand broke"\n')) == [
        ("k1", 'it said "bang",\nand broke')
    ]


def test_an_empty_field_is_a_null_quoted_or_not(tmp_path: Path) -> None:
    assert read(written(tmp_path, 'claim_id,note,x_size\nk1,"",\n')) == [("k1", None, None)]


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    assert csv_header(written(tmp_path, b"\xef\xbb\xbfclaim_id,note\n")) == ["claim_id", "note"]


def test_a_nameless_column_is_called_after_its_place(tmp_path: Path) -> None:
    assert csv_header(written(tmp_path, ",claim_id\n0,k1\n")) == ["column 1", "claim_id"]


def test_a_compressed_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "claims.csv.gz"
    path.write_bytes(gzip.compress(b"claim_id,x_size\nk1,7\n"))
    assert read(path) == [("k1", 7)]


def test_a_column_that_the_contract_calls_a_string_is_one_whatever_it_holds(tmp_path: Path) -> None:
    assert types(written(tmp_path, "claim_id,note\n007,2024-01-01\n")) == {"claim_id": "VARCHAR", "note": "VARCHAR"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "", "-2"], "BIGINT"),
        (["1", "2.5"], "DOUBLE"),
        (["true", "False"], "BOOLEAN"),
        (["1", "two"], "VARCHAR"),
        (["1"] * 30_000 + ["two"], "VARCHAR"),
        (["", ""], "VARCHAR"),
        (["99999999999999999999"], "DOUBLE"),
    ],
    ids=["integers", "numbers", "booleans", "strings", "a string in the last row", "nothing", "integers too great"],
)
def test_a_feature_column_has_the_type_that_fits_all_its_values(
    values: list[str], expected: str, tmp_path: Path
) -> None:
    content = "claim_id,x_size\n" + "".join(f"k{number},{value}\n" for number, value in enumerate(values))
    assert types(written(tmp_path, content))["x_size"] == expected


def test_a_row_with_more_fields_is_refused_and_no_row_before_it_is_skipped(tmp_path: Path) -> None:
    path = written(tmp_path, "claim_id,note\nk1,a\nk2,b\nk3,c,d,e\n")
    with pytest.raises(duckdb.Error, match="Expected Number of Columns: 2 Found: 3"):
        read(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it has no header"),
        (b"\xff\xfec\x00l\x00", "can't decode byte"),
        (b"claim_id,note,Note\n", "its header names note twice"),
    ],
)
def test_a_file_without_a_readable_header_is_no_table(content: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError, match=f"claims.csv cannot be read as CSV: .*{reason}"):
        csv_header(written(tmp_path, content))


def test_a_file_that_is_no_gzip_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "claims.csv.gz"
    path.write_bytes(b"claim_id\n")
    with pytest.raises(InvalidDataError, match=r"claims.csv.gz cannot be read as CSV: Not a gzipped file"):
        csv_header(path)
