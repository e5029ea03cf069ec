"""Runs a notebook from top to bottom, and says what it showed."""

from __future__ import annotations

from pathlib import Path

import jupytext
import nbclient
import nbformat

ROOT = Path(__file__).resolve().parents[2]


def outputs_of(name: str) -> list[nbformat.NotebookNode]:
    """What the cells of `notebooks/NAME.py` gave, after a run from the checkout's root."""
    notebook = jupytext.read(ROOT / "notebooks" / f"{name}.py")
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT)}}).execute()
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def failed(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    return [output for output in outputs if output.output_type == "error"]


def pictures(outputs: list[nbformat.NotebookNode]) -> int:
    return sum(not {"image/png", "image/svg+xml"}.isdisjoint(output.get("data", {})) for output in outputs)


def printed(outputs: list[nbformat.NotebookNode]) -> str:
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")
