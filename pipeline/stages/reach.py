"""What can be done with data that only Spark reaches (`s3a://…`), beside data on this machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from posixpath import normpath
from types import MappingProxyType

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.errors import UsageError
from claimvet.data.contract.reading.options import ReadOptions
from claimvet.data.contract.writing.checks import require_output_directory, require_output_file
from claimvet.features.engines.spark.tables import is_remote
from claimvet.pipeline.validate import require_valid

_PART = re.compile(r"\.?(part-|_SUCCESS)")
"""Files that Spark writes into a directory."""
_SAME_STORE = MappingProxyType({"s3": "s3a", "s3n": "s3a"})
"""Schemes by which Spark may be told to reach a bucket that it also reaches as `s3a`."""


def notes_on_input(data_set: DataSet, claims: Path | None, latest: datetime | None = None) -> tuple[str, ...]:
    """Return the notes of the validation; of data that only Spark reaches, that they were not validated.

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


def require_output(out: Path, reads: Sequence[Path | None], engine: str = "duckdb") -> None:
    """As `data.contract.writing.checks.require_output_file`; a place that only Spark reaches is told apart by its address, however spelt.

    Raises:
        UsageError: where `out` may not be written by a command that reads `reads`.
        OutputError: where there is no directory to write to, or no permission.
    """
    if not is_remote(out):
        require_output_file(out, reads)
        return
    if engine != "spark":
        raise UsageError(f"{out} is reached by Spark alone, expected --engine spark or a path of this machine")
    place = _address(out)
    for read in reads:
        if read is None or not is_remote(read):
            continue
        if place.is_relative_to(_address(read)) or _address(read).is_relative_to(place):
            raise UsageError(f"{out} belongs to {read}, which this command reads, expected another place to write to")
    if _is_here(out):
        _require_here(out, reads)


def _address(path: Path) -> PurePosixPath:
    """Return a place that only Spark reaches, the same for each way to spell it: of a scheme, of a bucket or host, of `..` and of slashes.

    >>> _address(Path("S3://Claims//a/../new/")) == _address(Path("s3a://claims/new"))
    True
    """
    scheme, _, rest = str(path).partition(":")
    scheme, (first, *names) = scheme.lower(), rest.strip("/").split("/")
    host = first if scheme == "file" else first.lower()
    return PurePosixPath(normpath("/".join([_SAME_STORE.get(scheme, scheme), host, *names])))


def _is_here(path: Path) -> bool:
    return str(path).lower().startswith("file:")


def local_directory(model: str | None) -> Path | None:
    """Return the directory of this machine that a model's URI names, None where it is anywhere else.

    >>> local_directory("file:///models/a"), local_directory("models:/claimvet@champion")
    (PosixPath('/models/a'), None)
    """
    if model is None or (is_remote(Path(model)) and not _is_here(Path(model))):
        return None
    return _on_this_machine(Path(model))


def _require_here(out: Path, reads: Sequence[Path | None]) -> None:
    """Raise `UsageError` where a file belongs to what is read, or where a directory, which Spark replaces, holds anything but its parts."""
    here = _on_this_machine(out)
    known = [_on_this_machine(read) for read in reads if read is not None]
    if out.name.endswith(".csv"):
        require_output_file(here, known)
        return
    require_output_directory(here, known)
    foreign = [path.name for path in here.iterdir() if not _PART.match(path.name)] if here.is_dir() else []
    if foreign:
        raise UsageError(f"{out} holds {foreign[0]}, which claimvet did not write, expected a new directory")


def _on_this_machine(path: Path) -> Path:
    return Path("/" + str(path)[len("file:") :].lstrip("/")) if _is_here(path) else path
