"""Training: a data set in, a challenger in the registry out.

Convention: what is written and logged is a function of the data set and the parameters alone, so the same data give the same model.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from claimvet.data.contract.dataset import DataSet, connect, identifier, quoted
from claimvet.data.contract.errors import InvalidDataError, UsageError
from claimvet.data.contract.reading.options import AS_IT_LIES, ReadOptions
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX, GROUP_COLUMN_PREFIX, NEEDED_TO_TRAIN, PROBABILITIES
from claimvet.data.contract.writing.output_directory import output_directory
from claimvet.features.batch.build import build_features
from claimvet.features.catalogue.features import FEATURES, MODEL_FEATURES
from claimvet.features.engines.progress import Progress, silent
from claimvet.models.assessment.card import CardFacts, model_card
from claimvet.models.assessment.fairness import fairness_table
from claimvet.models.assessment.plots import money_plots, write_plots
from claimvet.models.charts.titled import write_charts
from claimvet.models.explain.protected import protected_names
from claimvet.models.learning.training import Training, train_model
from claimvet.models.learning.training_data import TrainingData
from claimvet.models.metrics.evaluation import by_slice, confusion, figures, intervals
from claimvet.models.parameters import SplitParams, TrainParams
from claimvet.models.policy.alternatives import money_table
from claimvet.models.policy.claim_facts import policy_facts
from claimvet.models.policy.policy import Policy
from claimvet.models.registry.addresses import registry_uri, shown
from claimvet.models.registry.mlflow_store import version_of
from claimvet.models.registry.registry import (
    CARD_FILE,
    CHALLENGER,
    EVALUATED_FEATURES_FILE,
    EVALUATED_FILE,
    EVALUATED_POLICY_FILE,
    NAME,
    PARITY_FILE,
    register,
)
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.pipeline.stages.parity import feature_parity
from claimvet.pipeline.validate import require_valid

ACCOUNT_AGE = "customer_account_age_days"
_CHUNK_BYTES = 1 << 20
MAX_UNCHECKED = 3
"""Claims without a finding that are read beside each one with; `train.unchecked_per_finding` says how many of them teach."""


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
        lines = [f"note: {note}" for note in (*self.notes, split.note, *training_notes(model)) if note]
        lines.append(
            f"{len(split.everything):,} findings: {len(split.train):,} trained, {len(split.bound):,} bound denials, "
            f"{len(split.test):,} evaluated what was grown before {split.test_from:%Y-%m-%d}; all are in the model"
        )
        compared = [(name, values) for name, values in self._all_figures() if values]
        lines += [f"{name}: {_figures(values)}" for name, values in compared]
        lines += [
            f"warning: the model does not beat {name}, whose log loss on the test slice is {values['log_loss']:.4f} "
            f"against {self.figures['log_loss']:.4f}"
            for name, values in compared[1:]
            if not self.figures["log_loss"] < values["log_loss"]
        ]
        lines.append(f"model {model.version} is models:/{NAME}@{CHALLENGER}, version {self.number}, in {self.store}")
        return "\n".join(lines)

    def _all_figures(self) -> Iterable[tuple[str, dict[str, float]]]:
        if len(self.training.evaluated):
            yield "model", self.figures
            for name, evaluated in self.training.baselines.items():
                yield name.replace("_", " "), figures(evaluated)


def train(
    data: Path,
    split: SplitParams,
    params: TrainParams,
    policy: Policy,
    *,
    out: Path | None = None,
    features: Path | None = None,
    read: ReadOptions = AS_IT_LIES,
    progress: Progress = silent,
) -> TrainReport:
    """Validate, build features, train, evaluate, and register the model as challenger.

    `out`, if named, gets the model (`model/`) and its evaluation (`evaluation/`) as files, too. `features`, if named, is the Parquet
    file that `build_features` made of the same data set; they are not built again, but for a sample that tells whether that is so.
    `read` says what is known of the user's own columns, and which moment no event may come after.
    Raises `InvalidDataError` where the data break the contract, `ModelError` where no claim has a finding, `UsageError` where the
    file of features does not exist or `out` holds anything but what an earlier run wrote, `RegistryError` where MLflow does not answer.
    """
    require_features(features)
    version_of(NAME, CHALLENGER)  # a registry that does not answer is told before the work, not after it
    if out is None:
        return _train(data, split, params, policy, None, features, read, progress)
    with output_directory(out, "train", (data, features)) as filled:
        return _train(data, split, params, policy, filled, features, read, progress)


def require_features(features: Path | None) -> None:
    """Raise where a file of features is named that is none.

    Raises:
        UsageError: where it does not exist.
        InvalidDataError: where it is no Parquet file with a row a claim.
    """
    expected = "expected one from `claimvet features build`"
    if features is None:
        return
    if not features.is_file():
        raise UsageError(f"the file of features {features} does not exist, {expected}")
    try:
        names = pq.read_schema(features).names
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidDataError(f"{features} is no Parquet file that can be read, {expected}") from error
    for needed in ("claim_id", "claim_amount", "claim_evidence_count"):
        if needed not in names:
            raise InvalidDataError(f"{features} has no column {needed}, {expected}")


def _train(
    data: Path,
    split: SplitParams,
    params: TrainParams,
    policy: Policy,
    filled: Path | None,
    features: Path | None,
    read: ReadOptions,
    progress: Progress,
) -> TrainReport:
    progress("validating")
    notes = require_valid(data, read=read)
    data_set = DataSet.open(data, read.types)
    _require_tables(data_set)
    with TemporaryDirectory() as scratch:
        built = features or Path(scratch) / "features.parquet"
        if features is None:
            build_features(data_set, built, progress=progress)
        training = train_model(read_training_data(data_set, built), split, params, policy, progress)
        progress("writing the evaluation")
        evaluation = Path(scratch) / "evaluation"
        summary = write_evaluation(training, evaluation, params.seed)
        if features is not None:
            progress("building a sample of the features anew")
            parity = feature_parity(data_set, features, Path(scratch), progress)
            (evaluation / PARITY_FILE).write_text(parity.to_json(), encoding="utf-8")
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
        if filled is not None:
            training.model.save(filled / "model")
            shutil.copytree(evaluation, filled / "evaluation")
        number = register(training.model, evaluation, settings, summary, facts)
    return TrainReport(number, shown(registry_uri()), training, figures(training.evaluated), notes)


def read_training_data(data_set: DataSet, features: Path) -> TrainingData:
    """Return what training reads of a data set and its features (a Parquet file of `build_features`).

    The claims that somebody looked at with all their outcomes, and up to `MAX_UNCHECKED` times as many others, drawn by their names.
    """
    connection = connect()
    try:
        data_set.register(connection)
        connection.execute(
            "CREATE TEMP TABLE looked_at AS SELECT DISTINCT claim_id FROM outcomes WHERE decided_by <> 'concession'"
        )
        connection.execute(
            "CREATE TEMP TABLE read_too AS FROM looked_at UNION ALL (SELECT claim_id FROM claims ANTI JOIN looked_at USING (claim_id) "
            f"ORDER BY md5(claim_id) LIMIT (SELECT {MAX_UNCHECKED} * count(*) FROM looked_at))"
        )
        inputs = connection.execute(
            f"SELECT * FROM read_parquet({quoted(str(features))}) SEMI JOIN read_too USING (claim_id) ORDER BY claim_id"
        ).df()
        outcomes = connection.execute(
            "SELECT * FROM outcomes SEMI JOIN looked_at USING (claim_id) ORDER BY outcome_id"
        ).df()
        claims = connection.execute(_claims_query(data_set, connection)).df()
    finally:
        connection.close()
    chosen, suspicions = model_inputs(list(inputs.columns))
    inputs = inputs.set_index("claim_id")
    return TrainingData(
        features=inputs[chosen],
        suspicions=suspicions,
        claims=with_facts(claims.set_index("claim_id"), inputs),
        outcomes=outcomes,
        facts={"sha256": data_hash(data_set), "claims": data_set.rows("claims"), "claimvet": code_version()},
    )


def read_claims(data_set: DataSet, features: Path) -> pd.DataFrame:
    """Return the rows of all claims as training reads those that somebody looked at: index `claim_id`, with facts, in the order of
    `claim_id`.
    """
    connection = connect()
    try:
        data_set.register(connection)
        claims = connection.execute(_claims_query(data_set, connection, looked_at=False)).df().set_index("claim_id")
    finally:
        connection.close()
    return with_facts(claims, pd.read_parquet(features).set_index("claim_id"))


def with_facts(claims: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Return the claims' rows with what the policy and the fairness report read of their features; both have `claim_id` as index."""
    own = features.loc[claims.index]
    facts = policy_facts(own).drop(columns=["claim_type", "amount_claimed"])
    age = own[[ACCOUNT_AGE]] if ACCOUNT_AGE in own else own[[]]
    return claims.join(facts).join(age)


