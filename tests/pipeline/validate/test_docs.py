"""Great Expectations agrees with the engine on every check, and its Data Docs say so offline."""

from __future__ import annotations

import socket
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from data.contract.errors import UsageError
from data.contract.rules import RELATIONS, Reference, Rule, TimeOrderAcross
from data.contract.tables import TABLES
from pipeline.validate import DOCS_DIRECTORY, validate_data_set
from pipeline.validate.data_set import judge
from pipeline.validate.docs import suite_result, write_docs
from pipeline.validate.library import gx
from pipeline.validate.report import TableResult
from pipeline.validate.suites import ExpectColumnToHoldItsKind, expectation_of, portable_query
from tests.pipeline.validate.good_data import Tables, write_csv, write_parquet

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def spoil(tables: Tables) -> Tables:
    """Break as many rules at once as can be broken without hiding one another."""
    tables["orders"].loc[1, "amount"] = -3.0
    tables["orders"].loc[0, "seller_id"] = None
    tables["identity_links"]["kind"] = ["phone", "phone", "device"]
    tables["claims"]["claim_type"] = ["theft", "$x", "property_damage"]
    tables["claims"].loc[2, "product_id"] = "p" * 65
    tables["outcomes"].loc[0, "claim_id"] = "k9"
    tables["outcomes"].loc[1, "outcome_id"] = "d1"
    tables["outcomes"].loc[2, "decided_at"] -= pd.Timedelta(days=9)
    tables["returns"].loc[1, "condition"] = "used"
    tables["returns"].loc[0, "condition"] = None
    tables["insurance_policies"]["valid_to"] -= pd.Timedelta(days=1)
    tables["claims"].loc[0, "incident_at"] += pd.Timedelta(days=2)
    tables["products"].loc[0, "category_id"] = ""
    tables["sellers"]["created_at"] = tables["sellers"]["created_at"].dt.tz_localize(None)
    del tables["products"]["price"]
    return tables


@pytest.fixture
def spoiled(tables: Tables, tmp_path: Path) -> Path:
    return write_parquet(spoil(tables), tmp_path / "data")


def test_great_expectations_judges_every_check_as_the_engine_did(spoiled: Path) -> None:
    for table in judge(spoiled).tables:
        _, result = suite_result(table)
        assert [each.success for each in result.results] == [not each.failed for each in table.results], table.name


def test_every_count_reaches_great_expectations(spoiled: Path) -> None:
    (orders,) = (table for table in judge(spoiled).tables if table.name == "orders")
    _, result = suite_result(orders)
    (amount,) = (
        each.result for each in result.results if not each.success and "amount" in str(each.expectation_config)
    )
    assert (amount["element_count"], amount["unexpected_count"]) == (3, 1)
    assert amount["unexpected_index_list"] == [{"amount found": "-3.0", "order_id": "o2"}]


def on_pandas(table: TableResult, frame: pd.DataFrame) -> list[tuple[str, bool, bool]]:
    """(rule, our verdict, the verdict of Great Expectations' own pandas engine) for what pandas can judge."""
    warnings.simplefilter("ignore")  # pytest restores the filters; their engine calls deprecated pandas
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset(table.name)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    verdicts = []
    for result in table.results:
        expectation = expectation_of(result.check)
        across = isinstance(result.check.basis, Reference | TimeOrderAcross)
        if not across and not isinstance(expectation, ExpectColumnToHoldItsKind):
            theirs = batch.validate(expectation)
            assert not theirs.exception_info["raised_exception"]
            verdicts.append((f"{result.check.columns} {result.check.rule}", not result.failed, bool(theirs.success)))
    return verdicts


@pytest.mark.slow
def test_the_suites_give_the_same_verdict_on_great_expectations_own_engine(spoiled: Path) -> None:
    judged = 0
    for table in judge(spoiled).tables:
        frame = pd.read_parquet(spoiled / f"{table.name}.parquet")
        for name, ours, theirs in on_pandas(table, frame):
            assert ours == theirs, f"{table.name} {name}"
            judged += 1
    assert judged > 100


