"""Commands about how good a model can be made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from claimvet.pipeline.cli.options import BuiltFeatures, DataDirectory, ParamsFile, read_options, read_params
from claimvet.pipeline.progress import step


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module to the program."""
    app.command("tune")(tune)


def tune(
    data: DataDirectory,
    trials: Annotated[int, typer.Option("--trials", min=1, help="Trials in all, those of earlier runs included.")] = 40,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="Seconds after which no trial is begun.")] = 1800.0,
    out: Annotated[
        Path, typer.Option("--out", help="YAML file to write; the trials are kept beside it.", metavar="FILE")
    ] = Path("tuned.yaml"),
    features: BuiltFeatures = None,
    params: ParamsFile = None,
) -> None:
    """Search the parameters of training on later and later claims; write a file that `train --params` accepts."""
    from claimvet.data.contract.writing.checks import require_output_file
    from claimvet.pipeline.params import find_params
    from claimvet.pipeline.stages.tune import PARAMS_ENDINGS, tune_parameters

    own = read_params(params)
    require_output_file(out, (find_params(params, Path.cwd()),), PARAMS_ENDINGS)
    with step("Tuning") as tell:
        report = tune_parameters(
            data,
            own,
            trials=trials,
            seconds=seconds,
            out=out,
            features=features,
            read=read_options(own),
            progress=tell,
        )
    typer.echo(str(report))
