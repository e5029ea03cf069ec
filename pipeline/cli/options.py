"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from claimvet.data.contract.reading.options import ReadOptions
    from claimvet.pipeline.params import Params


class Engine(StrEnum):
    """What computes the features."""

    DUCKDB = "duckdb"
    SPARK = "spark"


DataDirectory = Annotated[
    Path, typer.Option("--data", help="Data set: a directory with one file a table.", metavar="DIR")
]
OutFile = Annotated[
    Path,
    typer.Option(
        "--out", help="File to write: .parquet, .csv, .tsv, .json or .jsonl; text with .gz, too.", metavar="FILE"
    ),
]
BuiltFeatures = Annotated[
    Path | None,
    typer.Option("--features", help="Features that were built of the same data; default: build them.", metavar="FILE"),
]
ModelUri = Annotated[
    str | None,
    typer.Option("--model", help="Model: an MLflow URI or a directory; default the champion.", metavar="URI"),
]
ParamsFile = Annotated[
    Path | None,
    typer.Option("--params", help="Parameters; default ./params.yaml, else the project's own.", metavar="FILE"),
]

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


def size_and_seed(params: Params, claims: int | None, seed: int | None) -> tuple[int, int]:
    """Return how many claims to make and from which seed: what the command line says, else the parameters."""
    return claims or params.generate.claims, params.generate.seed if seed is None else seed


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
