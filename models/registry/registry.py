"""Where models are kept: MLflow's registry, as versions of `claimvet` with the aliases `challenger` and `champion`.

The store is the one that `MLFLOW_TRACKING_URI` names, or SQLite in the working directory. A version's run holds the parameters, figures,
plots and the claims that evaluated it, so that the gate needs no data set.
"""

from __future__ import annotations

import filecmp
import json
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pandas as pd

from claimvet.data.contract.errors import ModelError, RegistryError
from claimvet.data.contract.tables import PROBABILITIES
from claimvet.models.policy.policy import Policy
from claimvet.models.registry.addresses import shown, tracking_uri
from claimvet.models.registry.aliases import give_alias
from claimvet.models.registry.experiment import experiment_id, require_registered_model
from claimvet.models.registry.mlflow_store import mlflow_client, version_of
from claimvet.models.registry.model_store import ARTIFACT, CHALLENGER, CHAMPION, NAME, fetch
from claimvet.models.registry.undo import Undo, undone_on_failure
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.models.scoring.schema import InputSchema

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature
    from mlflow.models.model import ModelInfo

__all__ = [
    "CARD_FILE",
    "CHALLENGER",
    "CHAMPION",
    "EVALUATED_FEATURES_FILE",
    "EVALUATED_FILE",
    "EVALUATED_POLICY_FILE",
    "MAX_DESCRIPTION",
    "NAME",
    "PARITY_FILE",
    "StoredModel",
    "load_model",
    "model_signature",
    "register",
    "stored_model",
]

MAX_DESCRIPTION = 5000
"""Characters of a version's description that every store of MLflow holds."""

EVALUATED_FILE, EVALUATED_FEATURES_FILE = "evaluated.parquet", "evaluated_features.parquet"
"""Among the evaluation: the claims of the test slice with their probabilities, and their features."""
EVALUATED_POLICY_FILE, CARD_FILE, PARITY_FILE = "evaluated_policy.json", "model_card.md", "parity.json"
"""Among the evaluation: the policy with the bound that was known when the test slice began, what a claims manager reads, and
`pipeline.stages.parity`.
"""

_REQUIREMENTS = ("lightgbm", "mlflow", "numpy", "pandas", "scikit-learn", "scipy")


@dataclass(frozen=True)
class StoredModel:
    """One version in the registry: its number, the run that made it, the model, and the claims that evaluated it.

    `evaluated`, `evaluated_features` and `evaluated_policy` are as in `models.learning.training.Training`, `baselines` by name; empty
    frames where nothing was evaluated.
    """

    version: str
    run_id: str
    model: ClaimModel
    evaluated: pd.DataFrame
    evaluated_features: pd.DataFrame
    baselines: dict[str, pd.DataFrame]
    evaluated_policy: Policy | None = None
    parity: tuple[int, tuple[str, ...]] = (0, ())
    """Claims whose features were built anew after training, and the features that differed from those it was trained on."""


def load_model(uri: str | None = None) -> ClaimModel:
    """Load the model at an MLflow URI such as `models:/claimvet@challenger`, or in a directory; the champion where none is named.

    Raise `ModelError` where there is no such model, or it is no Claimvet model; `RegistryError` where MLflow does not hand it over.
    """
    named = uri or f"models:/{NAME}@{CHAMPION}"
    with TemporaryDirectory() as directory:
        fetched = fetch(named, Path(directory))
        try:
            return ClaimModel.load(fetched.directory)
        except ModelError as error:
            raise ModelError(f"the model {named} cannot be loaded: {error}") from error


def register(
    model: ClaimModel, evaluation: Path, params: dict[str, object], figures: dict[str, float], facts: dict[str, str]
) -> str:
    """Log a run, make its model the challenger, and return the version's number.

    Everything in the directory `evaluation` becomes artifacts of the run, `facts` its tags; figures that are NaN are left out. The model
    card among them becomes the version's description, cut to what MLflow's store holds. Raise `RegistryError` where MLflow does not do
    all of it: then there is no new version, and the challenger is as it was.
    """
    unchanged = "no version was registered, and the challenger is as it was"
    with undone_on_failure(unchanged) as undo, mlflow_client("register a model") as client:
        before = version_of(NAME, CHALLENGER)
        logged = _logged_run(client, model, evaluation, params, figures, facts)
        run = str(logged.run_id)
        undo.later(f"run {run} as finished", lambda: _fail_run(run))
        number = _new_version(client, logged, undo)
        tags = {"model_version": model.version, "model_card": f"runs:/{run}/evaluation/{CARD_FILE}"}
        for key, value in tags.items():
            client.set_model_version_tag(NAME, number, key, value)
        card = evaluation / CARD_FILE
        if card.is_file():
            client.update_model_version(NAME, number, card.read_text(encoding="utf-8")[:MAX_DESCRIPTION])
        _require_kept(client, model, evaluation, run, number)
        give_alias(CHALLENGER, number, before, undo)
    return number


