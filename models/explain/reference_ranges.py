"""The reference range of each input, and the sentence that holds a claim's own value against it.

A reference range is fixed at training and travels with the model as plain JSON: of a number its 5 %, 50 % and 95 % quantiles
(a list of three), of a category the shares of its most frequent levels (a mapping).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from claimvet.data.contract.finite import finite_numbers
from claimvet.features.catalogue.features import BY_NAME

ReferenceRange = list[float] | dict[str, float]
Value = bool | int | float | str | None

QUANTILES = (0.05, 0.5, 0.95)
MAX_LEVELS = 50
"""Levels of a category whose share is kept."""


def reference_ranges(features: pd.DataFrame, kinds: Mapping[str, str]) -> dict[str, ReferenceRange]:
    """Return the reference range over the rows of `features` of each name in `kinds` (`number` or `category`), ready for JSON.

    A number that is missing in every row has no entry.
    """
    ranges: dict[str, ReferenceRange] = {}
    for name, kind in kinds.items():
        if kind == "category":
            ranges[name] = _shares(features[name].dropna())
        elif not np.isnan(numbers := finite_numbers(features[name])).all():
            ranges[name] = np.nanquantile(numbers, QUANTILES).tolist()
    return ranges


def sentence(name: str, value: Value, reference: ReferenceRange | None) -> str:
    """Return one sentence for a seller: what the feature is, its value, and how that compares with its reference range.

    >>> sentence("x_cabin_bags", 7, [0.0, 1.0, 3.0])
    'Cabin bags: 7, above the usual 0 to 3.'
    >>> sentence("claim_type", "personal_injury", {"property_damage": 0.8, "personal_injury": 0.2})
    'What was harmed: personal injury, as in 20 % of claims.'
    """
    subject = describe(name)
    if value is None:
        return f"{subject}: not known."
    if isinstance(value, str):
        return f"{subject}: {value.replace('_', ' ')}{_how_frequent(value, reference)}."
    unit = BY_NAME[name].unit if name in BY_NAME else "1"
    return f"{subject}: {_quantity(value, unit)}{_compared(float(value), reference, unit)}."


def describe(name: str) -> str:
    """Return the feature as the beginning of a sentence; an `x_` column by its own name.

    >>> describe("claim_amount")
    'Amount claimed'
    """
    text = BY_NAME[name].description if name in BY_NAME else name.removeprefix("x_").replace("_", " ")
    return text[:1].upper() + text[1:]


def _shares(known: pd.Series[str]) -> dict[str, float]:
    shares = known.astype("str").value_counts(normalize=True, sort=True).head(MAX_LEVELS)
    return {str(level): float(share) for level, share in shares.items()}


def _how_frequent(level: str, reference: ReferenceRange | None) -> str:
    if not isinstance(reference, dict):
        return ""
    percent = 100.0 * reference.get(level, 0.0)
    return f", as in {percent:.0f} % of claims" if percent >= 1 else ", which is rare"


def _compared(value: float, reference: ReferenceRange | None, unit: str) -> str:
    if not isinstance(reference, list):
        return ""
    low, middle, high = reference
    span = (
        _quantity(low, unit)
        if low == high
        else f"{_quantity(low, unit if unit == 'USD' else '1')} to {_quantity(high, unit)}"
    )
    if value > high:
        return f", above the usual {span}"
    if value < low:
        return f", below the usual {span}"
    return f", within the usual {span}" + (
        "" if low == high else f" (middle {_quantity(middle, 'USD' if unit == 'USD' else '1')})"
    )


def _quantity(value: bool | int | float, unit: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if unit == "USD":
        return f"${value:,.2f}".removesuffix(".00")
    number = f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:.3g}"
    if unit == "1":
        return number
    return f"{number} {unit.removesuffix('s')}" if number == "1" else f"{number} {unit}"
