"""Is a value of the user's own column `x_…` what the model learned? One rule for files and for the endpoint.

A model learned each of its inputs as a number or as text. Text is nothing but text: the number 7 could have been `7`, `07` or `7.0`, which
are three levels, so it is refused and not guessed. A number may be written as a text, as it is in CSV.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from claimvet.data.contract.reading.feature_types import (
    NOT_FINITE_PATTERN,
    NUMBER_PATTERN,
    FeatureType,
    FeatureTypes,
    is_feature,
)
from claimvet.models.explain.reference_ranges import Value
from claimvet.models.scoring.schema import InputSchema

_NUMBER = re.compile(NUMBER_PATTERN, re.ASCII)
_NOT_FINITE = re.compile(NOT_FINITE_PATTERN, re.ASCII)
_BOOLEANS = {"true": 1.0, "false": 0.0}
_MAX_SHOWN = 80
"""Characters of a value that an error repeats."""


def learned_types(schema: InputSchema) -> FeatureTypes:
    """Return the types of the user's own columns as the model learned them; a category without any value may be anything."""
    types: dict[str, FeatureType] = {
        column.name: "number" if column.kind == "number" else "text"
        for column in schema.inputs
        if is_feature(column.name) and (column.kind == "number" or column.levels)
    }
    return FeatureTypes(types, "the model")


def number_of(text: str) -> float | None:
    """Return the number that a text is, as a file's reader takes it; None where it is none.

    >>> number_of("12.50"), number_of("TRUE"), number_of("1_000")
    (12.5, 1.0, None)
    """
    if _NUMBER.fullmatch(text) or _NOT_FINITE.fullmatch(text.lower()):
        return float(text)
    return _BOOLEANS.get(text.strip(" ").lower())


def misfits(types: FeatureTypes, own: Mapping[str, Value]) -> dict[str, str]:
    """Return a sentence for each column whose value is not of the type that the model learned; null is of every type.

    >>> misfits(FeatureTypes({"x_zip": "text"}, "the model"), {"x_zip": 7, "x_other": 7})
    {'x_zip': 'x_zip is the number 7, expected text, as the model has them'}
    """
    wrong = {name for name, kind in types.types.items() if not _fits(own.get(name), kind)}
    return {name: f"{name} is {_shown(own[name])}, expected {types.expected(name)}" for name in sorted(wrong)}


def _fits(value: Value, kind: FeatureType) -> bool:
    if value is None or isinstance(value, str):
        return value is None or kind == "text" or number_of(value) is not None
    return kind != "text"


def _shown(value: Value) -> str:
    if isinstance(value, str):
        return repr(value) if len(value) <= _MAX_SHOWN else f"{value[:_MAX_SHOWN]!r}…"
    return f"the boolean {str(value).lower()}" if isinstance(value, bool) else f"the number {value}"
