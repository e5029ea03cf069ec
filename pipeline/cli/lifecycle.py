"""Commands of a model's life: its way to champion and back, what it would have done in the past, and whether the world has moved."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from claimvet.pipeline.cli.options import DataDirectory, ModelUri, ParamsFile, read_options, read_params
from claimvet.pipeline.progress import step

By = Annotated[
    str | None,
    typer.Option("--by", help="Who does it, for the record; default the user of this machine.", metavar="NAME"),
]


def user_name() -> str:
    """Name of the user of this machine; `unknown` where it has none, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module to the program, in the order in which a model meets them."""
    for name, command in (("promote", promote), ("rollback", rollback), ("backtest", backtest), ("monitor", monitor)):
        app.command(name)(command)


def promote(by: By = None, params: ParamsFile = None) -> None:
    """Make the challenger champion if it passes the gate; otherwise say why not, and exit with 1."""
    from claimvet.pipeline.stages.promote import promote as promote_stage
    from claimvet.pipeline.stages.promote import require_passed

    report = promote_stage(read_params(params).gate, by=by or user_name(), now=datetime.now(UTC))
    typer.echo(str(report))
    require_passed(report)


def rollback(
    by: By = None,
    why: Annotated[str, typer.Option("--why", help="Why, for the record.", metavar="TEXT")] = "",
) -> None:
    """Make the version champion again that was before the present one."""
    from claimvet.pipeline.stages.promote import roll_back_champion

    typer.echo(roll_back_champion(by=by or user_name(), now=datetime.now(UTC), why=why))


def backtest(
    data: DataDirectory,
    out: Annotated[
        Path, typer.Option("--out", help="Directory for the report, its figures and plots.", metavar="DIR")
    ] = Path("claimvet-reports/backtest"),
    challenger: Annotated[
        Path | None,
        typer.Option(
            "--challenger",
            help="Parameters of a challenger to run in the shadow; default: the model of the period before.",
            metavar="FILE",
        ),
    ] = None,
    params: ParamsFile = None,
) -> None:
    """Replay history in time order, retraining on a schedule with labels arriving late; report quality and money per period."""
    from claimvet.pipeline.stages.backtest import backtest as backtest_stage

    challenger_params = None if challenger is None else read_params(challenger)
    own = read_params(params)
    with step("Backtest") as tell:
        report = backtest_stage(
            data,
            out,
            own,
            challenger_params=challenger_params,
            now=datetime.now(UTC),
            read=read_options(own),
            progress=tell,
        )
    typer.echo(str(report))


def monitor(
    data: DataDirectory,
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference", help="Data set to compare with; default: the earlier claims of the same one.", metavar="DIR"
        ),
    ] = None,
    model: ModelUri = None,
    out: Annotated[Path, typer.Option("--out", help="Directory for the report.", metavar="DIR")] = Path(
        "claimvet-reports/monitor"
    ),
    params: ParamsFile = None,
) -> None:
    """Tell how features, scores and labels have drifted, as an HTML report."""
    from claimvet.pipeline.stages.monitor import monitor as monitor_stage

    read = read_params(params)
    with step("Monitoring") as tell:
        report = monitor_stage(
            data,
            out,
            read.monitor,
            reference=reference,
            read=read_options(read),
            model=model,
            now=datetime.now(UTC),
            progress=tell,
        )
    typer.echo(str(report))
