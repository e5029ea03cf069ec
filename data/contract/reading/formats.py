"""Which format a file has: by the ending of its name in any case, and by its first bytes where they contradict the name."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from claimvet.data.contract.errors import InvalidDataError

ENDINGS = (".parquet", ".csv", ".csv.gz")
"""How the name of a table's file ends, in any case."""

_HEAD_BYTES = 65_536
"""Bytes that are looked at to tell what a file holds; a header is shorter."""

_FOREIGN = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of the old kind"),
    (b"PARE", "an encrypted Parquet file"),
    (b"%PDF", "a PDF document"),
    (b"ARROW1", "an Arrow file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"BZh", "a bzip2 file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"{", "JSON"),
    (b"[", "JSON"),
    (b"<?xml", "XML"),
    (b"<", "a web page"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself"),
)
"""How files of other kinds begin, and what each is called; text is compared without leading blanks."""


class Format(StrEnum):
    """What the bytes of a file are."""

    PARQUET = "Parquet"
    CSV = "CSV"
    GZIPPED_CSV = "gzipped CSV"


@dataclass(frozen=True)
class FileFormat:
    """The format of a file, the encoding of its text, and `note`: what has to be said of it, empty where its name is right."""

    format: Format
    encoding: str = "utf-8"
    note: str = ""

    @property
    def is_csv(self) -> bool:
        """Whether it is CSV, compressed or not."""
        return self.format is not Format.PARQUET


def format_by_name(name: str) -> Format | None:
    """Return the format that the name of a file says, None where it says none.

    >>> format_by_name("NEW.CSV").value, format_by_name("new.csv.parquet").value, format_by_name("new.xlsx")
    ('CSV', 'Parquet', None)
    """
    lower = name.lower()
    if lower.endswith(".parquet"):
        return Format.PARQUET
    return Format.GZIPPED_CSV if lower.endswith(".csv.gz") else Format.CSV if lower.endswith(".csv") else None


def format_of(path: Path) -> FileFormat:
    """Return the format of a file that exists, or of a directory of Parquet files.

    Raises:
        InvalidDataError: where the bytes are of a kind that no table has, or neither the name nor the bytes say what the file is;
            the message names the kind.
    """
    if path.is_dir():
        return _format_of_directory(path)
    head = first_bytes(path)
    named = format_by_name(path.name)
    if not head.strip():
        raise InvalidDataError(f"{path.name} is empty, expected {_expected(named)}")
    if head.startswith(b"PAR1"):
        return FileFormat(Format.PARQUET, note=_note(path, named, Format.PARQUET))
    text, found = head, Format.CSV
    if head.startswith(b"\x1f\x8b"):
        text, found = _decompressed(path, head), Format.GZIPPED_CSV
    encoding = _encoding(path, text)
    _refuse_foreign(path, text, named)
    if named is Format.PARQUET and (encoding == "utf-8" and not _looks_like_csv(text)):
        raise InvalidDataError(f"{path.name} is no Parquet file: it begins with {head[:16]!r}, expected {b'PAR1'!r}")
    if named is None:
        raise InvalidDataError(f"{path.name} does not say what it is, expected a name that ends in {_listed()}")
    return FileFormat(found, encoding, _note(path, named, found))


def _format_of_directory(path: Path) -> FileFormat:
    named = format_by_name(path.name)
    if named not in (None, Format.PARQUET):
        raise InvalidDataError(f"{path.name} is a directory, expected a CSV file of that name")
    return FileFormat(Format.PARQUET)


def first_bytes(path: Path) -> bytes:
    """Return the first bytes of a file.

    Raises:
        InvalidDataError: where it is no regular file, or may not be read.
    """
    if not path.is_file():
        raise InvalidDataError(f"{path.name} is no regular file, expected one that can be read more than once")
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as error:
        raise InvalidDataError(f"{path.name} cannot be read: {(error.strerror or str(error)).lower()}") from error


def _decompressed(path: Path, head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _HEAD_BYTES)
    except (zlib.error, gzip.BadGzipFile) as error:
        raise InvalidDataError(f"{path.name} is a damaged gzip file: {error}") from error


def _encoding(path: Path, text: bytes) -> str:
    if text.startswith(b"\xff\xfe"):
        return "utf-16"
    if text.startswith(b"\xfe\xff"):
        raise InvalidDataError(f"{path.name} is UTF-16 with its high bytes first, expected UTF-8")
    if b"\0" in text.partition(b"\n")[0] and foreign_kind(text) == "":
        raise InvalidDataError(f"{path.name} holds NUL bytes, as UTF-16 without its mark does, expected UTF-8")
    return "utf-8"


def _refuse_foreign(path: Path, text: bytes, named: Format | None) -> None:
    kind = foreign_kind(text)
    if kind:
        raise InvalidDataError(f"{path.name} is {kind}, expected {_expected(named)}")


def foreign_kind(head: bytes) -> str:
    """Return what a file that begins so is called, where it is of a kind that no table has; empty where it may be one.

    >>> foreign_kind(b'{"claims": []}')
    'JSON'
    """
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((kind for start, kind in _FOREIGN if begin[: len(start)] == start), "")


def _looks_like_csv(text: bytes) -> bool:
    """Return whether text under the name of a Parquet file is one: a first line of several fields, and no control characters."""
    line = text.splitlines()[0] if text.splitlines() else b""
    return b"," in line and not any(byte < 9 for byte in text)


def _note(path: Path, named: Format | None, found: Format) -> str:
    return "" if named is found else f"{path.name} is {found.value}, whatever its name says, and is read as that"


def _expected(named: Format | None) -> str:
    return f"a {named.value} file" if named else f"a file whose name ends in {_listed()}"


def _listed() -> str:
    return f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
