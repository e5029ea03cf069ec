"""Reads Parquet: one file, or the files of a table's own directory with the partitions that its subdirectories name.

Nothing above the table means anything: `x_run=7/orders.parquet` has no column `x_run`.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from claimvet.data.contract.errors import InvalidDataError
from claimvet.data.contract.reading.feature_types import FeatureType, is_feature

_PATH_COLUMN = "claimvet path of the file"
"""A column name that no file has."""

_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
"""How Hive and Spark write a null into the name of a directory."""


def parquet_files(path: Path) -> list[Path]:
    """Return the Parquet files of a table in the order of their names: the file itself, or those of a directory.

    Names that begin with a dot or an underscore are of the program that wrote the directory, as everywhere.

    Raises:
        InvalidDataError: where there is none.
    """
    if not path.is_dir():
        return [path]
    found: list[Path] = []
    others: Counter[str] = Counter()
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if name[0] not in "._"]
        for name in names:
            if name[0] not in "._":
                is_ours = name.lower().endswith(".parquet")
                found += [Path(folder) / name] if is_ours else []
                others[name] += not is_ours
    if not found:
        instead = f", but {next(iter(others))}" if others.total() else ""
        raise InvalidDataError(
            f"{path.name} holds no Parquet file{instead}; expected files whose name ends in .parquet"
        )
    return sorted(found, key=str)


def partition_keys(path: Path, files: Sequence[Path]) -> tuple[str, ...]:
    """Return the names of a directory's partitions, outermost first: `year` of `orders/year=2026/part-0.parquet`.

    Raises:
        InvalidDataError: where files lie in partitions of other names.
    """
    by_keys: dict[tuple[str, ...], Path] = {}
    for file in files:
        by_keys.setdefault(tuple(_partitions(path, file)), file)
    if len(by_keys) > 1:
        one, other = (file.relative_to(path.parent) for file in list(by_keys.values())[:2])
        raise InvalidDataError(
            f"{one} and {other} lie in other partitions, expected the same key=value directories for all"
        )
    return next(iter(by_keys), ())


def _partitions(path: Path, file: Path) -> dict[str, str]:
    if file == path:
        return {}
    folders = file.relative_to(path).parent.parts
    return {unquote(key): value for key, sign, value in (folder.partition("=") for folder in folders) if sign and key}


def column_names(path: Path, file: Path) -> list[str]:
    """Return the names of one file's columns, from its footer.

    Raises:
        InvalidDataError: where the file cannot be read as Parquet, or names a column twice in any case.
    """
    try:
        names = [str(name) for name in pq.read_schema(file).names]
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InvalidDataError(f"{shown_name(path, file)} cannot be read as Parquet: {reason}") from error
    twice = [name for name, count in Counter(map(str.lower, names)).items() if count > 1]
    if twice:
        raise InvalidDataError(f"{shown_name(path, file)} names the column {twice[0]} twice, expected it once")
    return names


def feature_types_of(file: Path) -> dict[str, FeatureType]:
    """Return the types of the columns `x_…` of a Parquet file by its footer; none of a column of nulls, or of a file that is none.

    A boolean counts as a number, as models take it.
    """
    try:
        schema = pq.read_schema(file)
    except (pa.ArrowException, OSError):
        return {}
    return {each.name: kind for each in schema if is_feature(each.name) and (kind := _feature_type(each.type))}


def _feature_type(kind: pa.DataType) -> FeatureType | None:
    if pa.types.is_dictionary(kind):
        return _feature_type(kind.value_type)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return "number" if numeric or pa.types.is_boolean(kind) else None


def shown_name(path: Path, file: Path) -> str:
    """Return how messages call a file of the table at `path`."""
    return path.name if file == path else str(file.relative_to(path.parent))


def parquet_relation(path: Path, files: Sequence[Path]) -> str:
    """Return SQL that reads these files of the table at `path`; a partition is a column of strings.

    Raises:
        InvalidDataError: where a partition has the name of a column of a file, or files lie in partitions of other names.
    """
    keys = partition_keys(path, files)
    listed = ", ".join(_literal(glob.escape(str(file))) for file in files)
    source = f"[{listed}], hive_partitioning = false, union_by_name = true"
    if not keys:
        return f"read_parquet({source})"
    for file in files:
        _refuse_repeated(path, file, keys)
    columns = ", ".join(f"{_partition_value(key)} AS {_identifier(key)}" for key in keys)
    hidden = _identifier(_PATH_COLUMN)
    return f"(SELECT * EXCLUDE ({hidden}), {columns} FROM read_parquet({source}, filename = {_literal(_PATH_COLUMN)}))"


def _refuse_repeated(path: Path, file: Path, keys: Sequence[str]) -> None:
    own = {name.lower() for name in column_names(path, file)}
    for key in keys:
        if key.lower() in own:
            raise InvalidDataError(
                f"{shown_name(path, file)} has a column {key}, and so has the directory's name, expected it in one of both"
            )


def _partition_value(key: str) -> str:
    """Return SQL of the value that a file's path gives a partition; the innermost directory counts."""
    escaped = "".join(f"\\{sign}" if not sign.isalnum() else sign for sign in key)
    found = f"regexp_extract({_identifier(_PATH_COLUMN)}, {_literal(f'.*/{escaped}=([^/]*)/')}, 1)"
    return f"nullif(url_decode({found}), '{_HIVE_NULL}')"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
