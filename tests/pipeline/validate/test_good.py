"""What keeps the contract passes, however it is written down."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claimvet.data.contract.rules import relations_of
from claimvet.data.contract.tables import TABLES, Column, Kind, Table
from claimvet.pipeline.validate.data_set import judge
from tests.examples import examples
from tests.pipeline.validate.good_data import WRITERS, Tables, write_csv, write_parquet


def test_the_good_data_set_keeps_the_contract(
    write: Callable[[Tables, Path], Path], tables: Tables, tmp_path: Path
) -> None:
    report = judge(write(tables, tmp_path))
    assert report.violations == ()
    assert report.notes == ()
    assert [(table.name, table.rows) for table in report.tables] == [(name, len(tables[name])) for name in TABLES]


def test_every_relation_is_judged_where_all_tables_are_there(tables: Tables, tmp_path: Path) -> None:
    for table in judge(write_parquet(tables, tmp_path)).tables:
        judged = {result.check.rule for result in table.results}
        assert {relation.rule for relation in relations_of(table.table)} <= judged


ALLOWED: tuple[tuple[str, Callable[[Tables], Any]], ...] = (
    (
        "events of customers, sellers and products that their tables lack",
        lambda t: t["orders"].update({"customer_id": ["c9"] * 3}),
    ),
    ("returns and reports of orders that orders lacks", lambda t: t["returns"].update({"order_id": ["o9"] * 3})),
    ("evidence of a claim that claims lacks", lambda t: t["evidence"].update({"claim_id": ["k9"] * 2})),
    ("an incident at the moment of filing", lambda t: t["claims"].update({"incident_at": t["claims"]["filed_at"]})),
    ("an outcome at the moment of filing", lambda t: t["outcomes"].update({"decided_at": t["claims"]["filed_at"]})),
    ("a claim for nothing", lambda t: t["claims"].update({"amount_claimed": [0.0] * 3})),
    ("an identifier of 64 characters that are not ASCII", lambda t: t["orders"].update({"seller_id": ["é" * 64] * 3})),
    ("a narrative of any length", lambda t: t["claims"].update({"narrative": ["so, " * 20_000] * 3})),
)


@pytest.mark.parametrize(("name", "change"), ALLOWED, ids=[name for name, _ in ALLOWED])
def test_what_the_contract_does_not_forbid_is_allowed(
    name: str, change: Callable[[Tables], Any], tables: Tables, tmp_path: Path
) -> None:
    change(tables)
    assert judge(write_parquet(tables, tmp_path)).violations == ()


INSTANTS = [
    pa.timestamp(unit, zone) for unit, zone in (("s", "UTC"), ("ms", "UTC"), ("ns", "UTC"), ("us", "America/New_York"))
]


def rewrite(path: Path, name: str, kind: pa.DataType) -> None:
    """Write a Parquet file again with one column cast to another Arrow type."""
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.column_names.index(name), name, table[name].cast(kind, safe=False)), path)


@pytest.mark.parametrize(
    ("column", "kind"),
    [("filed_at", kind) for kind in INSTANTS]
    + [("claim_id", kind) for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()))]
    + [("amount_claimed", kind) for kind in (pa.int64(), pa.float32(), pa.decimal128(25, 2))],
    ids=str,
)
def test_every_width_of_a_type_is_accepted(column: str, kind: pa.DataType, tables: Tables, tmp_path: Path) -> None:
    tables["claims"]["amount_claimed"] = [100.0, None, 2500.0]
    tables["claims"]["filed_at"] = tables["claims"]["filed_at"].dt.floor("s")
    folder = write_parquet(tables, tmp_path)
    rewrite(folder / "claims.parquet", column, kind)
    assert judge(folder).violations == ()


def test_a_column_without_values_has_every_type(tables: Tables, tmp_path: Path) -> None:
    nulls = dict.fromkeys(("order_id", "incident_at", "amount_claimed", "narrative", "x_extra"))
    tables["claims"] = tables["claims"].assign(**nulls)
    tables["returns"]["inspected_at"] = pd.Series(pd.NaT, index=range(3), dtype="datetime64[us]")
    tables["returns"]["condition"] = np.nan
    assert judge(write_parquet(tables, tmp_path)).violations == ()


@pytest.mark.parametrize(
    "values", [[1, 2, 3], [1.5, None, np.inf], [True, None, False], ["a", None, "b"], [None, None, "b"]]
)
@pytest.mark.parametrize("form", WRITERS)
def test_feature_columns_are_numbers_booleans_or_strings(
    form: str, values: list[Any], tables: Tables, tmp_path: Path
) -> None:
    tables["claims"] = tables["claims"].assign(x_extra=values)
    assert judge(WRITERS[form](tables, tmp_path)).violations == ()


@pytest.mark.parametrize(
    "time", ["2024-01-01T00:00:00Z", "2024-01-01 00:00:00+00", "2024-01-01T01:30:00.5+01:30", "2024-01-01 00:00 UTC"]
)
def test_every_way_to_write_a_zone_is_accepted_in_csv(time: str, tables: Tables, tmp_path: Path) -> None:
    tables["orders"]["ordered_at"] = time
    assert judge(write_csv(tables, tmp_path)).violations == ()


def value(column: Column) -> st.SearchStrategy[Any]:
    """Any value that the contract allows in a column, but for nulls."""
    text = st.text(st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=64)
    return {
        Kind.IDENTIFIER: st.text("ab☃ \"',", min_size=1, max_size=64),
        Kind.CATEGORY: text.filter(bool),
        Kind.CHOICE: st.sampled_from(column.values or ("",)),
        Kind.TEXT: text.filter(bool),
        Kind.TIME: st.integers(0, 2**52).map(lambda micros: pd.Timestamp(micros, unit="us", tz="UTC")),
        Kind.MONEY: st.integers(0, 10**9).map(lambda cents: cents / 100),
    }[column.kind]


def rows(table: Table) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows with distinct keys, and nulls where they may be."""
    fields = {c.name: st.none() | value(c) if c.nullable else value(c) for c in table.columns}
    return st.lists(
        st.fixed_dictionaries(fields),
        min_size=1,
        max_size=6,
        unique_by=lambda row: tuple(row[name] for name in table.key),
    )


