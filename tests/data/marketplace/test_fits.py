"""Constants that name a source are what the source says; all others say `assumption`."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claimvet.data.marketplace import constants, fits
from claimvet.data.reference import derive_categories

FITTED = (
    "REPORT_DELAY",
    "PROPERTY_AMOUNT",
    "ROUND_HUNDRED",
    "ROUND_TEN",
    "SETTLED_RATIO",
    "SETTLED_SHARE",
    "MONTH_FACTOR",
    "HOUR_SHARE",
    "ACTIVITY_SHAPE",
    "PRODUCT_POPULARITY_SIGMA",
    "SELLER_SIZE_SIGMA",
    "PRICE_SIGMA",
    "INJURY_AMOUNT",
)
SOURCES = ("tsa", "retail", "bodily", "guarantee", "assumption")
MODULES = sorted(Path(constants.__file__).parent.glob("*.py"))
NO_FIGURE_OF_THE_WORLD = {
    "MICROSECOND_DAY",
    "NULL_TIME",
    "ROWS_AT_ONCE",
    "ID_DIGITS",
    "LEAST_CLAIMS",
    "SPARE",
    "CUSTOMER_SEATS",
}
"""Numbers of units and of the machinery, which say nothing about the world."""


@pytest.fixture(scope="session")
def fitted() -> Mapping[str, Any]:
    """What the real files say, where they are at hand."""
    source = derive_categories.source_directory()
    if not (source / "tsa_claims").is_dir():
        pytest.skip(f"the real data is not at {source}; set {derive_categories.SOURCE_VARIABLE}")
    return fits.fitted(source)


def test_every_fit_is_tested(fitted: Mapping[str, Any]) -> None:
    assert set(fitted) == set(FITTED)


@pytest.mark.parametrize("name", FITTED)
def test_a_fitted_constant_rounds_what_its_source_says(fitted: Mapping[str, Any], name: str) -> None:
    assert np.array(getattr(constants, name)) == pytest.approx(np.array(fitted[name]), rel=0.012, abs=0.0001)


def numbers_with_docstrings(path: Path) -> list[tuple[str, str]]:
    """Each module-level constant that holds numbers, and the string below it ("" where there is none)."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    found = []
    for statement, below in zip(body, [*body[1:], None], strict=True):
        target = statement.target if isinstance(statement, ast.AnnAssign) else None
        target = statement.targets[0] if isinstance(statement, ast.Assign) else target
        if (
            not isinstance(target, ast.Name)
            or not isinstance(statement, ast.Assign | ast.AnnAssign)
            or not statement.value
        ):
            continue
        holds = [node.value for node in ast.walk(statement.value) if isinstance(node, ast.Constant)]
        if any(isinstance(value, int | float) for value in holds) and target.id.isupper():
            said = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else ""
            found.append((target.id, str(said)))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_number_says_where_it_comes_from(path: Path) -> None:
    unsaid = [
        name
        for name, said in numbers_with_docstrings(path)
        if name not in NO_FIGURE_OF_THE_WORLD and not any(source in said.lower() for source in SOURCES)
    ]
    assert unsaid == []
