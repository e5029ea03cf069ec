"""Find and fetch a model, for those who need a model and not MLflow: it is imported only where nothing lighter will do.

A server has models fetched by a process of its own (`python -m claimvet.models.registry.model_store URI DIRECTORY`), and looks up by
itself only which version an alias names.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from claimvet.data.contract.errors import ModelError, RegistryError
from claimvet.models.registry.addresses import registry_uri, shown
from claimvet.models.registry.mlflow_store import is_made, mlflow_client, none_if_missing, version_of

NAME = "claimvet"
"""The registered model, and the experiment of its runs."""
CHALLENGER, CHAMPION = "challenger", "champion"
ARTIFACT = "claim_model"
"""Directory of the model among the artifacts of an MLflow model."""

_ALIASED = re.compile(r"models:/([^/@]+)@([^/@]+)")
_NUMBERED = re.compile(r"models:/([^/@]+)/(\d+)")


@dataclass(frozen=True)
class Fetched:
    """A model on this machine: `uri` names exactly it, `expected` is the hash that the registry tells, where it does."""

    uri: str
    directory: Path
    expected: str | None


def exact_uri(uri: str) -> str:
    """Return the address of the version that an alias points to now; any other address as it is.

    Raise `ModelError` where no version has that alias, `RegistryError` where MLflow does not say.
    """
    aliased = _ALIASED.fullmatch(uri)
    if aliased is None:
        return uri
    name, alias = aliased.groups()
    number = version_of(name, alias)
    if number is None:
        raise ModelError(f"there is no model {uri} in {shown(registry_uri())}: no version of {name} is {alias}")
    return f"models:/{name}/{number}"


def fetch(uri: str, folder: Path) -> Fetched:
    """Fetch the model at an address, an alias too, into `folder`; a directory stays where it is.

    Raise `ModelError` where there is no such model, or it is no Claimvet model; `RegistryError` where MLflow does not hand it over.
    """
    if Path(uri).is_dir():
        return Fetched(uri, model_directory(Path(uri)), None)
    if ":/" not in uri:
        raise ModelError(
            f"there is no model {uri}: expected a directory, or an address such as models:/{NAME}@{CHAMPION}"
        )
    exact = exact_uri(uri)
    expected = _expected_hash(exact)
    with mlflow_client(f"hand over the model {exact}"):
        import mlflow

        root = Path(mlflow.artifacts.download_artifacts(exact, dst_path=str(folder)))
    _require_claim_model(uri, root)
    return Fetched(exact, model_directory(root), expected)


def _require_claim_model(uri: str, root: Path) -> None:
    """Another flavour's model has other files; where its artifacts are gone, MLflow hands over an empty directory and says nothing."""
    if (root / "artifacts" / ARTIFACT).is_dir() or (root / "model.json").is_file():
        return
    found = ", ".join(sorted(path.name for path in root.iterdir())) or "no file at all"
    raise ModelError(
        f"the model {uri} in MLflow at {shown(registry_uri())} is no whole Claimvet model: it has {found}, expected artifacts/{ARTIFACT}"
    )


def _expected_hash(uri: str) -> str | None:
    """Return the hash that the registry tells of a version, None where it tells none; raises `ModelError` where
    there is no such version.
    """
    numbered = _NUMBERED.fullmatch(uri)
    if numbered is None:
        return None
    name, number = numbered.groups()
    if is_made():
        with mlflow_client(f"say what version {number} of {name} is") as client:
            version = none_if_missing(lambda: client.get_model_version(name, number))
            if version is not None:
                found: str | None = version.tags.get("model_version")
                return found
    raise ModelError(f"there is no model {uri} in {shown(registry_uri())}: {name} has no version {number}")


def model_directory(root: Path) -> Path:
    """Return where the model is in a downloaded MLflow model; the directory itself where `ClaimModel.save` wrote it."""
    inside = root / "artifacts" / ARTIFACT
    return inside if inside.is_dir() else root


def main() -> int:
    """Fetch a model, and say in one JSON object where it is, or what is wrong."""
    uri, folder = sys.argv[1:]
    try:
        fetched = fetch(uri, Path(folder))
        said = {"uri": fetched.uri, "directory": str(fetched.directory), "expected": fetched.expected}
    except (ModelError, RegistryError, OSError) as error:
        said = {"problem": str(error), "kind": "model" if isinstance(error, ModelError) else "registry"}
    sys.stdout.write(json.dumps(said))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