@st.composite
def data_sets(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """A data set that keeps the contract: any rows, put right where two columns or tables hang together."""
    made = {table.name: draw(rows(table)) for table in TABLES.values()}
    for row in made["returns"]:
        if row["inspected_at"] is None or row["condition"] is None:
            row["inspected_at"] = row["condition"] = None
        else:
            row["requested_at"], row["inspected_at"] = sorted((row["requested_at"], row["inspected_at"]))
    for row in made["insurance_policies"]:
        row["valid_from"], row["valid_to"] = sorted((row["valid_from"], row["valid_to"]))
    for row in made["claims"]:
        if row["incident_at"] is not None:
            row["incident_at"], row["filed_at"] = sorted((row["incident_at"], row["filed_at"]))
        if row["order_id"] is not None:
            row["order_id"] = draw(st.sampled_from(made["orders"]))["order_id"]
    for row in made["outcomes"]:
        claim = draw(st.sampled_from(made["claims"]))
        row["claim_id"], row["decided_at"] = claim["claim_id"], max(claim["filed_at"], row["decided_at"])
    return made


def frame(table: Table, drawn: list[dict[str, Any]]) -> pd.DataFrame:
    made = pd.DataFrame(drawn, columns=list(table.column_names))
    times = [column.name for column in table.columns if column.kind is Kind.TIME]
    return made.assign(**{name: pd.to_datetime(made[name], utc=True).dt.as_unit("us") for name in times})


@pytest.mark.slow
@settings(
    max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(drawn=data_sets())
def test_any_data_set_that_keeps_the_contract_passes_in_any_form(drawn: dict[str, list[dict[str, Any]]]) -> None:
    tables = {name: frame(TABLES[name], made) for name, made in drawn.items()}
    for form, write in WRITERS.items():
        with tempfile.TemporaryDirectory() as folder:
            assert judge(write(tables, Path(folder) / "data")).violations == (), form