def test_relations_between_tables_are_plain_sql() -> None:
    queries = [portable_query(relation) for relation in RELATIONS if isinstance(relation, Reference | TimeOrderAcross)]
    assert queries[0] == (
        "SELECT * FROM {batch} AS t WHERE t.order_id IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.order_id = t.order_id)"
    )
    assert queries[2] == (
        "SELECT t.* FROM {batch} AS t JOIN claims AS o ON o.claim_id = t.claim_id WHERE t.decided_at < o.filed_at"
    )


def test_data_docs_have_a_page_a_table_with_rules_counts_and_keys(spoiled: Path, tmp_path: Path) -> None:
    (spoiled / "evidence.parquet").write_bytes(b"garbage")
    report = validate_data_set(spoiled, tmp_path / "docs", judged_at=NOON)
    assert report.docs == tmp_path / "docs" / "index.html"
    pages = {page.stem: page.read_text() for page in (tmp_path / "docs" / "validations").rglob("*.html")}
    assert set(pages) == set(TABLES)
    for text in (
        "amount: a finite number of US dollars, not negative (else: negative or infinite money)",
        "o2",
        "-3.0",
        "1 unexpected",
    ):
        assert text in pages["orders"]
    assert "evidence.parquet cannot be read as Parquet" in pages["evidence"]
    index = report.docs.read_text()
    assert "breaks the contract" in index
    assert all(f">{name}</a>" in index for name in TABLES)
    assert "unknown value" in index


def test_data_docs_load_nothing_from_elsewhere(spoiled: Path, tmp_path: Path) -> None:
    write_docs(judge(spoiled), tmp_path / "docs", NOON)
    for page in (tmp_path / "docs").rglob("*.html"):
        text = page.read_text()
        assert "<script" not in text
        assert 'src="http' not in text
        assert "<link" not in text


def test_nothing_is_sent_over_the_network(spoiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError(f"a connection to {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    write_docs(judge(spoiled), tmp_path / "docs", NOON)


def test_data_docs_say_nothing_on_the_terminal(
    spoiled: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_docs(judge(spoiled), tmp_path / "docs", NOON)
    assert capfd.readouterr() == ("", "")


def test_data_docs_replace_those_of_an_earlier_run(tables: Tables, tmp_path: Path) -> None:
    report = judge(write_csv({"claims": tables["claims"]}, tmp_path / "data"))
    write_docs(report, tmp_path / "docs", NOON)
    write_docs(report, tmp_path / "docs", NOON.replace(hour=13))
    (page,) = (tmp_path / "docs" / "validations").rglob("*.html")
    assert "T130000" in str(page)
    assert "keeps the contract" in (tmp_path / "docs" / "index.html").read_text()


def test_data_docs_are_written_below_the_working_directory(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report = validate_data_set(write_csv({"claims": tables["claims"]}, Path("data")), DOCS_DIRECTORY, judged_at=NOON)
    assert report.docs == Path("claimvet-reports/validation/index.html")
    assert [path.name for path in (tmp_path / "claimvet-reports").iterdir()] == ["validation"]


def test_data_docs_never_replace_anything_else(tables: Tables, tmp_path: Path) -> None:
    folder = write_csv({"claims": tables["claims"]}, tmp_path / "data")
    with pytest.raises(
        UsageError, match=r"data holds something else than Data Docs, expected a new or empty directory"
    ):
        validate_data_set(folder, folder, judged_at=NOON)
    assert (folder / "claims.csv").exists()


def test_an_expectation_of_every_kind_is_great_expectations_own(tables: Tables, tmp_path: Path) -> None:
    checks = [result.check for table in judge(write_parquet(tables, tmp_path)).tables for result in table.results]
    own = {check.rule for check in checks if isinstance(expectation_of(check), ExpectColumnToHoldItsKind)}
    assert own == {Rule.WRONG_TYPE, Rule.NO_ZONE}
