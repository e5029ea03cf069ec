"""Where models are kept: MLflow's registry, as versions of `claimvet` with the aliases `challenger` and `champion`.

The store is the one that `MLFLOW_TRACKING_URI` names, or SQLite in the working directory. A version's run holds the parameters, figures,
plots and the claims that evaluated it, so that the gate needs no data set.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.types import ColSpec, DataType, Schema, TensorSpec

from claimvet.models.policy.policy import Policy
from claimvet.models.registry.model_store import ARTIFACT, CHALLENGER, CHAMPION, NAME, fetch, quiet_store
from claimvet.models.scoring.claim_model import PROBABILITIES, ClaimModel
from claimvet.models.scoring.schema import InputSchema

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
    "quiet_store",
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
    """The model at an MLflow URI such as `models:/claimvet@challenger`, or a directory; the champion where none is named.

    Raises `ModelError` where there is no such model, or it is no Claimvet model.
    """
    named = uri or f"models:/{NAME}@{CHAMPION}"
    with TemporaryDirectory() as directory:
        return ClaimModel.load(fetch(named, Path(directory)).directory)


def register(
    model: ClaimModel, evaluation: Path, params: dict[str, object], figures: dict[str, float], facts: dict[str, str]
) -> str:
    """Logs a run and makes its model the challenger; answers the version's number.

    Everything in the directory `evaluation` becomes artifacts of the run, `facts` its tags; figures that are NaN are left out. The model
    card among them becomes the version's description, cut to what MLflow's store holds.
    """
    with quiet_store() as client, TemporaryDirectory() as scratch:
        mlflow.set_experiment(NAME)
        with mlflow.start_run():
            mlflow.set_tags(facts)
            mlflow.log_params(params)
            mlflow.log_metrics({name: value for name, value in figures.items() if value == value})
            mlflow.log_artifacts(str(evaluation), "evaluation")
            model.save(Path(scratch) / ARTIFACT)
            logged = _log(model, Path(scratch) / ARTIFACT)
        number = _new_version(client, logged)
        client.set_model_version_tag(NAME, number, "model_version", model.version)
        client.set_model_version_tag(NAME, number, "model_card", f"runs:/{logged.run_id}/evaluation/{CARD_FILE}")
        card = evaluation / CARD_FILE
        if card.is_file():
            client.update_model_version(NAME, number, card.read_text(encoding="utf-8")[:MAX_DESCRIPTION])
        client.set_registered_model_alias(NAME, CHALLENGER, number)
    return number


def stored_model(alias: str) -> StoredModel | None:
    """The version that bears an alias, with what evaluated it; None where there is none."""
    with quiet_store() as client, TemporaryDirectory() as scratch:
        try:
            found = client.get_model_version_by_alias(NAME, alias)
        except MlflowException:
            return None
        root = Path(client.download_artifacts(str(found.run_id), "evaluation", scratch))
        return StoredModel(
            version=str(found.version),
            run_id=str(found.run_id),
            model=load_model(f"models:/{NAME}/{found.version}"),
            evaluated=pd.read_parquet(_artifact(root, EVALUATED_FILE)),
            evaluated_features=pd.read_parquet(_artifact(root, EVALUATED_FEATURES_FILE)),
            baselines={path.stem: pd.read_parquet(path) for path in sorted((root / "baselines").glob("*.parquet"))},
            evaluated_policy=_evaluated_policy(_artifact(root, EVALUATED_POLICY_FILE)),
            parity=_parity(root / PARITY_FILE),
        )


def model_signature(schema: InputSchema) -> ModelSignature:
    """MLflow's signature: every input (double or string, null allowed), and the three probabilities."""
    types = {"number": DataType.double, "category": DataType.string}
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(types[column.kind], column.name, required=False) for column in schema.inputs
    ]
    return ModelSignature(Schema(inputs), Schema([ColSpec(DataType.double, name) for name in PROBABILITIES]))


def _log(model: ClaimModel, directory: Path) -> ModelInfo:
    logged: ModelInfo = mlflow.pyfunc.log_model(
        name=NAME,
        python_model=str(Path(__file__).with_name("served.py")),
        artifacts={ARTIFACT: str(directory)},
        signature=model_signature(model.schema),
        pip_requirements=[f"{name}=={installed_version(name)}" for name in _REQUIREMENTS],
        metadata={"model_version": model.version},
    )
    return logged


def _new_version(client: mlflow.MlflowClient, logged: ModelInfo) -> str:
    """Registers a logged model without `mlflow.register_model`, which prints."""
    if not client.search_registered_models(f"name = '{NAME}'"):
        client.create_registered_model(NAME)
    return str(client.create_model_version(NAME, logged.model_uri, logged.run_id, model_id=logged.model_id).version)


def _artifact(root: Path, name: str) -> Path:
    """Return the path of an artifact, which versions registered before format 2 of the model call `judged...`."""
    path = root / name
    return path if path.is_file() else root / name.replace("evaluated", "judged")


def _evaluated_policy(path: Path) -> Policy | None:
    return Policy.from_dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _parity(path: Path) -> tuple[int, tuple[str, ...]]:
    if not path.is_file():
        return 0, ()
    found = json.loads(path.read_text(encoding="utf-8"))
    return int(found["claims"]), tuple(found["differing"])
