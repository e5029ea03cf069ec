"""Building chunk by chunk where memory is limited gives the same features, and keeps the whole process to the limit."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from claimvet.data.contract.dataset import DataSet, connect, size_in_bytes
from claimvet.data.contract.errors import UsageError
from claimvet.features.batch.build import build_features
from claimvet.features.batch.chunks import MIN_CLAIMS, claims_at_once, row_chunks
from claimvet.features.catalogue.features import BY_NAME
from tests.features.worlds import World, many_worlds, write

pytestmark = pytest.mark.slow

NAMES = (
    "claim_amount",
    "customer_claims_count_365d",
    "seller_orders_amount_sum_365d",
    "evidence_hash_other_customers_count",
)
FEW = [BY_NAME[name] for name in NAMES]


@pytest.fixture
def world() -> World:
    return many_worlds(5, 8)


@pytest.fixture
def blocks_of_seven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claimvet.features.batch.chunks.claims_at_once", lambda share, features: 7)


@pytest.mark.usefixtures("blocks_of_seven")
def test_blocks_have_the_same_rows_in_the_same_order(world: World, tmp_path: Path) -> None:
    data = DataSet.open(write(world, tmp_path / "data"))
    whole = build_features(data, tmp_path / "whole.parquet", features=FEW)
    told: list[str] = []
    in_chunks = build_features(
        data,
        tmp_path / "chunks.parquet",
        features=FEW,
        memory_limit="1GB",
        progress=lambda part, done=0, total=0: told.append(part),
    )
    assert in_chunks == whole
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "chunks.parquet"), pd.read_parquet(tmp_path / "whole.parquet")
    )
    assert pq.read_schema(tmp_path / "chunks.parquet").equals(pq.read_schema(tmp_path / "whole.parquet"))
    told_of = row_chunks(data, None, 10**9, 1)
    assert len(told_of) > 2
    assert {part.partition(":")[0] for part in told} == {
        f"chunk {n} of {len(told_of)}" for n in range(1, len(told_of) + 1)
    }


@pytest.mark.usefixtures("blocks_of_seven")
def test_new_claims_of_other_blocks_are_history_too(world: World, tmp_path: Path) -> None:
    claims = world["claims"]
    new = write({"claims": claims[20:]}, tmp_path / "new") / "claims.parquet"
    data = DataSet.open(write(world | {"claims": claims[:20]}, tmp_path / "data"))
    for name, limit in {"whole": None, "chunks": "1GB"}.items():
        build_features(data, tmp_path / f"{name}.parquet", claims=new, features=FEW, memory_limit=limit)
    made, whole = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("chunks", "whole"))
    pd.testing.assert_frame_equal(made, whole)


@pytest.mark.parametrize("count", [1, 9_999, 10_000, 10_001, 25_000])
def test_every_row_is_in_one_block_and_no_block_is_too_large(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DataSet(tmp_path, {})
    monkeypatch.setattr(DataSet, "rows", lambda self, table: count)
    chunks = row_chunks(data, None, 10**6, 150)
    assert [row for chunk in chunks for row in chunk] == list(range(1, count + 1))
    assert max(map(len, chunks)) <= MIN_CLAIMS


def test_twice_the_memory_beyond_the_libraries_takes_twice_the_claims() -> None:
    assert claims_at_once(700_000_000, 100) * 2 == pytest.approx(claims_at_once(1_200_000_000, 100), abs=1)
    assert claims_at_once(5 * 10**9, 100) == pytest.approx(claims_at_once(5 * 10**9, 200) * 2, abs=1)
    assert claims_at_once(10**6, 150) == MIN_CLAIMS


def test_duckdb_gets_half(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[str | None] = []
    monkeypatch.setattr(
        "claimvet.features.engines.duckdb.connect", lambda limit: limits.append(limit) or connect(limit)
    )
    data = DataSet.open(write(world, tmp_path / "data"))
    build_features(data, tmp_path / "out.parquet", features=FEW[:1], memory_limit="4GB")
    assert limits == ["2000000000B"]


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="the memory limit is 'a lot', expected a size such as 4GB"):
        size_in_bytes("a lot")
