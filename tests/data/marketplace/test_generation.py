"""Equal arguments give equal bytes, wrong ones a clear sentence."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from claimvet.data.contract.errors import UsageError
from claimvet.data.contract.writing.output_directory import MARKER
from claimvet.data.marketplace import generate, tables
from claimvet.data.marketplace.world import make_world


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file, by its path below the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MARKER)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    generate(tmp_path / "one", 300, 5)
    generate(tmp_path / "two", 300, 5)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_another_seed_gives_other_bytes_in_every_table(tmp_path: Path) -> None:
    generate(tmp_path / "one", 300, 5)
    generate(tmp_path / "two", 300, 6)
    one, two = digests(tmp_path / "one"), digests(tmp_path / "two")
    assert one.keys() == two.keys()
    assert not set(one.values()) & set(two.values())


def test_writing_in_small_pieces_changes_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate(tmp_path / "whole", 300, 5)
    monkeypatch.setattr(tables, "ROWS_AT_ONCE", 777)
    generate(tmp_path / "pieces", 300, 5)
    for whole in (tmp_path / "whole").glob("*.parquet"):
        assert pq.read_table(whole).equals(pq.read_table(tmp_path / "pieces" / whole.name)), whole.name


def test_no_half_written_file_is_left(tmp_path: Path) -> None:
    generate(tmp_path, 300, 5)
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".part"]


@pytest.mark.parametrize("claims", [100, 101, 999])
@pytest.mark.parametrize("seed", [0, 1, 2**40])
def test_there_are_exactly_as_many_claims_as_asked_for(claims: int, seed: int) -> None:
    assert len(make_world(claims, seed).claims) == claims


def test_too_few_claims_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="claims is 99, expected at least 100"):
        generate(tmp_path, 99, 1)


def test_a_negative_seed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="seed is -1, expected 0 or more"):
        generate(tmp_path, 100, -1)


@pytest.mark.slow
def test_at_least_a_hundred_thousand_orders_a_second_of_processor_time(tmp_path: Path) -> None:
    begin = time.process_time()
    report = generate(tmp_path, 20_000, 1)
    assert report.rows["orders"] / (time.process_time() - begin) > 100_000
