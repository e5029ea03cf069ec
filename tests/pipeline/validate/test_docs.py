"""Great Expectations agrees with the engine on every check, and its Data Docs say so offline."""

from __future__ import annotations

import re
import socket
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from claimvet.data.contract.errors import UsageError
from claimvet.data.contract.rules import RELATIONS, Reference, Rule, TimeOrderAcross
from claimvet.data.contract.tables import TABLES
from claimvet.pipeline.validate import DOCS_DIRECTORY, validate_data_set
from claimvet.pipeline.validate.data_set import judge
from claimvet.pipeline.validate.docs import suite_result, write_docs
from claimvet.pipeline.validate.library import gx
from claimvet.pipeline.validate.report import TableResult, ValidationReport
from claimvet.pipeline.validate.suites import ExpectColumnToHoldItsKind, expectation_of, portable_query
from tests.pipeline.validate.good_data import Tables, make_tables, write_csv, write_parquet

pytestmark = pytest.mark.slow

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


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_parquet(spoil(make_tables()), tmp_path_factory.mktemp("spoiled"))
    (folder / "evidence.parquet").write_bytes(b"garbage")
    return folder


@pytest.fixture(scope="module")
def judged(spoiled: Path) -> ValidationReport:
    return judge(spoiled)


@pytest.fixture(scope="module")
def site(judged: ValidationReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Data Docs of the spoiled data set, written where every connection fails."""

    def refuse(*arguments: object) -> None:
        raise AssertionError(f"a connection to {arguments}")

    folder = tmp_path_factory.mktemp("site") / "docs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        write_docs(judged, folder, NOON)
    return folder


def test_great_expectations_judges_every_check_as_the_engine_did(judged: ValidationReport) -> None:
    for table in judged.tables:
        _, result = suite_result(table)
        assert [each.success for each in result.results] == [not each.failed for each in table.results], table.name


def test_every_count_reaches_great_expectations(judged: ValidationReport) -> None:
    (orders,) = (table for table in judged.tables if table.name == "orders")
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


def test_the_suites_give_the_same_verdict_on_great_expectations_own_engine(
    spoiled: Path, judged: ValidationReport
) -> None:
    verdicts = 0
    for table in judged.tables:
        frame = pd.read_parquet(spoiled / f"{table.name}.parquet")
        for name, ours, theirs in on_pandas(table, frame):
            assert ours == theirs, f"{table.name} {name}"
            verdicts += 1
    assert verdicts > 100


def test_relations_between_tables_are_plain_sql() -> None:
    queries = [portable_query(relation) for relation in RELATIONS if isinstance(relation, Reference | TimeOrderAcross)]
    assert queries[0] == (
        "SELECT * FROM {batch} AS t WHERE t.order_id IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.order_id = t.order_id)"
    )
    assert queries[2] == (
        "SELECT t.* FROM {batch} AS t JOIN claims AS o ON o.claim_id = t.claim_id WHERE t.decided_at < o.filed_at"
    )


def test_data_docs_have_a_page_a_table_with_rules_counts_and_keys(site: Path) -> None:
    pages = {page.stem: page.read_text() for page in (site / "validations").rglob("*.html")}
    assert set(pages) == set(TABLES)
    for text in (
        "amount: a finite number of US dollars, not negative (else: negative or infinite money)",
        "o2",
        "-3.0",
        "1 unexpected",
    ):
        assert text in pages["orders"]
    assert "evidence.parquet is no Parquet file" in pages["evidence"]


def test_the_first_page_lists_what_is_broken_and_leads_to_every_table(site: Path) -> None:
    text = (site / "index.html").read_text()
    assert "breaks the contract" in text
    assert "unknown value" in text
    for name in TABLES:
        (link,) = re.findall(rf'<a href="([^"]+)">{name}</a>', text)
        assert (site / link).exists()


def test_data_docs_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert "<script" not in text
        assert 'src="http' not in text
        assert "<link" not in text


def test_data_docs_say_nothing_on_the_terminal(
    tables: Tables, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_docs(judge(write_parquet({"claims": tables["claims"]}, tmp_path / "data")), tmp_path / "docs", NOON)
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
    with pytest.raises(UsageError, match=r"data holds .*claims\.csv, which this command reads"):
        validate_data_set(folder, folder, judged_at=NOON)
    assert (folder / "claims.csv").exists()


def test_an_expectation_of_every_kind_is_great_expectations_own(tables: Tables, tmp_path: Path) -> None:
    checks = [result.check for table in judge(write_parquet(tables, tmp_path)).tables for result in table.results]
    own = {check.rule for check in checks if isinstance(expectation_of(check), ExpectColumnToHoldItsKind)}
    assert own == {Rule.WRONG_TYPE, Rule.NO_ZONE}
