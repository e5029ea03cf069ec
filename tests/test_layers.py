"""The plan of the house: arrows point down only, nothing goes in a circle, and no room is too large."""

from __future__ import annotations

import ast
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("cases", "data", "features", "models", "pipeline", "scoring_service")
SOURCES = sorted(path for package in (*PACKAGES, "benchmarks") for path in (ROOT / package).rglob("*.py"))
FOLDERS = sorted({path.parent for path in SOURCES})
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def test_arrows_point_down_only(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_no_module_imports_itself_through_others() -> None:
    graph = grimp.build_graph("claimvet", cache_dir=None)
    arrows = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as circle:
        pytest.fail(f"these modules import each other in a circle: {' -> '.join(circle.args[1])}")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_and_its_functions_can_be_read_at_one_sitting(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_FILE_LINES
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES} == {}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_package_opens_with_what_it_answers(folder: Path) -> None:
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))


def test_every_folder_is_a_package_under_the_one_name() -> None:
    links = {path.name: path.resolve() for path in (ROOT / "src" / "claimvet").iterdir() if path.is_symlink()}
    assert links == {package: ROOT / package for package in PACKAGES}


def _picture(page: str) -> list[str]:
    """The lines of the indented picture of folders in a page."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("    pipeline/"))
    return lines[start : start + next(number for number, line in enumerate(lines[start:]) if not line)]


def test_both_pages_draw_one_picture() -> None:
    assert _picture("README.md") == _picture("CONTRIBUTING.md")


def test_the_picture_shows_the_folders_that_there_are_above_those_that_they_import() -> None:
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    orders = {contract["containers"][0]: contract["layers"] for contract in layers}
    drawn: dict[str, list[str]] = {}
    for line in _picture("README.md"):
        name = line.split("/")[0].strip()
        if line[4] != " ":
            outer, drawn[outer] = name, []
        else:
            drawn[outer].append(name)
    assert list(drawn) == orders["claimvet"]
    for outer, inner in drawn.items():
        there = {path.parent.name for path in (ROOT / outer).glob("*/__init__.py")}
        floors = [name for floor in orders[f"claimvet.{outer}"] for name in floor.split(" | ") if name in there]
        assert inner == floors
