"""May a command write there? Asked before any work, so that nothing that it reads is ever replaced."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from claimvet.data.contract.dataset import find_table
from claimvet.data.contract.errors import OutputError, UsageError
from claimvet.data.contract.reading.formats import ENDINGS
from claimvet.data.contract.tables import TABLES
from claimvet.data.contract.writing.atomic_write import real_path
from claimvet.data.contract.writing.formats import TABLE_FORMATS, ending_of


def require_output_file(
    out: Path, reads: Iterable[Path | None] = (), endings: tuple[str, ...] = tuple(TABLE_FORMATS)
) -> None:
    """Raise where a command that reads `reads` may not write the file `out`; `reads` are files, data sets and other directories.

    Raises:
        UsageError: where the name says no format of `endings`, where `out` is a directory, a device, a pipe or a socket, or where it
            is, or belongs to, something that is read: under whatever name, through whatever link.
        OutputError: where there is no directory to write to, or no permission.
    """
    ending_of(out, endings)
    _require_regular(out)
    _require_apart(out, reads)
    _require_permission(out)


def require_output_directory(out: Path, reads: Iterable[Path | None] = ()) -> None:
    """Raise where a command that reads `reads` may not write into the directory `out`; whose files lie there is another question.

    Raises:
        UsageError: where `out` is no directory, or holds, is or belongs to something that is read.
        OutputError: where there is no directory to write to, or no permission.
    """
    place = real_path(out)
    if _exists(place) and not place.is_dir():
        raise UsageError(f"{out} is {_kind(place)}, expected a directory to write to")
    known = [read for read in reads if read is not None]
    for read in _places(known):
        if real_path(read).is_relative_to(place):
            raise UsageError(f"{out} holds {read}, which this command reads, expected another directory to write to")
    _require_apart(out, known)
    _require_permission(out)


def _require_regular(out: Path) -> None:
    place = real_path(out)
    if _exists(place) and not place.is_file():
        raise UsageError(f"{out} is {_kind(place)}, expected the name of a file to write")


def _exists(place: Path) -> bool:
    """Return whether something is there; raises where that cannot be told."""
    try:
        place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise OutputError(f"{place} cannot be written: {(error.strerror or str(error)).lower()}") from error
    return True


def _kind(place: Path) -> str:
    kinds = {
        "a directory": place.is_dir(),
        "a file": place.is_file(),
        "a named pipe": place.is_fifo(),
        "a socket": place.is_socket(),
        "a device": place.is_char_device() or place.is_block_device(),
    }
    return next((kind for kind, applies in kinds.items() if applies), "a link that leads nowhere")


def _require_apart(out: Path, reads: Iterable[Path | None]) -> None:
    known = [read for read in reads if read is not None]
    for folder in known:
        _refuse_name_of_table(out, folder)
    place = real_path(out)
    for read in _places(known):
        if (
            _is_same(place, read)
            or place.is_relative_to(real_path(read))
            or any(_is_same(place, f) for f in _files(read))
        ):
            raise UsageError(f"{out} belongs to {read}, which this command reads, expected another place to write to")


def _refuse_name_of_table(out: Path, folder: Path) -> None:
    """Refuse what would be read as a table of the data set from now on."""
    place, data_set = real_path(out), real_path(folder)
    if place == data_set or not data_set.is_dir() or not place.is_relative_to(data_set) or not _tables(data_set):
        return
    name = place.relative_to(data_set).parts[0].lower()
    for table in TABLES:
        if name in (table, *(f"{table}{ending}" for ending in ENDINGS)):
            raise UsageError(
                f"{out} would be the table {table} of the data set {folder}, which this command reads, expected another place"
            )


def _places(reads: Iterable[Path]) -> Iterator[Path]:
    """Yield everything that is read: of a data set its tables, else the file or directory itself."""
    for read in reads:
        if read.exists():
            yield from _tables(read) or [read]


def _tables(read: Path) -> list[Path]:
    return [path for table in TABLES.values() for path in find_table(read, table)] if read.is_dir() else []


def _files(read: Path) -> Iterator[Path]:
    """Yield what lies below a directory: links in it may lead anywhere."""
    if read.is_dir():
        for folder, _, names in os.walk(read, followlinks=True):
            yield from (Path(folder, name) for name in names)


def _is_same(place: Path, read: Path) -> bool:
    """Return whether two names stand for the same file or directory: the same place, or hard links to the same bytes."""
    try:
        return place == real_path(read) or place.samefile(read)
    except OSError:
        return False


def _require_permission(out: Path) -> None:
    place = real_path(out)
    folder = next(path for path in (place, *place.parents) if (path.exists() and path != place) or path == path.parent)
    if not folder.is_dir():
        raise UsageError(f"{out} cannot be written: {folder} is a file, expected a directory")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{out} cannot be written: the directory {folder} is read-only")
    if place.is_file() and not os.access(place, os.W_OK):
        raise OutputError(f"{out} cannot be replaced: the file is read-only")
