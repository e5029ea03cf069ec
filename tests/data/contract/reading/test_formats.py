"""A file's format is what its name says, in any case, and what its bytes say where they say otherwise."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from claimvet.data.contract.errors import InvalidDataError
from claimvet.data.contract.reading.formats import Format, format_of


def parquet(path: Path) -> Path:
    pd.DataFrame({"claim_id": ["k1"]}).to_parquet(path)
    return path


def text(path: Path, content: str = "claim_id,filed_at\n") -> Path:
    path.write_text(content)
    return path


@pytest.mark.parametrize("name", ["new.parquet", "NEW.PARQUET", "new.csv.parquet"])
def test_a_name_in_any_case_says_parquet(name: str, tmp_path: Path) -> None:
    form = format_of(parquet(tmp_path / name))
    assert (form.format, form.note) == (Format.PARQUET, "")


@pytest.mark.parametrize("name", ["new.csv", "NEW.CSV", "new.parquet.csv"])
def test_a_name_in_any_case_says_csv(name: str, tmp_path: Path) -> None:
    form = format_of(text(tmp_path / name))
    assert (form.format, form.note) == (Format.CSV, "")


def test_bytes_count_where_they_contradict_the_name_and_that_is_said(tmp_path: Path) -> None:
    assert (
        format_of(parquet(tmp_path / "new.csv")).note
        == "new.csv is Parquet, whatever its name says, and is read as that"
    )
    assert format_of(text(tmp_path / "new.parquet")).format is Format.CSV
    assert format_of(parquet(tmp_path / "new")).format is Format.PARQUET
    assert format_of(text(tmp_path / "new.csv.gz")).format is Format.CSV


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "new.txt",
            "claim_id,filed_at\n",
            r"new.txt does not say what it is, expected .* \.parquet, \.csv or \.csv\.gz",
        ),
        ("new.parquet", "no table at all\n", "new.parquet is no Parquet file: it begins with b'no table at all"),
        ("new.parquet", "PARE", "new.parquet is an encrypted Parquet file, expected a Parquet file"),
        ("new.parquet", "version https://git-lfs.github.com", "new.parquet is a pointer of Git LFS"),
        (
            "new.xlsx",
            "PK\x03\x04",
            "new.xlsx is a zip archive or an Excel workbook, expected a file whose name ends in",
        ),
    ],
)
def test_what_is_no_table_is_called_by_its_name(name: str, content: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError, match=reason):
        format_of(text(tmp_path / name, content))


def test_a_directory_is_no_csv_file(tmp_path: Path) -> None:
    (tmp_path / "new.csv").mkdir()
    with pytest.raises(InvalidDataError, match=r"new.csv is a directory, expected a CSV file of that name"):
        format_of(tmp_path / "new.csv")
