"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from claimvet.data.contract.reading.options import ReadOptions
    from claimvet.pipeline.params import Params

DataDirectory = Annotated[
    Path, typer.Option("--data", help="Data set: a directory with one file a table.", metavar="DIR")
]
OutFile = Annotated[
    Path,
    typer.Option(
        "--out", help="File to write: .parquet, .csv, .tsv, .json or .jsonl; text with .gz, too.", metavar="FILE"
    ),
]
ModelUri = Annotated[
    str | None,
    typer.Option("--model", help="Model: an MLflow URI or a directory; default the champion.", metavar="URI"),
]
ParamsFile = Annotated[
    Path | None,
    typer.Option("--params", help="Parameters; default ./params.yaml, else the project's own.", metavar="FILE"),
]


def read_params(path: Path | None) -> Params:
    """Return the parameters of the file named, or of the one that counts where none is named."""
    from claimvet.pipeline.params import load_params

    return load_params(path)


def read_options(params: Params) -> ReadOptions:
    """Return how data are read and judged by these parameters, at this moment."""
    from claimvet.data.contract.reading.feature_types import FeatureTypes
    from claimvet.data.contract.reading.options import ReadOptions

    latest = datetime.now(UTC) + timedelta(hours=params.validate.clock_tolerance_hours)
    return ReadOptions(FeatureTypes(params.read.types, "params.yaml"), latest)