def write_evaluation(training: Training, directory: Path, seed: int) -> dict[str, float]:
    """Write what evaluated the model into `directory`, and return the figures to log: the model's, and its baselines' log loss."""
    (directory / "baselines").mkdir(parents=True, exist_ok=True)
    evaluated, policy = with_dispositions(training), training.evaluated_policy
    evaluated.to_parquet(directory / EVALUATED_FILE)
    training.evaluated_features.to_parquet(directory / EVALUATED_FEATURES_FILE)
    for name, answers in training.baselines.items():
        answers.to_parquet(directory / "baselines" / f"{name}.parquet")
    money = money_table(evaluated, policy, seed, training.evaluated_features)
    losses = {name: figures(answers)["log_loss"] for name, answers in training.baselines.items()}
    tables = {"slices": by_slice(evaluated), "fairness": fairness_table(evaluated), "money": money}
    for name, table in tables.items():
        table.to_csv(directory / f"{name}.csv", index=False)
    confusion(evaluated).to_csv(directory / "confusion.csv")
    interval = intervals(evaluated, seed)
    interval.to_csv(directory / "intervals.csv")
    write_plots(evaluated, directory / "plots")
    write_charts(money_plots(money), directory / "plots")
    card = model_card(CardFacts(training.model, policy, evaluated, interval, **tables, baselines=losses))
    names = [{"name": column.name, "kind": column.kind} for column in training.model.schema.inputs]
    texts = {CARD_FILE: card, "features.json": _json(names), EVALUATED_POLICY_FILE: _json(policy.to_dict())}
    summary = figures(evaluated) | {f"log_loss_{name}": loss for name, loss in losses.items()}
    texts["metrics.json"] = _json({name: summary[name] for name in sorted(summary) if summary[name] == summary[name]})
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")
    return summary


