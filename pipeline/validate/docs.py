"""Writes Great Expectations' Data Docs of a validation: one page a table, one line a rule, with counts, keys and values.

The engine has computed the metrics (`pipeline.validate.engine`); each expectation asks for those that it needs, judges them, and
Great Expectations renders it. Nothing is sent over the network. Import this module late: Great Expectations takes seconds.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from claimvet.data.contract.rules import Companion, Rule
from claimvet.data.contract.writing.output_directory import output_directory
from claimvet.pipeline.validate.library import (
    Expectation,
    ExpectationSuiteIdentifier,
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
    RunIdentifier,
    ValidationResultIdentifier,
    gx,
)
from claimvet.pipeline.validate.pages import view_settings, write_index
from claimvet.pipeline.validate.report import CheckResult, TableResult, ValidationReport, Violation
from claimvet.pipeline.validate.suites import expectation_of, readable_table, suite_of

SITE = "claimvet"
"""Name of the Data Docs site in the throw-away context that renders it."""

COMMAND = "data validate"


def write_docs(report: ValidationReport, folder: Path, judged_at: datetime) -> Path:
    """Write the Data Docs of a report below `folder`, in place of those of an earlier run, and return their first page.

    Raises:
        UsageError: where `folder` holds something else than Data Docs.
    """
    with output_directory(folder, COMMAND) as filled:
        _build(report, filled, RunIdentifier(run_name="contract", run_time=judged_at))
    return folder / "index.html"


def _build(report: ValidationReport, folder: Path, run: RunIdentifier) -> None:
    context = gx.get_context(mode="ephemeral")
    for name in context.get_site_names():
        context.delete_data_docs_site(name)
    context.add_data_docs_site(SITE, _site(folder))
    pages = [suite_result(table) for table in report.tables] + [_unread(violation) for violation in _unreadable(report)]
    for suite, result in pages:
        context.suites.add(suite)
        identifier = ExpectationSuiteIdentifier(suite.name)
        key = ValidationResultIdentifier(
            expectation_suite_identifier=identifier, run_id=run, batch_identifier=suite.name
        )
        asset = {"data_asset_name": suite.name}
        result.meta |= {"run_id": run, "validation_time": run.run_time, "batch_kwargs": asset}
        context.validation_results_store.set(key, result)
    context.build_data_docs(build_index=False)
    write_index(folder, report)


def _site(folder: Path) -> Any:
    """Return the site's configuration: pages of suites and of their results, shown by the view of ours."""
    section = {"view": view_settings()}
    return {
        "class_name": "SiteBuilder",
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        "site_section_builders": {"expectations": section, "validations": section, "profiling": "None"},
        "show_how_to_buttons": False,
    }


def _unreadable(report: ValidationReport) -> list[Violation]:
    judged = {table.name for table in report.tables}
    return [violation for violation in report.violations if violation.table not in judged]


def suite_result(table: TableResult) -> tuple[gx.ExpectationSuite, ExpectationSuiteValidationResult]:
    """Return the suite of one table, and what Great Expectations makes of the metrics that the engine computed for it."""
    suite = suite_of(table.name, [result.check for result in table.results])
    judged = [_judged(expectation_of(result.check), _metrics(result, table), result) for result in table.results]
    return suite, _suite_result(suite.name, judged)


def _judged(expectation: Expectation, metrics: dict[str, Any], result: CheckResult) -> ExpectationValidationResult:
    """Hand the expectation every metric that it asks for, by the last part of the metric's name."""
    named = {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": _index_columns(result),
        "partial_unexpected_count": 5,
    }
    runtime = {"result_format": named}
    asked = expectation.get_validation_dependencies(runtime_configuration=runtime).metric_configurations
    given = {configuration.id: metrics[_metric(name)] for name, configuration in asked.items()}
    return expectation.metrics_validate(given, runtime_configuration=runtime)


def _metric(name: str) -> str:
    """Return which of our metrics Great Expectations means; it counts nulls under the name of the rule that forbids them."""
    return (
        name
        if name.startswith(("table.", "unexpected_rows_query.", "column_values.nonnull."))
        else name.rpartition(".")[2]
    )


def _index_columns(result: CheckResult) -> list[str]:
    return ["row"] if result.keys and result.keys[0].startswith("row ") else [" / ".join(result.check.table.key)]


def _metrics(result: CheckResult, table: TableResult) -> dict[str, Any]:
    column = _index_columns(result)[0]
    values: list[str | None] = list(result.values) or [None] * len(result.keys)
    names = [result.check.columns[0]] if not result.failed else []
    found = f"{', '.join(result.check.columns)} found"
    shown = [{found: value, column: key} for key, value in zip(result.keys, values, strict=True)]
    counts = {"unexpected_count": result.rows, "unexpected_values": values, "unexpected_index_list": shown}
    about_nulls = result.check.rule is Rule.NULL or isinstance(result.check.basis, Companion)
    nulls = counts if about_nulls else {"unexpected_count": 0}
    return counts | {
        "filtered_row_count": result.of,
        "unexpected_index_query": None,
        "table.row_count": table.rows,
        "table.columns": names,
        "unexpected_rows_query.row_count": result.rows,
        "unexpected_rows_query.table": shown,
        **{f"column_values.nonnull.{name}": value for name, value in nulls.items()},
        "column_values.nonnull.unexpected_index_query": None,
    }


def _unread(violation: Violation) -> tuple[gx.ExpectationSuite, ExpectationSuiteValidationResult]:
    """Return the page of a table that could not be read, with the reason."""
    suite = gx.ExpectationSuite(name=violation.table, expectations=[readable_table(violation.rule)])
    reason = {"raised_exception": True, "exception_message": violation.detail, "exception_traceback": str(violation)}
    result = ExpectationValidationResult(
        success=False, exception_info=reason, expectation_config=readable_table(violation.rule).configuration
    )
    return suite, _suite_result(suite.name, [result])


def _suite_result(name: str, judged: list[ExpectationValidationResult]) -> ExpectationSuiteValidationResult:
    good = sum(bool(result.success) for result in judged)
    statistics = {
        "evaluated_expectations": len(judged),
        "successful_expectations": good,
        "unsuccessful_expectations": len(judged) - good,
        "success_percent": 100.0 * good / len(judged) if judged else None,
    }
    return ExpectationSuiteValidationResult(
        success=good == len(judged),
        results=judged,
        suite_name=name,
        statistics=statistics,
        meta={"great_expectations_version": gx.__version__},
    )
