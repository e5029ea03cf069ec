"""The experiment and the registered model that everything of Claimvet is in, made at first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from claimvet.data.contract.errors import RegistryError
from claimvet.models.registry.addresses import shown, tracking_uri
from claimvet.models.registry.mlflow_errors import is_taken
from claimvet.models.registry.model_store import NAME

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment


def find_experiment(client: MlflowClient) -> Experiment | None:
    """Return the experiment `claimvet`, None where there is none; raise `RegistryError` where somebody deleted it."""
    found = client.get_experiment_by_name(NAME)
    if found is not None and found.lifecycle_stage == "deleted":
        raise RegistryError(
            f"the experiment {NAME} in MLflow at {shown(tracking_uri())} is deleted, expected an active one: bring it back with "
            f"`mlflow experiments restore --experiment-id {found.experiment_id}`"
        )
    return found


def experiment_id(client: MlflowClient, artifacts: str | None = None) -> str:
    """Return the identifier of the experiment `claimvet`, which is made where there is none, its artifacts at the URI `artifacts`."""
    found = find_experiment(client)
    if found is None:
        _make(lambda: client.create_experiment(NAME, artifact_location=artifacts))
        found = find_experiment(client)
    if found is None:
        raise RegistryError(
            f"MLflow at {shown(tracking_uri())} made the experiment {NAME}, and says that there is none"
        )
    return str(found.experiment_id)


def require_registered_model(client: MlflowClient) -> None:
    """Make the registered model `claimvet` where there is none."""
    if not client.search_registered_models(f"name = '{NAME}'"):
        _make(lambda: client.create_registered_model(NAME))


def _make(call: Callable[[], object]) -> None:
    """Another process may have made it in the meantime."""
    try:
        call()
    except Exception as error:
        if not is_taken(error):
            raise
