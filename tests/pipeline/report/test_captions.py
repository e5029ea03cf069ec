"""Every chart of every page says under it what a person should see."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PIPELINE = Path(__file__).resolve().parents[3] / "pipeline"
CARDS = [
    pytest.param(call, id=f"{path.stem}:{call.lineno}")
    for path in sorted(PIPELINE.rglob("*.py"))
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Card"
]


def _has_chart(card: ast.Call) -> bool:
    return len(card.args) > 1 or any(keyword.arg == "chart" for keyword in card.keywords)


@pytest.mark.parametrize("card", CARDS)
def test_a_chart_has_a_caption(card: ast.Call) -> None:
    assert not _has_chart(card) or any(keyword.arg == "note" for keyword in card.keywords)


def test_there_are_charts() -> None:
    assert sum(_has_chart(card.values[0]) for card in CARDS) > 10  # type: ignore[arg-type]
