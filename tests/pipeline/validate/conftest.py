"""Fixtures of the validation tests: a data set that keeps the contract, and the ways in which it may lie on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.validate.good_data import WRITERS, Tables, make_tables


@pytest.fixture
def tables() -> Tables:
    """Tables that keep the contract."""
    return make_tables()


@pytest.fixture(params=list(WRITERS))
def write(request: pytest.FixtureRequest) -> Callable[[Tables, Path], Path]:
    """Each way in which a data set may lie on disk."""
    return WRITERS[request.param]
