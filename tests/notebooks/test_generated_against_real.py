"""The notebook runs from top to bottom, and what it shows agrees with the real files where it says so."""

from __future__ import annotations

import nbformat
import pytest

from claimvet.data.reference import derive_categories
from tests.notebooks.running import failed, outputs_of, pictures


@pytest.fixture(scope="session")
def outputs() -> list[nbformat.NotebookNode]:
    if not (derive_categories.source_directory() / "tsa_claims").is_dir():
        pytest.skip(f"the real data is not at {derive_categories.source_directory()}")
    return outputs_of("generated_against_real")


@pytest.mark.slow
def test_the_notebook_runs_and_draws(outputs: list[nbformat.NotebookNode]) -> None:
    assert failed(outputs) == []
    assert pictures(outputs) == 3
