"""Give an alias of `claimvet` to another version, as a step that can be taken back."""

from __future__ import annotations

from claimvet.data.contract.errors import RegistryError
from claimvet.models.registry.mlflow_store import mlflow_client, version_of
from claimvet.models.registry.model_store import NAME
from claimvet.models.registry.undo import Undo


def give_alias(alias: str, number: str, before: str | None, undo: Undo) -> None:
    """Give `alias` to version `number`; `before` is the version that has it now, None where none has.

    Where the call fails, MLflow is asked who has the alias: the call may have been carried out and its answer lost. Raise `RegistryError`
    where it was not, or where MLflow says neither.
    """
    undo.later(f"perhaps the alias {alias} on version {number}", lambda: _restore(alias, before))
    try:
        with mlflow_client(f"make version {number} of {NAME} {alias}") as client:
            client.set_registered_model_alias(NAME, alias, number)
    except RegistryError:
        if version_of(NAME, alias) == number:
            return
        undo.forget_last()
        raise


def _restore(alias: str, before: str | None) -> None:
    with mlflow_client(f"give {alias} back") as client:
        if before is None:
            client.delete_registered_model_alias(NAME, alias)
        else:
            client.set_registered_model_alias(NAME, alias, before)
