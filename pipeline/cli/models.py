"""Commands about a model: train it, evaluate it, score with it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from claimvet.pipeline.cli.options import (
    BuiltFeatures,
    DataDirectory,
    Engine,
    EngineOption,
    ModelUri,
    OutFile,
    ParamsFile,
    read_options,
    read_params,
)
from claimvet.pipeline.progress import step


def train(
    data: DataDirectory,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Directory for the model and its evaluation as files, too.", metavar="DIR"),
    ] = None,
    features: BuiltFeatures = None,
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


def score(
    data: DataDirectory,
    claims: Annotated[Path, typer.Option("--claims", help="Claims to score: Parquet or CSV.", metavar="FILE")],
    out: OutFile,
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
