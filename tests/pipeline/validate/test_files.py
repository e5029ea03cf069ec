"""Files that are no tables, tables found twice, directories whose files differ, and all that is said once and is no error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from claimvet.data.contract.errors import InvalidDataError, UsageError
from claimvet.data.contract.rules import Rule
from claimvet.pipeline.validate import require_valid
from claimvet.pipeline.validate.data_set import judge
from tests.pipeline.validate.good_data import Tables, write_csv, write_directories, write_parquet


def seen(folder: Path) -> list[tuple[str, str, Rule, int]]:
    return [(each.table, each.column, each.rule, each.rows) for each in judge(folder).violations]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no table at all\n" * 1000, b"PAR1" + bytes(200) + b"PAR1"])
def test_garbage_is_no_parquet_table(content: bytes, tables: Tables, tmp_path: Path) -> None:
    folder = write_parquet(tables, tmp_path)
    (folder / "orders.parquet").write_bytes(content)
    assert seen(folder) == [("orders", "", Rule.NO_TABLE, 0)]


def test_a_truncated_parquet_file_is_no_table(tables: Tables, tmp_path: Path) -> None:
    path = write_parquet(tables, tmp_path) / "returns.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    assert seen(tmp_path) == [("returns", "", Rule.NO_TABLE, 0)]


def test_a_parquet_file_with_damaged_pages_is_no_table(tables: Tables, tmp_path: Path) -> None:
    path = write_parquet(tables, tmp_path) / "returns.parquet"
    content = bytearray(path.read_bytes())
    content[4:200] = bytes(196)
    path.write_bytes(content)
    assert seen(tmp_path) == [("returns", "", Rule.NO_TABLE, 0)]


def test_a_file_under_the_name_of_another_format_is_read_as_what_it_is_and_that_is_said(
    tables: Tables, tmp_path: Path
) -> None:
    folder = write_parquet(tables, tmp_path)
    tables["orders"].to_csv(folder / "orders.parquet", index=False)
    (folder / "returns.parquet").rename(folder / "RETURNS.CSV")
    report = judge(folder)
    assert report.violations == ()
    assert report.notes == (
        "orders.parquet is CSV, whatever its name says, and is read as that",
        "RETURNS.CSV is Parquet, whatever its name says, and is read as that",
    )


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00garbage\x00\xff" * 50, b'claim_id,"order_id\nk1,"o1'])
def test_garbage_is_no_csv_table(content: bytes, tables: Tables, tmp_path: Path) -> None:
    folder = write_csv(tables, tmp_path)
    (folder / "claims.csv").write_bytes(content)
    assert seen(folder) == [("claims", "", Rule.NO_TABLE, 0)]


def test_a_text_without_our_columns_is_no_table(tables: Tables, tmp_path: Path) -> None:
    folder = write_csv(tables, tmp_path)
    (folder / "customers.csv").write_text("Dear Sir or Madam\nI write to complain\n")
    (violation,) = judge(folder).violations
    assert violation.rule is Rule.NO_TABLE
    assert violation.detail == (
        "the first line of customers.csv names no column of the table: found 'Dear Sir or Madam', "
        "expected a header with customer_id, created_at"
    )


def test_a_csv_row_with_too_many_fields_is_no_table(tables: Tables, tmp_path: Path) -> None:
    path = write_csv(tables, tmp_path) / "customers.csv"
    path.write_text(path.read_text() + "c3,2024-01-01T00:00:00Z,more,and more\n")
    assert seen(tmp_path) == [("customers", "", Rule.NO_TABLE, 0)]
    (violation,) = judge(tmp_path).violations
    reason = "CSV Error on Line: 4; Expected Number of Columns: 2 Found: 3"
    assert violation.detail == f"customers.csv cannot be read to its end: {reason}"


def test_an_empty_directory_is_no_table(tables: Tables, tmp_path: Path) -> None:
    del tables["sellers"]
    folder = write_parquet(tables, tmp_path)
    (folder / "sellers").mkdir()
    assert seen(folder) == [("sellers", "", Rule.NO_TABLE, 0)]


def test_one_bad_file_makes_a_directory_no_table_and_is_named(tables: Tables, tmp_path: Path) -> None:
    folder = write_directories(tables, tmp_path)
    (folder / "orders.parquet" / "part-001.parquet").write_bytes(b"garbage")
    (violation,) = judge(folder).violations
    assert violation.rule is Rule.NO_TABLE
    assert "orders.parquet/part-001.parquet cannot be read as Parquet" in violation.detail


def test_a_table_found_twice_is_named_with_both_its_files(tables: Tables, tmp_path: Path) -> None:
    folder = write_parquet(tables, tmp_path)
    write_csv({"claims": tables["claims"]}, folder)
    (violation,) = judge(folder).violations
    assert (violation.table, violation.rule) == ("claims", Rule.TABLE_TWICE)
    assert violation.detail == "found claims.parquet and claims.csv; expected one of them"


def part(tables: Tables, folder: Path, name: str, number: int) -> tuple[Path, pd.DataFrame]:
    path = write_directories(tables, folder) / f"{name}.parquet" / f"part-{number:03}.parquet"
    return path, pd.read_parquet(path)


def test_a_column_missing_in_one_file_of_a_directory_is_missing_in_its_rows(tables: Tables, tmp_path: Path) -> None:
    path, frame = part(tables, tmp_path, "claims", 2)
    frame.drop(columns="narrative").to_parquet(path, index=False)
    (violation,) = judge(tmp_path).violations
    assert (violation.column, violation.rule, violation.rows, violation.keys) == (
        "narrative",
        Rule.MISSING_COLUMN,
        1,
        ("k3",),
    )
    assert "none in part-002.parquet" in violation.detail


def test_a_type_that_differs_in_one_file_is_wrong_in_its_rows(tables: Tables, tmp_path: Path) -> None:
    path, frame = part(tables, tmp_path, "orders", 1)
    frame.assign(customer_id=[7]).to_parquet(path, index=False)
    (violation,) = judge(tmp_path).violations
    assert (violation.column, violation.rule, violation.rows, violation.keys) == (
        "customer_id",
        Rule.WRONG_TYPE,
        1,
        ("o2",),
    )
    assert violation.detail == "found BIGINT in part-001.parquet; expected a string of 1 to 64 characters"


def test_a_zone_missing_in_one_file_is_missing_in_its_rows(tables: Tables, tmp_path: Path) -> None:
    path, frame = part(tables, tmp_path, "orders", 0)
    frame.assign(ordered_at=frame["ordered_at"].dt.tz_localize(None)).to_parquet(path, index=False)
    assert seen(tmp_path) == [("orders", "ordered_at", Rule.NO_ZONE, 1)]


def test_what_is_missing_empty_or_ignored_is_said_once_and_is_no_error(tables: Tables, tmp_path: Path) -> None:
    del tables["sellers"], tables["evidence"]
    tables["customers"] = tables["customers"].head(0)
    tables["claims"] = tables["claims"].assign(x_site="a", group_age=[1, 2, 3], note="b")
    tables["orders"] = tables["orders"].assign(x_site="a", colour="red")
    folder = write_parquet(tables, tmp_path)
    (folder / "truth").mkdir()
    (folder / "read me.txt").touch()
    (folder / "_SUCCESS").touch()
    report = judge(folder)
    assert report.ok
    assert report.notes == (
        "ignored, as the contract has no such table: read me.txt, truth",
        "ignored columns of orders: colour, x_site",
        "ignored columns of claims: note",
        "tables not there, so the features from them will be null: sellers, evidence",
        "tables empty, so the features from them will be null: customers",
    )


def test_extra_columns_may_have_any_name(tables: Tables, tmp_path: Path) -> None:
    names = ("row_number", "t", "o", "e", 'say "x"', "x_say 'y'", "filename", "number")
    tables["claims"] = tables["claims"].assign(**dict.fromkeys(names, "a")).assign(order_id=["o9", "o1", "o1"])
    del tables["evidence"]["evidence_id"]
    tables["evidence"] = tables["evidence"].assign(**dict.fromkeys(names, "a"))
    assert seen(write_parquet(tables, tmp_path)) == [
        ("claims", "order_id", Rule.CLAIM_WITHOUT_ORDER, 1),
        ("evidence", "evidence_id", Rule.MISSING_COLUMN, 2),
    ]


def test_claims_alone_are_a_data_set(tables: Tables, tmp_path: Path) -> None:
    assert judge(write_parquet({"claims": tables["claims"]}, tmp_path)).ok


def test_claims_on_orders_are_not_judged_without_orders(tables: Tables, tmp_path: Path) -> None:
    tables["orders"] = tables["orders"].head(0)
    assert judge(write_parquet(tables, tmp_path)).ok


def test_new_claims_are_judged_with_the_orders_of_the_data_set(tables: Tables, tmp_path: Path) -> None:
    folder = write_parquet(tables, tmp_path / "data")
    write_csv({"today": tables["claims"].assign(order_id=["o1", "o9", None], claim_id=["n1", "n2", "n3"])}, tmp_path)
    (violation,) = judge(folder, tmp_path / "today.csv").violations
    assert (violation.table, violation.rule, violation.keys) == (
        "claims of today.csv",
        Rule.CLAIM_WITHOUT_ORDER,
        ("n2",),
    )


def test_a_data_set_needs_no_claims_beside_a_file_of_new_claims(tables: Tables, tmp_path: Path) -> None:
    claims = tables.pop("claims")
    folder = write_parquet(tables, tmp_path / "data")
    write_parquet({"today": claims}, tmp_path)
    assert judge(folder, tmp_path / "today.parquet").ok


def test_an_outcome_may_be_of_a_new_claim(tables: Tables, tmp_path: Path) -> None:
    claims = tables["claims"]
    tables["claims"] = claims[:1]
    folder = write_parquet(tables, tmp_path / "data")
    write_parquet({"today": claims[1:]}, tmp_path)
    assert judge(folder, tmp_path / "today.parquet").ok
    assert not judge(folder).ok


def test_what_is_required_to_be_valid_is_refused_with_every_violation(tables: Tables, tmp_path: Path) -> None:
    tables["orders"]["amount"] *= -1
    tables["claims"]["claim_type"] = "theft"
    with pytest.raises(
        InvalidDataError, match=r"(?s)orders.amount: negative .* in 2 rows .*claims.claim_type: unknown value in 3 rows"
    ):
        require_valid(write_parquet(tables, tmp_path))


def test_what_is_valid_is_accepted_with_its_notes(tables: Tables, tmp_path: Path) -> None:
    del tables["sellers"]
    notes = require_valid(write_parquet(tables, tmp_path))
    assert notes == ("tables not there, so the features from them will be null: sellers",)


def test_a_directory_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere is no directory, expected one with a file per table"):
        judge(tmp_path / "nowhere")


def test_a_file_of_claims_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"today.csv does not exist"):
        judge(tmp_path, tmp_path / "today.csv")


@pytest.mark.parametrize(
    ("name", "content", "detail"),
    [
        (
            "orders.xlsx",
            b"PK\x03\x04",
            "orders.xlsx is a zip archive or an Excel workbook; expected orders.parquet, orders.csv",
        ),
        ("Orders.TSV", b"order_id\t", "found Orders.TSV; expected orders.parquet, orders.csv, orders.csv.gz"),
        ("orders.csv.parquet", b"PAR1", "found orders.csv.parquet; expected orders.parquet"),
        ("orders.json", b'[{"order_id": 1}]', "orders.json is JSON; expected orders.parquet"),
        (
            "ORDERS.CSV",
            b"order_id;amount\n",
            "the header of ORDERS.CSV is one field: the separator is `;`, expected `,`",
        ),
    ],
)
def test_a_file_that_is_named_after_a_table_and_is_none_is_no_table(
    name: str, content: bytes, detail: str, tables: Tables, tmp_path: Path
) -> None:
    del tables["orders"]
    folder = write_parquet(tables, tmp_path)
    (folder / name).write_bytes(content)
    (violation,) = judge(folder).violations
    assert (violation.table, violation.rule) == ("orders", Rule.NO_TABLE)
    assert violation.detail.startswith(detail)


def test_another_format_beside_a_table_is_ignored(tables: Tables, tmp_path: Path) -> None:
    folder = write_parquet(tables, tmp_path)
    (folder / "orders.xlsx").write_bytes(b"PK\x03\x04")
    (folder / "orders.md").write_text("about orders")
    report = judge(folder)
    assert (report.violations, report.notes) == (
        (),
        ("ignored, as the contract has no such table: orders.md, orders.xlsx",),
    )


def test_a_column_spelt_otherwise_is_named_where_one_is_missing(
    write: Callable[[Tables, Path], Path], tables: Tables, tmp_path: Path
) -> None:
    tables["claims"] = tables["claims"].rename(columns={"claim_type": " Claim Type "}).assign(X_Size=1)
    (violation,) = (report := judge(write(tables, tmp_path))).violations
    assert (violation.column, violation.rule) == ("claim_type", Rule.MISSING_COLUMN)
    assert violation.detail.startswith("found column ' Claim Type '; expected a column with one of")
    assert report.notes == (
        "ignored columns of claims:  Claim Type , X_Size",
        "'X_Size' of claims is no feature, since its name is not spelt x_size",
    )


def test_text_that_is_not_utf8_is_named_with_its_line(tables: Tables, tmp_path: Path) -> None:
    path = write_csv(tables, tmp_path) / "sellers.csv"
    path.write_bytes(path.read_bytes() + "Müller,2024-01-01T00:00:00Z\n".encode("latin-1"))
    (violation,) = judge(tmp_path).violations
    assert violation.detail == (
        "line 4 of sellers.csv is not UTF-8 (byte 0xFC; Latin-1 or Windows-1252?), expected UTF-8"
    )


def test_rows_that_a_spreadsheet_left_empty_are_named_as_that(tables: Tables, tmp_path: Path) -> None:
    path = write_csv(tables, tmp_path) / "sellers.csv"
    path.write_text(path.read_text() + ",\n,\n")
    first, _ = judge(tmp_path).violations
    assert (first.rule, first.rows) == (Rule.NULL, 2)
    assert first.detail == "2 rows are empty in every field, as spreadsheets leave them; expected a value in every row"


def test_how_features_were_read_is_said_once(tables: Tables, tmp_path: Path) -> None:
    own = {"x_zip": ["02139", "10001", None], "x_cost": ["1.234,56", "2,50", "3"], "x_ratio": ["1.5", "inf", "-inf"]}
    tables["claims"] = tables["claims"].assign(**own)
    notes = judge(write_csv(tables, tmp_path)).notes
    assert [note.partition("; `types:")[0] for note in notes] == [
        "x_zip is read as text, since '02139' is not how a quantity is written",
        "x_cost is read as text, since '1.234,56' is not how a quantity is written",
        "2 numbers of x_ratio of claims are not finite, and count as missing",
    ]
