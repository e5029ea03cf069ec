"""What the pages say is true: generated ones are up to date, links lead somewhere, commands that they name exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest
import typer

from claimvet.features.catalogue.features import FEATURES
from claimvet.pipeline.cli.main import app
from claimvet.pipeline.cli.reference_page import cli_page, field_meanings, params_page
from claimvet.pipeline.params import Params

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "data" / "reference").glob("*.md")])
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
TARGET = re.compile(r"(?:^ {4}(?:\$ )?|`)make ([a-z][a-z-]+)", re.MULTILINE)


def _page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _commands() -> dict[str, bool]:
    """Every command such as `data generate`, and whether it has commands below it."""
    found = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        children = getattr(command, "commands", {})
        found[name] = bool(children)
        found.update({f"{name} {child}": False for child in children})
    return found


def _slugs(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _links(page: Path) -> Iterator[tuple[str, str]]:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            path, _, anchor = target.partition("#")
            yield path, anchor


@pytest.mark.parametrize("page", PAGES, ids=_page_id)
def test_every_link_leads_somewhere(page: Path) -> None:
    for path, anchor in _links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {path}"
        assert not anchor or anchor in _slugs(target), f"{page.name} links to {path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=_page_id)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    commands = _commands()
    for words in re.findall(r"`(?:\.venv/bin/)?claimvet ([a-z][^`]*)`", page.read_text(encoding="utf-8")):
        first, *rest = words.split()
        assert first in commands, f"{page.name} names claimvet {words}"
        assert not commands[first] or not rest or f"{first} {rest[0]}" in commands, (
            f"{page.name} names claimvet {words}"
        )


@pytest.mark.parametrize("page", PAGES, ids=_page_id)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(TARGET.findall(page.read_text(encoding="utf-8"))) <= targets


def test_the_command_line_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == cli_page(), "run make docs"


def test_the_parameter_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "params.md").read_text(encoding="utf-8") == params_page(), "run make docs"


def test_every_option_says_what_it_does() -> None:
    assert "| None" not in cli_page()
    assert re.search(r"\| *\. *\|", cli_page()) is None


@pytest.mark.parametrize("section", [field.name for field in fields(Params)])
def test_every_parameter_says_what_it_means(section: str) -> None:
    declared = get_type_hints(Params)[section]
    assert set(field_meanings(declared)) == {field.name for field in fields(declared)}


def test_every_feature_is_on_the_feature_page() -> None:
    page = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    assert [feature.name for feature in FEATURES if f"`{feature.name}`" not in page] == []


def test_every_decision_is_in_the_index() -> None:
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    records = [path.name for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md")]
    assert records
    assert [name for name in records if f"({name})" not in index] == []


def test_the_changelog_speaks_of_this_version() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
