"""What can be done with data that only Spark reaches (`s3a://…`), beside data on this machine."""

from __future__ import annotations

from pathlib import Path

from claimvet.data.contract.dataset import DataSet
from claimvet.features.engines.spark.tables import is_remote
from claimvet.pipeline.validate import require_valid


def notes_on_input(data_set: DataSet, claims: Path | None) -> tuple[str, ...]:
    """The notes of the validation; of data that only Spark reaches, that they were not validated.

    Raises:
        InvalidDataError: where the data break the contract.
        UsageError: where the file of claims does not exist.
    """
    remote = [path for path in (data_set.folder, claims) if path is not None and is_remote(path)]
    if remote:
        return (
            f"{remote[0]} was not checked against the contract, which `claimvet data validate` does on this machine",
        )
    return require_valid(data_set, claims)


def make_folder_of(out: Path) -> None:
    """Make the directory that the file `out` will lie in, where it is one of this machine."""
    if not is_remote(out):
        out.parent.mkdir(parents=True, exist_ok=True)
