"""Training: a data set in, a challenger in the registry out.

Convention: what is written and logged is a function of the data set and the parameters alone, so the same data give the same model.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow

from data.contract.dataset import DataSet, connect, quoted
from data.contract.errors import InvalidDataError, UsageError
from data.contract.tables import FEATURE_COLUMN_PREFIX, NEEDED_TO_TRAIN
from features.build import build_features
from features.catalogue import FEATURES, MODEL_FEATURES
from features.progress import Progress, silent
from models.evaluation import by_slice, confusion, figures, intervals
from models.parameters import SplitParams, TrainParams
from models.plots import write_plots
from models.policy import Policy
from models.registry import CHALLENGER, NAME, register
from models.training import Training, TrainingData, train_model
from pipeline.validate import require_valid

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class TrainReport:
    """What a run made, where it is, and what can be said about it."""

    number: str
    store: str
    training: Training
    figures: dict[str, float]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        split, model = self.training.split, self.training.model
        lines = [f"note: {note}" for note in (*self.notes, split.note) if note]
        lines.append(
            f"{len(split.everything):,} findings: {len(split.train):,} trained, {len(split.calibrate):,} calibrated, "
            f"{len(split.judge):,} judged what was grown before {split.judge_from:%Y-%m-%d}; all are in the model"
        )
        lines += [f"{name}: {_figures(values)}" for name, values in self._rivals() if values]
        lines.append(f"model {model.version} is models:/{NAME}@{CHALLENGER}, version {self.number}, in {self.store}")
        return "\n".join(lines)

    def _rivals(self) -> Iterable[tuple[str, dict[str, float]]]:
        if len(self.training.judged):
            yield "model", self.figures
            for name, judged in self.training.baselines.items():
                yield name.replace("_", " "), figures(judged)


def train(
    data: Path,
    split: SplitParams,
    params: TrainParams,
    policy: Policy,
    *,
    out: Path | None = None,
    features: Path | None = None,
    progress: Progress = silent,
) -> TrainReport:
    """Validates, builds features, trains, judges, and registers the model as challenger.

    `out`, if named, gets the model (`model/`) and its evaluation (`evaluation/`) as files, too. `features`, if named, is the Parquet
    file that `build_features` made of the same data set; they are not built again.
    Raises `InvalidDataError` where the data break the contract, `ModelError` where no claim has a finding, `UsageError` where the
    file of features does not exist.
    """
    if features is not None and not features.is_file():
        raise UsageError(f"the file of features {features} does not exist, expected one from `claimvet features build`")
    progress("validating")
    notes = require_valid(data)
    data_set = DataSet.open(data)
    _require_tables(data_set)
    with TemporaryDirectory() as scratch:
        built = features or Path(scratch) / "features.parquet"
        if features is None:
            build_features(data_set, built, progress=progress)
        training = train_model(read_training_data(data_set, built), split, params, policy, progress)
        progress("writing the evaluation")
        evaluation = Path(scratch) / "evaluation"
        summary = write_evaluation(training, evaluation, params.seed)
        progress("registering")
        settings = {
            **_flat("split", asdict(split)),
            **_flat("train", asdict(params)),
            **_flat("policy", asdict(training.model.policy)),
        }
        facts = {
            "data_sha256": str(training.model.record["data"]["sha256"]),
            "claimvet": str(training.model.record["data"]["claimvet"]),
        }
        number = register(training.model, evaluation, settings, summary, facts)
        if out is not None:
            training.model.save(out / "model")
            shutil.copytree(evaluation, out / "evaluation", dirs_exist_ok=True)
    return TrainReport(number, mlflow.get_tracking_uri(), training, figures(training.judged), notes)


def read_training_data(data_set: DataSet, features: Path) -> TrainingData:
    """The claims that somebody looked at, with their features (a Parquet file of `build_features`) and all their outcomes."""
    connection = connect()
    try:
        data_set.register(connection)
        connection.execute(
            "CREATE TEMP TABLE looked_at AS SELECT DISTINCT claim_id FROM outcomes WHERE decided_by <> 'concession'"
        )
        inputs = connection.execute(
            f"SELECT * FROM read_parquet({quoted(str(features))}) SEMI JOIN looked_at USING (claim_id) ORDER BY claim_id"
        ).df()
        outcomes = connection.execute(
            "SELECT * FROM outcomes SEMI JOIN looked_at USING (claim_id) ORDER BY outcome_id"
        ).df()
        claims = connection.execute(_claims_query(data_set)).df()
    finally:
        connection.close()
    chosen = [name for name in inputs.columns if _is_input(name)]
    return TrainingData(
        features=inputs.set_index("claim_id")[chosen],
        suspicions={feature.name: str(feature.suspicion) for feature in FEATURES},
        claims=claims.set_index("claim_id"),
        outcomes=outcomes,
        facts={"sha256": data_hash(data_set), "claims": data_set.rows("claims"), "claimvet": code_version()},
    )


def write_evaluation(training: Training, directory: Path, seed: int) -> dict[str, float]:
    """Writes what judged the model into `directory`, and answers the figures to log: the model's, and its baselines' log loss."""
    (directory / "baselines").mkdir(parents=True, exist_ok=True)
    training.judged.to_parquet(directory / "judged.parquet")
    training.judged_features.to_parquet(directory / "judged_features.parquet")
    for name, judged in training.baselines.items():
        judged.to_parquet(directory / "baselines" / f"{name}.parquet")
    by_slice(training.judged).to_csv(directory / "slices.csv", index=False)
    confusion(training.judged).to_csv(directory / "confusion.csv")
    intervals(training.judged, seed).to_csv(directory / "intervals.csv")
    write_plots(training.judged, directory / "plots")
    names = [{"name": column.name, "kind": column.kind} for column in training.model.schema.inputs]
    (directory / "features.json").write_text(json.dumps(names, indent=1) + "\n", encoding="utf-8")
    summary = figures(training.judged)
    summary |= {f"log_loss_{name}": figures(judged)["log_loss"] for name, judged in training.baselines.items()}
    finite = {name: value for name, value in summary.items() if value == value}
    (directory / "metrics.json").write_text(json.dumps(finite, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return summary


def data_hash(data_set: DataSet) -> str:
    """SHA-256 over the names and bytes of every file of the contract's tables, in order of name; hexadecimal."""
    digest = hashlib.sha256()
    for name in sorted(data_set.tables):
        path = data_set.tables[name].path
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(str(file.relative_to(data_set.folder)).encode())
                _update(digest, file)
    return digest.hexdigest()


