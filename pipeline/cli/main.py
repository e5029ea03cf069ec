"""The `claimvet` command line: reads options and parameters, calls one stage, prints what it answers.

Exit status: 0 done, 1 the data or the gate said no, 2 wrong usage. A stage is imported only when its command runs, so that
`claimvet --help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from claimvet.pipeline.cli import lifecycle, models, serving, tuning
from claimvet.pipeline.cli.data import data_app
from claimvet.pipeline.cli.ending import require_text, run
from claimvet.pipeline.cli.features import features_app
from claimvet.pipeline.cli.options import Claims, ParamsFile, Seed, read_params, size_and_seed

app = typer.Typer(name="claimvet", no_args_is_help=True, add_completion=False, rich_markup_mode=None)
app.add_typer(data_app, name="data")
app.add_typer(features_app, name="features")
serving.add_commands(app)


@app.callback()
def claimvet() -> None:
    """Score marketplace claims as valid, frivolous or abusive, with probabilities, reasons and a disposition."""


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
    size, drawn = size_and_seed(read, claims, seed)
    show(run_demo(out, read, claims=size, seed=drawn, now=datetime.now(UTC)))


app.command("train")(models.train)
app.command("evaluate")(models.evaluate)
tuning.add_commands(app)
lifecycle.add_commands(app)
app.command("score")(models.score)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command of `arguments` (default: the process's own) and return its exit status; see `pipeline.cli.ending.run`."""
    command = typer.main.get_command(app)
    given = sys.argv[1:] if arguments is None else arguments

    def asked() -> object:
        require_text(given)
        return command.main(arguments, prog_name="claimvet", standalone_mode=False)

    return run(asked)
