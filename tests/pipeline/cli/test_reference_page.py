"""The reference pages hold everything that the code declares, and change only when it does."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from claimvet.pipeline.cli.reference_page import cli_page, field_meanings, params_page, write_pages
from claimvet.pipeline.params import Params

COMMANDS = (
    "backtest",
    "data generate",
    "data validate",
    "demo",
    "erase",
    "evaluate",
    "events load",
    "events upgrade",
    "features build",
    "features list",
    "keys create",
    "keys list",
    "keys revoke",
    "monitor",
    "promote",
    "replay",
    "rollback",
    "score",
    "serve",
    "train",
    "tune",
)


@dataclass
class Sample:
    """A dataclass with every kind of field."""

    described: int = 1
    """What it means,
    over two lines."""
    bare: int = 2
    last: int = 3
    """The last."""


def test_a_meaning_is_the_string_below_its_field() -> None:
    assert field_meanings(Sample) == {"described": "What it means, over two lines.", "last": "The last."}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_section(command: str) -> None:
    assert f"## `claimvet {command}`" in cli_page()


def test_no_other_command_has_one() -> None:
    assert cli_page().count("## `claimvet ") == len(COMMANDS)


def test_an_option_says_whether_it_is_required_and_its_default() -> None:
    assert "| `--data DIR` | Data set: a directory with one file a table. Required. |" in cli_page()
    assert "Default: duckdb. |" in cli_page()


def test_every_parameter_has_a_row() -> None:
    page = params_page()
    for section in fields(Params):
        assert f"## `{section.name}`" in page
        assert all(f"| `{parameter.name}` |" in page for parameter in fields(getattr(Params(), section.name)))


def test_both_pages_are_written_and_nothing_else(tmp_path: Path) -> None:
    write_pages(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "cli.md": cli_page(),
        "params.md": params_page(),
    }