def code_version() -> str:
    """Version of the installed package, or `not installed`."""
    try:
        return version("claimvet")
    except PackageNotFoundError:
        return "not installed"


def _update(digest: Any, file: Path) -> None:
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)


def _require_tables(data_set: DataSet) -> None:
    for name in NEEDED_TO_TRAIN:
        if not data_set.has(name):
            raise InvalidDataError(
                f"table {name} is missing or empty in {data_set.folder}, expected claims with outcomes to train on"
            )


def _claims_query(data_set: DataSet) -> str:
    category = "products.category_id" if data_set.has("products") else "NULL::VARCHAR AS category_id"
    joined = "LEFT JOIN products USING (product_id)" if data_set.has("products") else ""
    columns = "claim_id, filed_at, customer_id, claim_type, amount_claimed"
    return f"SELECT {columns}, {category} FROM claims SEMI JOIN looked_at USING (claim_id) {joined} ORDER BY claim_id"


def _is_input(name: str) -> bool:
    return name.startswith(FEATURE_COLUMN_PREFIX) or name in _MODEL_INPUTS


_MODEL_INPUTS = frozenset(feature.name for feature in MODEL_FEATURES)


def _flat(section: str, values: dict[str, Any]) -> dict[str, object]:
    return {f"{section}.{name}": value for name, value in values.items()}


def _figures(values: dict[str, float]) -> str:
    shown = ("auc_valid", "auc_abusive", "log_loss", "calibration_error")
    return ", ".join(f"{name.replace('_', ' ')} {values[name]:.4f}" for name in shown)
