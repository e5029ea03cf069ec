"""The contract as Great Expectations suites: one suite a table, one expectation a check.

Most expectations are Great Expectations' own, so a suite can be taken elsewhere (pandas, Spark, a warehouse) and judged there.
Only types need a class of our own, because "a string" has another name in every engine. Import this module late: Great
Expectations takes seconds to import.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

from claimvet.data.contract.rules import (
    FIRST_YEAR,
    IDENTIFIER_LENGTH,
    LAST_YEAR,
    MONEY_BOUND_USD,
    TEXT_LENGTH,
    Companion,
    Reference,
    Rule,
    TimeOrder,
    TimeOrderAcross,
)
from claimvet.data.contract.tables import Column
from claimvet.pipeline.validate.library import (
    ColumnMapExpectation,
    ConditionColumn,
    Expectation,
    ExpectColumnValuesToBeInTypeList,
    gx,
    gxe,
)
from claimvet.pipeline.validate.report import Check


class ExpectColumnToHoldItsKind(ExpectColumnValuesToBeInTypeList):
    """Expect a column to have the type that the contract gives it, by whatever name the engine knows it."""

    def get_validation_dependencies(self, *arguments: Any, **options: Any) -> Any:
        """Return the metrics of any expectation about single values: counts, values and keys."""
        return ColumnMapExpectation.get_validation_dependencies(self, *arguments, **options)

    def _validate(self, *arguments: Any, **options: Any) -> Any:
        return ColumnMapExpectation._validate(self, *arguments, **options)


class ExpectColumnTimesToHaveZone(ExpectColumnToHoldItsKind):
    """Expect the times of a column to be instants: to say in which zone they were read off a clock."""


def suite_of(name: str, checks: list[Check]) -> gx.ExpectationSuite:
    """Return the suite of one table."""
    return gx.ExpectationSuite(name=name, expectations=[expectation_of(check) for check in checks])


def expectation_of(check: Check) -> Expectation:
    """Return the expectation that says what a check checks; its description is what Data Docs show."""
    described = {"description": described_check(check), "meta": {"rule": check.rule.value}}
    if check.rule is Rule.DUPLICATE_KEY:
        return _unique(check.columns, described)
    if isinstance(check.basis, Column) or check.basis is None:
        return _of_column(check, described)
    return _of_relation(check, described)


def described_check(check: Check) -> str:
    """Return what should hold, and what the rule is called where it does not.

    >>> from claimvet.data.contract.tables import TABLES
    >>> described_check(Check(TABLES["orders"], ("amount",), Rule.NULL, "a value in every row"))
    'amount: a value in every row (else: null where none may be)'
    """
    # Great Expectations takes a dollar sign for the beginning of a parameter.
    return f"{', '.join(check.columns)}: {check.expected} (else: {check.rule})".replace("$", "$$")


def _unique(columns: tuple[str, ...], described: dict[str, Any]) -> Expectation:
    if len(columns) == 1:
        return gxe.ExpectColumnValuesToBeUnique(column=columns[0], **described)
    return gxe.ExpectCompoundColumnsToBeUnique(column_list=list(columns), **described)


def _of_column(check: Check, described: dict[str, Any]) -> Expectation:
    column = check.columns[0]
    shortest, longest = IDENTIFIER_LENGTH
    match check.rule:
        case Rule.MISSING_COLUMN:
            return gxe.ExpectColumnToExist(column=column, **described)
        case Rule.NULL:
            return gxe.ExpectColumnValuesToNotBeNull(column=column, **described)
        case Rule.IDENTIFIER_LENGTH:
            return gxe.ExpectColumnValueLengthsToBeBetween(
                column=column, min_value=shortest, max_value=longest, **described
            )
        case Rule.EMPTY_STRING:
            return gxe.ExpectColumnValueLengthsToBeBetween(column=column, min_value=1, **described)
        case Rule.UNKNOWN_VALUE if isinstance(check.basis, Column):
            return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(check.basis.values), **described)
        case Rule.BAD_MONEY:
            # Infinity is above the greatest finite number.
            return gxe.ExpectColumnValuesToBeBetween(
                column=column, min_value=0, max_value=sys.float_info.max, **described
            )
        case Rule.MONEY_TOO_GREAT:
            return gxe.ExpectColumnValuesToBeBetween(
                column=column, max_value=MONEY_BOUND_USD, strict_max=True, **described
            )
        case Rule.TEXT_LENGTH:
            return gxe.ExpectColumnValueLengthsToBeBetween(column=column, max_value=TEXT_LENGTH, **described)
        case Rule.NUL_CHARACTER:
            return gxe.ExpectColumnValuesToNotMatchRegex(column=column, regex="\x00", **described)
        case Rule.TIME_OUT_OF_RANGE:
            first, after = (datetime(year, 1, 1, tzinfo=UTC) for year in (FIRST_YEAR, LAST_YEAR + 1))
            return gxe.ExpectColumnValuesToBeBetween(
                column=column, min_value=first, max_value=after, strict_max=True, **described
            )
        case Rule.TIME_AFTER_NOW:
            return gxe.ExpectColumnValuesToBeBetween(column=column, max_value=check.bound, **described)
        case Rule.NO_ZONE:
            return ExpectColumnTimesToHaveZone(column=column, type_list=[check.expected], **described)
    return ExpectColumnToHoldItsKind(column=column, type_list=[check.expected], **described)


def _of_relation(check: Check, described: dict[str, Any]) -> Expectation:
    match check.basis:
        case TimeOrder(earlier=earlier, later=later):
            return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A=later, column_B=earlier, or_equal=True, ignore_row_if="either_value_is_missing", **described
            )
        case Companion(culprit=culprit, needs=needs):
            given = ConditionColumn(culprit).is_not_null()
            return gxe.ExpectColumnValuesToNotBeNull(column=needs, row_condition=given, **described)
        case Reference() | TimeOrderAcross() as relation:
            return gxe.UnexpectedRowsExpectation(unexpected_rows_query=portable_query(relation), **described)
    raise AssertionError(f"no expectation says what {check.basis} says")


def portable_query(relation: Reference | TimeOrderAcross) -> str:
    """Return plain SQL that finds the rows which break a relation between two tables; `{batch}` is the table of the culprit."""
    culprit, other = relation.culprit, relation.other
    if isinstance(relation, Reference):
        return (
            f"SELECT * FROM {{batch}} AS t WHERE t.{culprit} IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {other} AS o WHERE o.{culprit} = t.{culprit})"
        )
    via, earlier = relation.via, relation.earlier
    return f"SELECT t.* FROM {{batch}} AS t JOIN {other} AS o ON o.{via} = t.{via} WHERE t.{culprit} < o.{earlier}"


def readable_table(rule: Rule) -> Expectation:
    """Return the expectation that stands for a table which is not there, or is no table at all."""
    return gxe.ExpectTableRowCountToBeBetween(
        min_value=0, description=f"no {rule.value.removeprefix('a ')}", meta={"rule": rule.value}
    )