def with_dispositions(training: Training) -> pd.DataFrame:
    """Return the evaluated claims with the `disposition` that each would have got, by the policy as it stood when the test slice began."""
    evaluated = training.evaluated
    return evaluated.assign(
        disposition=training.evaluated_policy.dispositions(evaluated[list(PROBABILITIES)], evaluated)
    )


def training_notes(model: ClaimModel) -> list[str]:
    """Return what a person should know about what the model was trained on: copies that were left out, and protected inputs."""
    copies, notes = int(model.record.get("data", {}).get("copies", 0)), []
    if copies:
        notes.append(
            f"{copies:,} claims are alike in all but their ids with others: each counts once in training and evaluation"
        )
    if protected := protected_names(model.schema.names):
        notes.append(
            f"the model reads {', '.join(protected)}: protected, or a proxy of it, and never told as a reason; a `group_` column "
            "instead of `x_` only splits the fairness report"
        )
    return notes


def _json(value: object) -> str:
    return json.dumps(value, indent=1) + "\n"


def data_hash(data_set: DataSet) -> str:
    """Return the SHA-256 over the names and bytes of every file of the contract's tables, in order of name; hexadecimal."""
    digest = hashlib.sha256()
    for name in sorted(data_set.tables):
        path = data_set.tables[name].path
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(str(file.relative_to(data_set.folder)).encode())
                _update(digest, file)
    return digest.hexdigest()


def code_version() -> str:
    """Return the version of the installed package, or `not installed`."""
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


def _claims_query(data_set: DataSet, connection: duckdb.DuckDBPyConnection, *, looked_at: bool = True) -> str:
    category = "products.category_id" if data_set.has("products") else "NULL::VARCHAR AS category_id"
    joined = "LEFT JOIN products USING (product_id)" if data_set.has("products") else ""
    names = [row[0] for row in connection.execute("DESCRIBE claims").fetchall()]
    groups = [f"claims.{identifier(name)}" for name in names if name.startswith(GROUP_COLUMN_PREFIX)]
    columns = ", ".join(["claim_id, filed_at, customer_id, claim_type, amount_claimed", *groups, category])
    kept = "SEMI JOIN read_too USING (claim_id)" if looked_at else ""
    return f"SELECT {columns} FROM claims {kept} {joined} ORDER BY claim_id"


def model_inputs(columns: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return those of the columns of a table of features that a model reads, and which way each declared feature points."""
    return [name for name in columns if _is_input(name)], {each.name: str(each.suspicion) for each in FEATURES}


def _is_input(name: str) -> bool:
    return name.startswith(FEATURE_COLUMN_PREFIX) or name in _MODEL_INPUTS


_MODEL_INPUTS = frozenset(feature.name for feature in MODEL_FEATURES)


def _flat(section: str, values: dict[str, Any]) -> dict[str, object]:
    return {f"{section}.{name}": value for name, value in values.items()}


def _figures(values: dict[str, float]) -> str:
    shown = ("auc_valid", "auc_abusive", "log_loss", "calibration_error")
    return ", ".join(f"{name.replace('_', ' ')} {values[name]:.4f}" for name in shown)
