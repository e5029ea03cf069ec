"""Tuning: a data set in, a file of parameters out that `claimvet train --params` accepts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
import yaml

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.errors import OutputError
from claimvet.data.contract.reading.options import AS_IT_LIES, ReadOptions
from claimvet.data.contract.writing.atomic_write import atomic_write
from claimvet.data.contract.writing.checks import require_output_file
from claimvet.data.contract.writing.failures import write_failures_explained
from claimvet.features.batch.build import build_features
from claimvet.features.engines.progress import Progress, silent
from claimvet.models.learning.tuning import Tuned, tune
from claimvet.pipeline.params import OF_POLICY, Params
from claimvet.pipeline.stages.train import data_hash, read_training_data, require_features
from claimvet.pipeline.validate import require_valid

PARAMS_ENDINGS, TRIALS_ENDING = (".yaml", ".yml"), ".trials.db"


@dataclass(frozen=True)
class TuneReport:
    """What was found, and the file that holds it."""

    tuned: Tuned
    out: Path

    def __str__(self) -> str:
        return f"{self.tuned}\nparameters: {self.out} (claimvet train --params {self.out})"


def tune_parameters(
    data: Path,
    params: Params,
    *,
    trials: int,
    seconds: float,
    out: Path,
    features: Path | None = None,
    read: ReadOptions = AS_IT_LIES,
    progress: Progress = silent,
) -> TuneReport:
    """Search parameters of training on a data set, and write all parameters with the best ones to `out` (YAML).

    The trials are kept beside it in `OUT.trials.db`, so that the same command goes on where it stopped; another data set or seed begins
    anew. `features`, if named, is the Parquet file that `build_features` made of the same data set.
    Raises `InvalidDataError` where the data break the contract, `ModelError` where there are too few findings, `UsageError` where
    `out` cannot be written.
    """
    require_features(features)
    storage = trials_path(out)
    require_output_file(out, (data, features), PARAMS_ENDINGS)
    require_output_file(storage, (data, features), (TRIALS_ENDING,))
    progress("validating")
    require_valid(data, read=read)
    data_set = DataSet.open(data, read.types)
    with TemporaryDirectory() as scratch:
        built = features or Path(scratch) / "features.parquet"
        if features is None:
            build_features(data_set, built, progress=progress)
        known = read_training_data(data_set, built)
    with write_failures_explained(storage):
        storage.parent.mkdir(parents=True, exist_ok=True)
    is_new = not storage.exists()
    try:
        tuned = tune(
            known,
            params.split,
            params.train,
            trials=trials,
            seconds=seconds,
            storage=f"sqlite:///{storage.resolve()}",
            study=f"{data_hash(data_set)[:16]} seed {params.train.seed}",
            progress=progress,
        )
    except sa.exc.OperationalError as error:
        if is_new:
            storage.unlink(missing_ok=True)
        raise OutputError(f"{storage} cannot be written: {error.orig}") from error
    write_params(replace(params, train=tuned.params), out, str(tuned))
    return TuneReport(tuned, out)


def trials_path(out: Path) -> Path:
    """Return where the trials are kept whose best parameters lie in `out`: beside it."""
    return out.with_name(f"{out.name}{TRIALS_ENDING}")


def write_params(params: Params, out: Path, note: str) -> None:
    """Write all parameters as YAML under a comment; `pipeline.params.load_params` reads them back."""
    values = asdict(params)
    values["cases"] = {name: value for name, value in values["cases"].items() if name not in OF_POLICY}
    text = yaml.safe_dump(values, sort_keys=False)
    with atomic_write(out) as aside:
        aside.write_text(f"# {note}\n{text}", encoding="utf-8")
