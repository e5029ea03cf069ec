"""The notebook about the policy runs from top to bottom, draws, and keeps to the capacity."""

from __future__ import annotations

from pathlib import Path

import jupytext
import nbclient
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "choosing_the_policy.py"


@pytest.fixture(scope="session")
def outputs() -> list[nbformat.NotebookNode]:
    """What the cells gave, after a run from the checkout's root."""
    notebook = jupytext.read(NOTEBOOK)
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT)}}).execute()
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


@pytest.mark.slow
def test_the_notebook_runs_draws_and_keeps_to_the_capacity(outputs: list[nbformat.NotebookNode]) -> None:
    assert [output for output in outputs if output.output_type == "error"] == []
    assert len([output for output in outputs if "image/png" in output.get("data", {})]) == 5
    told = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")
    assert "most reviews of a day: 1 of 1" in told
    assert "saved by reviews: one by one $" in told
