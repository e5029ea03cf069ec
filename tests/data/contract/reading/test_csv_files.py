"""A CSV file is read as it lies: nothing skipped, nothing guessed from the first rows, and what is wrong is named as a person would."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import duckdb
import pytest

from claimvet.data.contract.dataset import TableFile
from claimvet.data.contract.errors import InvalidDataError
from claimvet.data.contract.reading.feature_types import FeatureTypes
from claimvet.data.contract.tables import TABLES

HEADER = ",".join(TABLES["customers"].column_names)
CLAIMS = TABLES["claims"].column_names


def written(folder: Path, content: str | bytes, name: str = "customers.csv") -> TableFile:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return TableFile(TABLES["customers"], path)


def read(file: TableFile) -> list[tuple[Any, ...]]:
    return duckdb.sql(f"SELECT * FROM {file.relation}").fetchall()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_ending_is_read(end: str, tmp_path: Path) -> None:
    assert read(written(tmp_path, f"{HEADER}{end}c1,a{end}c2,b{end}")) == [("c1", "a"), ("c2", "b")]


def test_a_quoted_field_may_hold_commas_quotes_and_line_breaks(tmp_path: Path) -> None:
    file = written(tmp_path, f'{HEADER}\nc1,"it said ""bang"",\nand broke"\n')
    assert read(file) == [("c1", 'it said "bang",\nand broke')]


def test_an_empty_field_is_a_null_quoted_or_not(tmp_path: Path) -> None:
    assert read(written(tmp_path, f'{HEADER},note\nc1,"",\n')) == [("c1", None, None)]


@pytest.mark.parametrize(
    "content",
    [
        f"\ufeff{HEADER},\nc1,é,\n".encode(),
        f"{HEADER}\nc1,é\n\n\n".encode(),
        '"customer_id","created_at"\n"c1","é"\n'.encode(),
        f"{HEADER}\nc1,é\n".encode("utf-16"),
        f"{HEADER}\nc1,é,\n".encode(),
    ],
    ids=["a mark and a nameless column", "empty last lines", "all quoted", "UTF-16", "a comma too many at the end"],
)
def test_what_spreadsheets_leave_and_means_one_thing_is_read(content: bytes, tmp_path: Path) -> None:
    assert read(written(tmp_path, content))[0][:2] == ("c1", "é")


def test_a_nameless_column_is_called_after_its_place(tmp_path: Path) -> None:
    file = written(tmp_path, f",{HEADER},\n0,c1,x,\n")
    assert list(file.columns(duckdb.connect())) == ["column 1", "customer_id", "created_at", "column 4"]


@pytest.mark.parametrize("name", ["customers.csv.gz", "CUSTOMERS.CSV.GZ", "customers.csv"])
def test_a_compressed_file_is_read_whatever_its_name(name: str, tmp_path: Path) -> None:
    file = written(tmp_path, gzip.compress(f"{HEADER}\nc1,7\n".encode()), name)
    assert read(file) == [("c1", "7")]
    assert bool(file.format.note) == (name == "customers.csv")


def test_a_column_that_the_contract_calls_a_string_is_one_whatever_it_holds(tmp_path: Path) -> None:
    assert read(written(tmp_path, f"{HEADER}\n007,2024-01-01\n")) == [("007", "2024-01-01")]


def test_a_row_with_more_fields_is_refused_and_no_row_before_it_is_skipped(tmp_path: Path) -> None:
    with pytest.raises(duckdb.Error, match="Expected Number of Columns: 2 Found: 3"):
        read(written(tmp_path, f"{HEADER}\nc1,a\nc2,b\nc3,c,d,e\n"))


CAUSES = [
    ("customer_id;created_at\nc1;x\n", "the header of customers.csv is one field: the separator is `;`, expected `,`"),
    ("customer_id\tcreated_at\nc1\tx\n", "the separator is a tab, expected `,`"),
    ("customer_id|created_at\nc1|x\n", r"the separator is `\|`, expected `,`"),
    ('"customer_id";"created_at"\n', "the separator is `;`, expected `,`"),
    ("customer_id,created_at\n".encode("utf-16-le"), "customers.csv holds NUL bytes, as UTF-16 without its mark does"),
    ("\ncustomer_id,created_at\n", "its first line is empty, expected the header"),
    ("sep=;\ncustomer_id;created_at\n", "the first line of customers.csv is 'sep=;', a spreadsheet's note to itself"),
    ("CUSTOMER_ID,CREATED_AT\n", "found column CUSTOMER_ID, CREATED_AT, expected customer_id, created_at"),
    (" customer_id , Created At\n", "found column  customer_id ,  Created At, expected customer_id, created_at"),
    ("c1,2024-01-01T00:00:00Z\n", "names no column of the table: found 'c1, 2024-01-01T00:00:00Z', expected a header"),
    ("customer_id,created_at,Created_At\n", "the header of customers.csv names created_at twice, expected it once"),
    ("", "customers.csv is empty, expected a CSV file"),
    ("\n \n", "customers.csv is empty, expected a CSV file"),
    (b"customer_id,n\xe4me\n", r"line 1 of customers.csv is not UTF-8 \(byte 0xE4; Latin-1 or Windows-1252\?\)"),
    (
        "customer_id,created_at".encode("utf-16-be").join([b"\xfe\xff", b""]),
        "customers.csv is UTF-16 with its high bytes",
    ),
    (b"PK\x03\x04xl/workbook", "customers.csv is a zip archive or an Excel workbook, expected a CSV file"),
    ("<!DOCTYPE html><html>", "customers.csv is a web page, expected a CSV file"),
    ('\ufeff [{"customer_id": 1}]', "customers.csv is JSON, expected a CSV file"),
    (gzip.compress(b"%PDF-1.7"), "customers.csv is a PDF document, expected a CSV file"),
    (b"\x1f\x8b\x08damaged", "customers.csv is a damaged gzip file"),
    ('customer_id,"created_at', "customers.csv cannot be read as CSV: unexpected end of data"),
]


@pytest.mark.parametrize(("content", "cause"), CAUSES, ids=[str(number) for number in range(len(CAUSES))])
def test_the_cause_is_named_in_one_sentence(content: str | bytes, cause: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError, match=cause) as raised:
        written(tmp_path, content).columns(duckdb.connect())
    assert "\n" not in str(raised.value)


def typed(folder: Path, values: list[str], **known: Any) -> TableFile:
    rows = "".join(f"{','.join([f'k{at}'] * len(CLAIMS))},{value}\n" for at, value in enumerate(values))
    path = folder / "claims.csv"
    path.write_text(f"{','.join(CLAIMS)},x_size\n{rows}")
    return TableFile(TABLES["claims"], path, FeatureTypes(known, "the model"))


def size_type(file: TableFile) -> str:
    return file.columns(duckdb.connect())["x_size"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "", "-2", "0"], "BIGINT"),
        (["1", "2.5", "-0.25"], "DOUBLE"),
        (["0.30000000000000004", "1e-05", "1.5e+16"], "DOUBLE"),
        (["1.5", "inf", "-Infinity", "NaN"], "DOUBLE"),
        (["true", "False", "TRUE"], "BOOLEAN"),
        (["1", "two"], "VARCHAR"),
        (["1"] * 30_000 + ["two"], "VARCHAR"),
        (["", ""], "VARCHAR"),
        (["nan"], "VARCHAR"),
        (["10001", "02139"], "VARCHAR"),
        (["+49301234", "1"], "VARCHAR"),
        (["1E5", "1"], "VARCHAR"),
        (["1e5", "1"], "VARCHAR"),
        (["1.2E+15"], "VARCHAR"),
        (["1234567890123456"], "VARCHAR"),
        (["00", "1"], "VARCHAR"),
        (["1.", "2"], "VARCHAR"),
        (["1_000", "2"], "VARCHAR"),
        (["true", "1"], "VARCHAR"),
    ],
)
def test_a_feature_that_nobody_knows_has_the_type_of_the_rule(values: list[str], expected: str, tmp_path: Path) -> None:
    assert size_type(typed(tmp_path, values)) == expected


@pytest.mark.parametrize(
    ("known", "values", "expected"),
    [
        ("text", ["1", "2"], ["1", "2"]),
        ("text", ["1.50", "true"], ["1.50", "true"]),
        ("number", ["007", "+1", "1E5"], [7.0, 1.0, 1e5]),
        ("number", ["true", "false", ""], [True, False, None]),
        ("number", ["1", "inf", "nan"], [1.0, None, None]),
        ("boolean", ["TRUE", "false"], [True, False]),
        ("number", ["", ""], [None, None]),
    ],
)
def test_a_feature_that_a_model_or_a_person_knows_is_read_as_that(
    known: str, values: list[str], expected: list[object], tmp_path: Path
) -> None:
    select = typed(tmp_path, values, x_size=known).typed_select(duckdb.connect())
    assert [row[0] for row in duckdb.sql(f"SELECT x_size FROM ({select})").fetchall()] == expected


@pytest.mark.parametrize(
    ("known", "values", "culprit"),
    [("number", ["1", "two"], "two"), ("boolean", ["true", "yes"], "yes"), ("number", ["1", "#N/A"], "#N/A")],
)
def test_a_value_of_another_type_is_refused_by_column_and_value(
    known: str, values: list[str], culprit: str, tmp_path: Path
) -> None:
    with pytest.raises(
        InvalidDataError, match=f"column x_size of claims.csv holds '{culprit}' .*as the model has them"
    ):
        typed(tmp_path, values, x_size=known).typed_select(duckdb.connect())


def test_why_a_feature_of_numbers_is_text_is_said(tmp_path: Path) -> None:
    file = typed(tmp_path, ["10001", "02139", "94110"])
    (feature,) = file.csv_features if size_type(file) else []
    assert feature.why_text.startswith(
        "x_size is read as text, since '02139' is not how a quantity is written; `types:"
    )
