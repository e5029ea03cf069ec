"""The notebook about the policy runs from top to bottom, draws, and keeps to the capacity."""

from __future__ import annotations

import nbformat
import pytest

from tests.notebooks.running import failed, outputs_of, pictures, printed


@pytest.fixture(scope="session")
def outputs() -> list[nbformat.NotebookNode]:
    return outputs_of("choosing_the_policy")


@pytest.mark.slow
def test_the_notebook_runs_draws_and_keeps_to_the_capacity(outputs: list[nbformat.NotebookNode]) -> None:
    assert failed(outputs) == []
    assert pictures(outputs) == 6
    told = printed(outputs)
    assert "most reviews of a day: 1 of 1" in told
    assert "saved by reviews: one by one $" in told
