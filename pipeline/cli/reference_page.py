"""Writes the two reference pages that follow from code: `docs/cli.md` from the command line, `docs/params.md` from the parameters.

`make docs` runs it; a test keeps the pages in step.
"""

from __future__ import annotations

import ast
import inspect
import os
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, get_type_hints

import typer

from claimvet.pipeline.cli.main import app
from claimvet.pipeline.params import OF_POLICY, Params

CLI_PAGE = "cli.md"
PARAMS_PAGE = "params.md"


def cli_page() -> str:
    """`docs/cli.md`: every command with its arguments and options."""
    opening = (
        "# Command line\n\nWritten by `make docs` from `pipeline/cli/main.py`; do not edit. "
        "Exit status: 0 done, 1 the data or the gate said no, 2 wrong usage. An error is one sentence on stderr.\n"
    )
    return "\n".join([opening, *_command_sections(typer.main.get_command(app), "claimvet")])


def _command_sections(command: Any, path: str) -> Iterator[str]:
    children = getattr(command, "commands", {})
    for name, child in children.items():
        yield from _command_sections(child, f"{path} {name}")
    if not children:
        yield f"## `{path}`\n\n{inspect.cleandoc(command.help)}\n\n{_option_table(command)}"


def _option_table(command: Any) -> str:
    rows = [_option_row(parameter) for parameter in command.params if parameter.name != "help"]
    return "\n".join(["| option | meaning |", "|---|---|", *rows, ""]) if rows else ""


def _option_row(parameter: Any) -> str:
    name = parameter.opts[0] if parameter.param_type_name == "option" else str(parameter.metavar)
    value = f" {parameter.metavar}" if parameter.metavar and parameter.param_type_name == "option" else ""
    default = "" if parameter.required or parameter.default is None else f" Default: {parameter.default}."
    needed = " Required." if parameter.required else ""
    return f"| `{name}{value}` | {parameter.help}{needed}{default} |"


def params_page() -> str:
    """`docs/params.md`: every parameter with its type, its default and what it means."""
    opening = (
        "# Parameters\n\nWritten by `make docs` from the dataclasses that the stages work with; do not edit. "
        "`params.yaml` sets them; a key that it leaves out has its default. "
        "`--params FILE` names another file; else `./params.yaml` counts, else the project's own.\n"
    )
    return "\n".join([opening, *(_section(declared) for declared in fields(Params))])


def _section(declared: Field[Any]) -> str:
    section = get_type_hints(Params)[declared.name]
    meanings = field_meanings(section)
    rows = [
        f"| `{field.name}` | {field.type} | {_default(section(), field)} | {meanings[field.name]} |"
        for field in fields(section)
        if declared.name != "cases" or field.name not in OF_POLICY
    ]
    summary = inspect.cleandoc(section.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    return "\n".join(
        [f"## `{declared.name}`", "", summary, "", "| key | type | default | meaning |", "|---|---|---|---|", *rows, ""]
    )


def _default(section: Any, field: Field[Any]) -> str:
    value = getattr(section, field.name)
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def field_meanings(dataclass_type: type) -> dict[str, str]:
    """Return the docstring below each field of a dataclass, on one line each; a field without one is left out.

    >>> from claimvet.pipeline.params import GenerateParams
    >>> field_meanings(GenerateParams)["claims"]
    'Number of claims in the marketplace, at least 100.'
    """
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(dataclass_type))).body
    assert isinstance(body, ast.ClassDef)
    meanings = {}
    for declaration, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(declaration, ast.AnnAssign) and isinstance(declaration.target, ast.Name):
            text = _string(below)
            if text is not None:
                meanings[declaration.target.id] = " ".join(text.split())
    return meanings


def _string(statement: ast.stmt) -> str | None:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def write_pages(folder: Path) -> None:
    """Write both pages into `folder`, each aside and then renamed."""
    for name, text in ((CLI_PAGE, cli_page()), (PARAMS_PAGE, params_page())):
        aside = folder / f".{name}"
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, folder / name)


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
