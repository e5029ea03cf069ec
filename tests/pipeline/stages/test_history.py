"""What was known by an instant holds nothing that came later."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.tables import TABLES
from claimvet.data.marketplace import generate
from claimvet.pipeline.stages.history import claims_from, known_by


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    generate(folder, 200, 5)
    return folder


@pytest.fixture(scope="module")
def moment(world: Path) -> datetime:
    return pd.read_parquet(world / "claims.parquet")["filed_at"].quantile(0.6).floor("s").to_pydatetime()


def test_every_row_was_known_and_none_that_was_is_missing(world: Path, moment: datetime, tmp_path: Path) -> None:
    known = known_by(DataSet.open(world), moment, tmp_path / "known")
    assert set(known.tables) == set(TABLES)
    for name, table in TABLES.items():
        whole, kept = (
            pd.read_parquet(world / f"{name}.parquet"),
            pd.read_parquet(tmp_path / "known" / f"{name}.parquet"),
        )
        assert (kept[table.known_at] < moment).all(), name
        assert len(kept) == (whole[table.known_at] < moment).sum(), name
        assert list(kept.columns) == list(whole.columns), name


def test_an_inspection_that_came_later_is_not_known_yet(world: Path, moment: datetime, tmp_path: Path) -> None:
    known_by(DataSet.open(world), moment, tmp_path / "known")
    whole = pd.read_parquet(world / "returns.parquet").set_index("return_id")
    kept = pd.read_parquet(tmp_path / "known" / "returns.parquet").set_index("return_id")
    early = whole.loc[kept.index, "inspected_at"] < moment
    assert early.any()
    assert (whole.loc[kept.index, "inspected_at"] >= moment).any()
    assert kept["condition"].notna().equals(early)
    assert kept["inspected_at"].notna().equals(early)


def test_later_claims_are_the_others_earliest_first(world: Path, moment: datetime, tmp_path: Path) -> None:
    known_by(DataSet.open(world), moment, tmp_path / "known")
    claims_from(DataSet.open(world), moment, tmp_path / "later.parquet")
    later, known = pd.read_parquet(tmp_path / "later.parquet"), pd.read_parquet(tmp_path / "known" / "claims.parquet")
    assert later["filed_at"].is_monotonic_increasing
    assert later["filed_at"].min() >= moment
    assert len(later) + len(known) == 200


def test_a_moment_of_another_zone_means_the_same_instant(world: Path, moment: datetime, tmp_path: Path) -> None:
    elsewhere = pd.Timestamp(moment).tz_convert("Asia/Tokyo").to_pydatetime()
    known_by(DataSet.open(world), moment, tmp_path / "utc")
    known_by(DataSet.open(world), elsewhere, tmp_path / "tokyo")
    assert (tmp_path / "utc" / "orders.parquet").read_bytes() == (tmp_path / "tokyo" / "orders.parquet").read_bytes()


def test_before_the_beginning_nothing_is_known(world: Path, tmp_path: Path) -> None:
    known = known_by(DataSet.open(world), datetime(1970, 1, 1, tzinfo=UTC), tmp_path / "known")
    assert known.rows("claims") == 0
