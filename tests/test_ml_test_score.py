"""docs/ml-test-score.md names proofs that exist and adds up what it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import typer

from claimvet.pipeline.cli.main import app

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "ml-test-score.md").read_text(encoding="utf-8")
POINTS = {"auto": 1.0, "manual": 0.5, "no": 0.0}
CHAPTERS = ("Data", "Model", "Infrastructure", "Monitoring")


def _chapter(name: str) -> str:
    return PAGE.split(f"## {name}\n")[1].split("\n## ")[0]


def _answers(name: str) -> list[str]:
    return re.findall(r"^\| \d \| [^|]+ \| (\w+) \|", _chapter(name), re.MULTILINE)


def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_proof_exists() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for proof in re.findall(r"`([^`]+)`", PAGE):
        if proof.startswith("tests/"):
            path, _, function = proof.partition("::")
            assert (ROOT / path).is_file(), proof
            assert not function or function in _functions(ROOT / path), proof
        elif proof.startswith("claimvet "):
            assert proof.split()[1] in commands, proof
        elif proof.startswith("make "):
            assert proof.split()[1] in targets, proof


def test_all_28_questions_are_answered_and_each_automated_one_names_its_proof() -> None:
    assert [len(_answers(name)) for name in CHAPTERS] == [7, 7, 7, 7]
    rows = [line for line in PAGE.splitlines() if re.match(r"\| \d \|", line)]
    assert [row for row in rows if "| auto |" in row and not re.search(r"`(tests/|claimvet |make )", row)] == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_scores_add_up(chapter: str) -> None:
    found = sum(POINTS[answer] for answer in _answers(chapter))
    assert f"Score: {found:g} of 7." in _chapter(chapter)


def test_the_systems_score_is_the_least_and_most_of_data_model_and_infrastructure_is_automated() -> None:
    scores = [sum(POINTS[answer] for answer in _answers(name)) for name in CHAPTERS]
    assert f"the least of the four: {min(scores):g}." in PAGE
    assert [_answers(name).count("auto") for name in ("Data", "Model", "Infrastructure")] == [6, 6, 7]
