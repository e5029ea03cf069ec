"""Commands about features: list them, compute them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from claimvet.pipeline.cli.options import (
    DataDirectory,
    Engine,
    EngineOption,
    MemoryLimit,
    OutFile,
    ParamsFile,
    read_options,
    read_params,
)
from claimvet.pipeline.progress import say, step


class ListFormat(StrEnum):
    """How `features list` prints."""

    TABLE = "table"
    JSON = "json"


features_app = typer.Typer(no_args_is_help=True, help="List the features, or compute them.")


@features_app.command("list")
def features_list(
    format_: Annotated[
        ListFormat, typer.Option("--format", help="A table to read, or JSON to process.")
    ] = ListFormat.TABLE,
) -> None:
    """List every feature: name, description, entity, source, aggregation, column, window, filter and type."""
    from claimvet.features.catalogue.features import FEATURES

    rows = [feature.listing() for feature in FEATURES]
    typer.echo(json.dumps(rows, indent=2) if format_ is ListFormat.JSON else _as_table(rows))


def _as_table(rows: Sequence[dict[str, str | int | None]]) -> str:
    cells = [list(rows[0])] + [["" if value is None else str(value) for value in row.values()] for row in rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


@features_app.command("build")
def features_build(
    data: DataDirectory,
    out: OutFile,
    claims: Annotated[
        Path | None, typer.Option("--claims", help="Claims to build for; default all.", metavar="FILE")
    ] = None,
    engine: EngineOption = Engine.DUCKDB,
    memory_limit: MemoryLimit = None,
    params: ParamsFile = None,
) -> None:
    """Compute one row of features a claim, from what was known before it was filed."""
    from claimvet.features.batch.build import build_features
    from claimvet.features.engines.open import open_data_set
    from claimvet.pipeline.stages.reach import notes_on_input, require_output

    require_output(out, (data, claims), engine.value)
    options = read_options(read_params(params))
    data_set = open_data_set(data, engine.value, options.types)
    with step("Validating"):
        _say_notes(notes_on_input(data_set, claims, options.latest))
    with step("Computing features") as tell:
        report = build_features(
            data_set, out, claims=claims, engine=engine.value, memory_limit=memory_limit, progress=tell
        )
    typer.echo(f"{out}: {_counted(report.rows, 'claim')}, {_counted(len(report.features), 'feature')}")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _say_notes(notes: Iterable[str]) -> None:
    for note in notes:
        say(f"note: {note}")
