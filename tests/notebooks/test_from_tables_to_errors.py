"""The walk from tables to errors runs from top to bottom, draws, and tells what it guarantees."""

from __future__ import annotations

import re

import nbformat
import pytest

from tests.notebooks.running import failed, outputs_of, pictures, printed


@pytest.fixture(scope="session")
def outputs() -> list[nbformat.NotebookNode]:
    return outputs_of("from_tables_to_errors")


@pytest.mark.slow
def test_the_notebook_runs_and_draws(outputs: list[nbformat.NotebookNode]) -> None:
    assert failed(outputs) == []
    assert pictures(outputs) == 6


@pytest.mark.slow
def test_the_worst_errors_come_with_reasons(outputs: list[nbformat.NotebookNode]) -> None:
    told = printed(outputs)
    assert told.count("truly valid") == 3
    assert told.count("truly abusive") == 3
    assert told.count("usual") >= 6


@pytest.mark.slow
def test_false_suspicions_and_misses_are_told_by_slice(outputs: list[nbformat.NotebookNode]) -> None:
    told = re.findall(r"share of (valid|abusive) claims: ([\d.]+)% of (\d+); worst slice", printed(outputs))
    assert [label for label, _, _ in told] == ["valid", "abusive"]
    assert all(0.0 < float(rate) < 50.0 for _, rate, _ in told)


@pytest.mark.slow
def test_three_wrong_claims_are_read_with_reasons_and_what_would_have_changed_the_answer(
    outputs: list[nbformat.NotebookNode],
) -> None:
    told = printed(outputs)
    assert len(re.findall(r"Truly (valid|abusive); called", told)) == 3
    assert told.count("    because ") >= 6
    changes = re.findall(r"had it been .* instead of .*: P\((valid|abusive)\) ([\d.]+), called", told)
    assert len(changes) == 9
    verdicts = re.findall(r"(one input alone would have turned it|no single input would have turned it)\.", told)
    assert len(verdicts) == 3
