"""The `claimvet` command line: reads options and parameters, calls one stage, prints what it answers.

Exit status: 0 done, 1 the data or the gate said no, 2 wrong usage. A stage is imported only when its command runs, so that
`claimvet --help` answers at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claimvet.pipeline.cli import lifecycle, serving, tuning
from claimvet.pipeline.cli.ending import run
from claimvet.pipeline.cli.options import DataDirectory, ModelUri, OutFile, ParamsFile, read_options, read_params
from claimvet.pipeline.progress import say, step

if TYPE_CHECKING:
    from claimvet.pipeline.params import Params


class Engine(StrEnum):
    """What computes the features."""

    DUCKDB = "duckdb"
    SPARK = "spark"


class ListFormat(StrEnum):
    """How `features list` prints."""

    TABLE = "table"
    JSON = "json"


app = typer.Typer(name="claimvet", no_args_is_help=True, add_completion=False, rich_markup_mode=None)
data_app = typer.Typer(no_args_is_help=True, help="Make a data set, or check one against the contract.")
features_app = typer.Typer(no_args_is_help=True, help="List the features, or compute them.")
app.add_typer(data_app, name="data")
app.add_typer(features_app, name="features")
serving.register(app)

EngineOption = Annotated[
    Engine,
    typer.Option(
        "--engine", help="What computes the features; spark needs `make setup-spark` and Java 17, see docs/scale.md."
    ),
]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        "--memory-limit",
        help=(
            "Memory for the whole command with duckdb, such as 4GB: half is for what it spills above that, half for claims, "
            "which are built chunk by chunk where not all of them fit. Default: all at once, and 80 % of the machine's."
        ),
        metavar="SIZE",
    ),
]
Claims = Annotated[
    int | None, typer.Option("--claims", min=1, help="Number of claims; default generate.claims of the parameters.")
]
Seed = Annotated[
    int | None, typer.Option("--seed", min=0, help="Same seed, same bytes; default generate.seed of the parameters.")
]


@app.callback()
def claimvet() -> None:
    """Score marketplace claims as valid, frivolous or abusive, with probabilities, reasons and a disposition."""


@data_app.command("generate")
def data_generate(
    out: Annotated[Path, typer.Option("--out", help="Directory to write the tables to.", metavar="DIR")],
    claims: Claims = None,
    seed: Seed = None,
    params: ParamsFile = None,
) -> None:
    """Write a generated marketplace in the contract's tables, and the truth about it beside them in truth/."""
    from claimvet.data.marketplace import generate

    with step("Generating the marketplace"):
        report = generate(out, *_size_and_seed(read_params(params), claims, seed))
    typer.echo(f"{out}: {_row_counts(report.rows)}")


def _size_and_seed(params: Params, claims: int | None, seed: int | None) -> tuple[int, int]:
    return claims or params.generate.claims, params.generate.seed if seed is None else seed


def _row_counts(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {table.replace('_', ' ')}" for table, count in rows.items())


@data_app.command("validate")
def data_validate(
    data: Annotated[Path, typer.Argument(help="Data set: a directory with one file a table.", metavar="DIR")],
    docs: Annotated[
        Path | None,
        typer.Option(
            "--docs", help="Where to write HTML Data Docs; default claimvet-reports/validation.", metavar="DIR"
        ),
    ] = None,
    params: ParamsFile = None,
) -> None:
    """Check a data set against the contract; name table, column, rule, rows and keys of all that breaks it."""
    from claimvet.pipeline.validate import DOCS_DIRECTORY, validate_data_set

    with step("Validating") as tell:
        report = validate_data_set(
            data,
            docs or DOCS_DIRECTORY,
            read=read_options(read_params(params)),
            on_table=tell,
            judged_at=datetime.now(UTC),
        )
    typer.echo(str(report), err=not report.ok)
    if not report.ok:
        raise typer.Exit(1)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


@features_app.command("list")
def features_list(
    format_: Annotated[
        ListFormat, typer.Option("--format", help="A table to read, or JSON to process.")
    ] = ListFormat.TABLE,
) -> None:
    """Every feature: name, description, entity, source, aggregation, column, window, filter and type."""
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


def _say_notes(notes: Iterable[str]) -> None:
    for note in notes:
        say(f"note: {note}")


@app.command("demo")
def demo(
    out: Annotated[Path, typer.Option("--out", help="Directory for everything that it makes.", metavar="DIR")] = Path(
        "demo"
    ),
    claims: Claims = None,
    seed: Seed = None,
    params: ParamsFile = None,
) -> None:
    """Show the whole path on a generated marketplace, offline; end with a scoreboard and the path of an HTML report."""
    from claimvet.pipeline.stages.demo import run_demo, show

    read = read_params(params)
    size, drawn = _size_and_seed(read, claims, seed)
    show(run_demo(out, read, claims=size, seed=drawn, now=datetime.now(UTC)))


@app.command("train")
def train(
    data: DataDirectory,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Directory for the model and its evaluation as files, too.", metavar="DIR"),
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(
            "--features", help="Features that were built of the same data; default: build them.", metavar="FILE"
        ),
    ] = None,
    params: ParamsFile = None,
) -> None:
    """Train and calibrate on what was known, evaluate on later claims, log to MLflow, register as challenger."""
    from claimvet.pipeline.stages.train import train as train_stage

    read = read_params(params)
    with step("Training") as tell:
        report = train_stage(
            data,
            read.split,
            read.train,
            read.policy,
            out=out,
            features=features,
            read=read_options(read),
            progress=tell,
        )
    typer.echo(str(report))


@app.command("evaluate")
def evaluate(
    evaluated: Annotated[
        Path, typer.Option("--evaluated", help="evaluated.parquet, as `train --out` writes it.", metavar="FILE")
    ],
    out: Annotated[Path, typer.Option("--out", help="Directory for figures, slices and plots.", metavar="DIR")],
    params: ParamsFile = None,
) -> None:
    """Turn the claims that evaluated a model into figures with intervals, slices and plots."""
    from claimvet.pipeline.stages.evaluate import evaluate as evaluate_stage

    with step("Evaluating"):
        report = evaluate_stage(evaluated, out, read_params(params).train.seed)
    typer.echo(str(report))


tuning.add_commands(app)
lifecycle.add_commands(app)


@app.command("score")
def score(
    data: DataDirectory,
    claims: Annotated[Path, typer.Option("--claims", help="Claims to score: Parquet or CSV.", metavar="FILE")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="File to write: .parquet, .csv, .tsv, .json or .jsonl; text with .gz, too.", metavar="FILE"
        ),
    ],
    model: ModelUri = None,
    engine: EngineOption = Engine.DUCKDB,
    params: ParamsFile = None,
) -> None:
    """Score claims: probabilities, label, disposition and reasons, one row a claim in the order of the input."""
    from claimvet.models.registry.registry import load_model
    from claimvet.pipeline.stages.reach import local_directory, require_output
    from claimvet.pipeline.stages.score import score as score_stage

    require_output(out, (data, claims, local_directory(model)), engine.value)
    report = score_stage(
        data,
        claims,
        out,
        load_model(model),
        engine=engine.value,
        now=datetime.now(UTC),
        read=read_options(read_params(params)),
    )
    typer.echo(str(report))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command of `arguments` (default: the process's own) and return its exit status; see `pipeline.cli.ending.run`."""
    command = typer.main.get_command(app)
    return run(lambda: command.main(arguments, prog_name="claimvet", standalone_mode=False))
