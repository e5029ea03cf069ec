"""What can be done with data that only Spark reaches (`s3a://…`), beside data on this machine."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.reading.feature_types import FeatureType, FeatureTypes, is_feature
from claimvet.data.contract.reading.options import ReadOptions
from claimvet.features.engines.spark.tables import is_remote
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.pipeline.validate import require_valid


def notes_on_input(data_set: DataSet, claims: Path | None, latest: datetime | None = None) -> tuple[str, ...]:
    """The notes of the validation; of data that only Spark reaches, that they were not validated.

    No event may be later than `latest`, a moment with its zone; None: then times are not held against a clock.

    Raises:
        InvalidDataError: where the data break the contract.
        UsageError: where the file of claims does not exist.
    """
    remote = [path for path in (data_set.folder, claims) if path is not None and is_remote(path)]
    if remote:
        return (
            f"{remote[0]} was not checked against the contract, which `claimvet data validate` does on this machine",
        )
    return require_valid(data_set, claims, read=ReadOptions(data_set.types, latest))


def make_folder_of(out: Path) -> None:
    """Make the directory that the file `out` will lie in, where it is one of this machine."""
    if not is_remote(out):
        out.parent.mkdir(parents=True, exist_ok=True)


def learned_types(model: ClaimModel) -> FeatureTypes:
    """Return the types of the user's own columns as the model learned them; a category without any value may be anything."""
    types: dict[str, FeatureType] = {
        column.name: "number" if column.kind == "number" else "text"
        for column in model.schema.inputs
        if is_feature(column.name) and (column.kind == "number" or column.levels)
    }
    return FeatureTypes(types, "the model")