def stored_model(alias: str) -> StoredModel | None:
    """Return the version that has an alias, with what evaluated it; None where MLflow says that no version has it.

    Raise `RegistryError` where MLflow does not say, or does not hand it over, `ModelError` where it is no version that `register` made.
    """
    number = version_of(NAME, alias)
    if number is None:
        return None
    with (
        mlflow_client(f"hand over the evaluation of version {number} of {NAME}") as client,
        TemporaryDirectory() as scratch,
    ):
        found = client.get_model_version(NAME, number)
        root = Path(client.download_artifacts(str(found.run_id), "evaluation", scratch))
        return _read_stored(number, str(found.run_id), load_model(f"models:/{NAME}/{number}"), root)


def _read_stored(number: str, run_id: str, model: ClaimModel, root: Path) -> StoredModel:
    try:
        return StoredModel(
            version=number,
            run_id=run_id,
            model=model,
            evaluated=pd.read_parquet(_artifact(root, EVALUATED_FILE)),
            evaluated_features=pd.read_parquet(_artifact(root, EVALUATED_FEATURES_FILE)),
            baselines={path.stem: pd.read_parquet(path) for path in sorted((root / "baselines").glob("*.parquet"))},
            evaluated_policy=_evaluated_policy(_artifact(root, EVALUATED_POLICY_FILE)),
            parity=_parity(root / PARITY_FILE),
        )
    except FileNotFoundError as error:
        missing = Path(str(error.filename or error)).name
        raise ModelError(
            f"version {number} of {NAME} has no {missing} among its artifacts, expected what `claimvet train` keeps there"
        ) from error


def model_signature(schema: InputSchema) -> ModelSignature:
    """Return MLflow's signature: every input (double or string, null allowed), and the three probabilities."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec

    types = {"number": DataType.double, "category": DataType.string}
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(types[column.kind], column.name, required=False) for column in schema.inputs
    ]
    return ModelSignature(Schema(inputs), Schema([ColSpec(DataType.double, name) for name in PROBABILITIES]))


def _logged_run(
    client: MlflowClient,
    model: ClaimModel,
    evaluation: Path,
    params: dict[str, object],
    figures: dict[str, float],
    facts: dict[str, str],
) -> ModelInfo:
    """Return a run with everything that was learned, its model too; it is marked as failed where something of it cannot be logged."""
    import mlflow

    with TemporaryDirectory() as scratch, mlflow.start_run(experiment_id=experiment_id(client)):
        mlflow.set_tags(facts)
        mlflow.log_params(params)
        mlflow.log_metrics({name: value for name, value in figures.items() if value == value})
        mlflow.log_artifacts(str(evaluation), "evaluation")
        model.save(Path(scratch) / ARTIFACT)
        logged: ModelInfo = mlflow.pyfunc.log_model(
            name=NAME,
            python_model=str(Path(__file__).with_name("served.py")),
            artifacts={ARTIFACT: str(Path(scratch) / ARTIFACT)},
            signature=model_signature(model.schema),
            pip_requirements=[f"{name}=={installed_version(name)}" for name in _REQUIREMENTS],
            metadata={"model_version": model.version},
        )
    return logged


def _new_version(client: MlflowClient, logged: ModelInfo, undo: Undo) -> str:
    """Register a logged model without `mlflow.register_model`, which prints."""
    require_registered_model(client)
    undo.later(f"a version of {NAME} of run {logged.run_id}", lambda: _delete_versions(str(logged.run_id)))
    return str(client.create_model_version(NAME, logged.model_uri, logged.run_id, model_id=logged.model_id).version)


def _require_kept(client: MlflowClient, model: ClaimModel, evaluation: Path, run: str, number: str) -> None:
    """Raise `RegistryError` where MLflow does not hand over what it was given: it believes any answer of status 200 to an upload."""
    with TemporaryDirectory() as scratch:
        kept = Path(client.download_artifacts(run, "evaluation", scratch)) if any(evaluation.iterdir()) else evaluation
        files = [path.relative_to(evaluation) for path in evaluation.rglob("*") if path.is_file()]
        lost = filecmp.cmpfiles(evaluation, kept, map(str, files), shallow=False)
        try:
            found = "another model" if load_model(f"models:/{NAME}/{number}").version != model.version else None
        except ModelError as error:
            found = str(error)
    wrong = found or next((f"another evaluation/{name}" for name in sorted(lost[1] + lost[2])), None)
    if wrong:
        raise RegistryError(
            f"MLflow at {shown(tracking_uri())} does not hand over version {number} of {NAME} as it was given: {wrong}"
        )


def _delete_versions(run_id: str) -> None:
    """Every version of a run: where an answer was lost, MLflow has asked again and made two."""
    with mlflow_client(f"delete the versions of run {run_id}") as client:
        for version in client.search_model_versions(f"run_id = '{run_id}'"):
            client.delete_model_version(version.name, version.version)


def _fail_run(run_id: str) -> None:
    with mlflow_client(f"mark run {run_id} as failed") as client:
        client.set_terminated(run_id, "FAILED")


def _artifact(root: Path, name: str) -> Path:
    """Return the path of an artifact, which versions registered before format 2 of the model call `judged...`."""
    path, earlier = root / name, root / name.replace("evaluated", "judged")
    return earlier if earlier.is_file() and not path.is_file() else path


def _evaluated_policy(path: Path) -> Policy | None:
    return Policy.from_dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _parity(path: Path) -> tuple[int, tuple[str, ...]]:
    if not path.is_file():
        return 0, ()
    found = json.loads(path.read_text(encoding="utf-8"))
    return int(found["claims"]), tuple(found["differing"])
