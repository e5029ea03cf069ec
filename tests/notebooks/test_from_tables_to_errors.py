"""The walk from tables to errors runs from top to bottom, draws, and tells what it promises."""

from __future__ import annotations

from pathlib import Path

import jupytext
import nbclient
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "from_tables_to_errors.py"


@pytest.fixture(scope="session")
def outputs() -> list[nbformat.NotebookNode]:
    """What the cells gave, after a run from the checkout's root."""
    notebook = jupytext.read(NOTEBOOK)
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT)}}).execute()
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


@pytest.mark.slow
def test_the_notebook_runs_and_draws(outputs: list[nbformat.NotebookNode]) -> None:
    assert [output for output in outputs if output.output_type == "error"] == []
    assert len([output for output in outputs if "image/png" in output.get("data", {})]) == 5


@pytest.mark.slow
def test_the_worst_errors_come_with_reasons(outputs: list[nbformat.NotebookNode]) -> None:
    told = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")
    assert told.count("truly valid") == 3
    assert told.count("truly abusive") == 3
    assert told.count("usual") >= 6
