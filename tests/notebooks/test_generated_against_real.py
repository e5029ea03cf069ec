"""The notebook runs from top to bottom, and what it shows agrees with the real files where it says so."""

from __future__ import annotations

from pathlib import Path

import jupytext
import nbclient
import nbformat
import pytest

from data.reference import derive_categories

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "generated_against_real.py"


@pytest.fixture(scope="session")
def executed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """The notebook after its run, from the checkout's root."""
    if not (derive_categories.source_directory() / "tsa_claims").is_dir():
        pytest.skip(f"the real data is not at {derive_categories.source_directory()}")
    notebook = jupytext.read(NOTEBOOK)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT)}}).execute()
    return notebook


@pytest.mark.slow
def test_the_notebook_runs_and_draws(executed: nbformat.NotebookNode) -> None:
    outputs = [output for cell in executed.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert len([output for output in outputs if "image/png" in output.get("data", {})]) == 3
