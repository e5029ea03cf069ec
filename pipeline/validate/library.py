"""Great Expectations, imported without the deprecation warnings that its import raises; seconds long, so import this late."""

import warnings
from collections.abc import Callable
from typing import Protocol, cast

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import great_expectations as gx
    import great_expectations.expectations as _expectations
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )
    from great_expectations.expectations.core.expect_column_values_to_be_in_type_list import (
        ExpectColumnValuesToBeInTypeList,
    )
    from great_expectations.expectations.expectation import ColumnMapExpectation, Expectation
    from great_expectations.expectations.row_conditions import Column as ConditionColumn
    from great_expectations.render.view.view import DefaultJinjaPageView


class _Expectations(Protocol):
    def __getattr__(self, name: str) -> Callable[..., Expectation]: ...


gxe = cast(_Expectations, _expectations)
"""Makers of expectations by name; typed here, because the package does not declare what it exports."""

__all__ = [
    "ColumnMapExpectation",
    "ConditionColumn",
    "DefaultJinjaPageView",
    "ExpectColumnValuesToBeInTypeList",
    "Expectation",
    "ExpectationSuiteIdentifier",
    "ExpectationSuiteValidationResult",
    "ExpectationValidationResult",
    "RunIdentifier",
    "ValidationResultIdentifier",
    "gx",
    "gxe",
]
