"""Spark builds what DuckDB builds and the oracle says, reads the same files, keeps the order and refuses with the same sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.errors import ClaimvetError, InvalidDataError, UsageError
from claimvet.features.batch.build import build_features
from claimvet.features.catalogue.declaration import Feature
from claimvet.features.catalogue.features import BY_NAME, FEATURES
from claimvet.features.engines.open import open_data_set
from tests.examples import examples
from tests.features.test_oracle import differences
from tests.features.worlds import Row, World, build, build_from, frame, many_worlds, write

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.usefixtures("spark")]

FEW: list[Feature] = [
    BY_NAME[name]
    for name in (
        "claim_amount",
        "claim_type",
        "claim_weekday",
        "customer_claims_count_365d",
        "category_claims_amount_std_365d",
    )
]


@pytest.fixture(scope="module")
def world() -> World:
    return many_worlds(5, 8)


def assert_same(spark: pd.DataFrame, duckdb: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(spark, duckdb, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("way", "pairs_per_event", "features"), [("running", 0.0, FEATURES), ("join", float("inf"), FEATURES[::5])]
)
@settings(max_examples=examples(1), deadline=None, derandomize=True, phases=[Phase.generate], database=None)
@given(seed=st.integers(1, 2**32))
def test_features_are_what_the_oracle_and_duckdb_say(
    way: str,
    pairs_per_event: float,
    features: Sequence[Feature],
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
) -> None:
    folder, world = tmp_path_factory.mktemp(way), many_worlds(seed, 40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("claimvet.features.links.event_counts.PAIRS_PER_EVENT", pairs_per_event)
        patch.setattr("claimvet.features.links.shared_keys.HUB_HOLDERS", 1)  # so that links take all their ways
        patch.setattr("claimvet.features.links.shared_keys.MAX_HUBS", 2)
        built = build(world, folder, features=features, engine="spark")
    assert differences(built, world, features) == {}
    assert_same(built, build(world, folder, features=features))


def with_own_columns(claims: list[Row]) -> list[Row]:
    own: list[Row] = [
        {"x_visits": 3, "x_site": "hall", "x_repeat": True},
        {"x_visits": None, "x_site": None, "x_repeat": False},
    ]
    return [row | own[i % 2] for i, row in enumerate(claims)]


def test_claims_of_a_file_come_in_its_order_with_their_own_columns(world: World, tmp_path: Path) -> None:
    claims = with_own_columns([*world["claims"][::-1][:9], world["claims"][0] | {"claim_id": "new"}])
    built = build(world, tmp_path, claims=claims, features=FEW, engine="spark")
    assert list(built.index) == [row["claim_id"] for row in claims]
    assert list(built.columns) == [*(f.name for f in FEW), "x_repeat", "x_site", "x_visits"]
    assert_same(built, build(world, tmp_path, claims=claims, features=FEW))


def as_csv(world: World, folder: Path) -> Path:
    """Every table as CSV; times in ISO form, null as an empty field, a narrative with commas, quotes and line breaks."""
    folder.mkdir()
    for name, rows in world.items():
        frame(name, rows).to_csv(folder / f"{name}.csv", index=False)
    return folder


def test_csv_means_the_same_as_parquet(world: World, tmp_path: Path) -> None:
    claims = with_own_columns(world["claims"])
    claims[0] |= {"narrative": 'It said "hot", then\nit burnt.', "order_id": None}
    data = as_csv(world | {"claims": claims}, tmp_path / "data")
    built = build_from(
        data, tmp_path / "spark.parquet", features=[*FEW, BY_NAME["claim_narrative_length"]], engine="spark"
    )
    assert_same(
        built, build_from(data, tmp_path / "duckdb.parquet", features=[*FEW, BY_NAME["claim_narrative_length"]])
    )


def in_parts(world: World, folder: Path) -> Path:
    """Claims in the directories of a partitioned table, the second file larger; times in ns, and in ms without a zone."""
    data = write(world, folder)
    table = pq.read_table(data / "claims.parquet")
    (data / "claims.parquet").unlink()
    for name, unit in (("filed_at", pa.timestamp("ns", "UTC")), ("incident_at", pa.timestamp("ms"))):
        table = table.set_column(table.schema.get_field_index(name), name, table[name].cast(unit, safe=False))
    for part, rows in (("part=02", table.slice(0, 3)), ("part=10", table.slice(3))):
        (data / "claims" / part).mkdir(parents=True)
        pq.write_table(rows, data / "claims" / part / "rows.parquet")
    return data


def test_a_partitioned_directory_keeps_its_order_and_any_unit_of_time(tmp_path: Path) -> None:
    world = many_worlds(6, 4, anchors=[1_700_000_000_000_000])
    data = in_parts(world, tmp_path / "data [1]")
    features = [*FEW, BY_NAME["claim_days_since_incident"]]
    built = build_from(data, tmp_path / "spark.parquet", features=features, engine="spark")
    assert_same(built, build_from(data, tmp_path / "duckdb.parquet", features=features))


def test_missing_and_empty_tables_leave_features_null(world: World, tmp_path: Path) -> None:
    alone: World = {"claims": world["claims"], "returns": []}
    built = build(alone, tmp_path, features=FEW, engine="spark")
    here = build(alone, tmp_path, features=FEW)
    assert_same(built, here)
    assert built.attrs["unavailable"] == here.attrs["unavailable"]


def refusal(data: Path, out: Path, claims: Path | None, engine: str) -> str:
    with pytest.raises(ClaimvetError, match="expected") as raised:
        build_features(DataSet.open(data), out, claims=claims, features=FEW, engine=engine)
    return f"{type(raised.value).__name__}: {raised.value}"


def test_both_engines_refuse_with_the_same_sentence(world: World, tmp_path: Path) -> None:
    first = world["claims"][0]
    other = tmp_path / "other.parquet"
    frame("claims", [first | {"amount_claimed": 1 + (first["amount_claimed"] or 0)}]).to_parquet(other)
    whole = write(world, tmp_path / "whole")
    without = write({"orders": world["orders"]}, tmp_path / "without")
    for data, claims in ((whole, other), (without, None)):
        sentences = {refusal(data, tmp_path / "out.parquet", claims, engine) for engine in ("duckdb", "spark")}
        assert len(sentences) == 1


def test_a_file_that_is_no_table_is_named(world: World, tmp_path: Path) -> None:
    data = write({"claims": world["claims"]}, tmp_path / "data")
    (data / "orders.parquet").write_bytes(b"no table")
    with pytest.raises(InvalidDataError, match=r"table orders: orders\.parquet is no table that can be read"):
        build_features(DataSet.open(data), tmp_path / "out.parquet", features=FEW, engine="spark")


def test_memory_is_left_to_sparks_own_configuration(world: World, tmp_path: Path) -> None:
    data = DataSet.open(write({"claims": world["claims"]}, tmp_path / "data"))
    with pytest.raises(UsageError, match=re.escape("expected spark.driver.memory and spark.executor.memory")):
        build_features(data, tmp_path / "out.parquet", features=FEW, engine="spark", memory_limit="1GB")


def test_a_build_that_fails_leaves_the_old_file_and_nothing_else(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out" / "features.parquet"
    out.parent.mkdir()
    out.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("claimvet.features.engines.parquet_parts.read_parts", fail)
    with pytest.raises(OSError, match="no space left"):
        build_features(DataSet.open(write(world, tmp_path / "data")), out, features=FEW[:1], engine="spark")
    assert [(path.name, path.read_bytes()) for path in out.parent.iterdir()] == [("features.parquet", b"old")]


def test_paths_with_a_scheme_go_to_spark_as_they_are(world: World, tmp_path: Path) -> None:
    data = write(world, tmp_path / "data")
    here = build_from(data, tmp_path / "here.parquet", features=FEW)
    remote = open_data_set(Path(f"file://{data}"), "spark")
    report = build_features(remote, Path(f"file://{tmp_path}/parts"), features=FEW, engine="spark")
    assert report.rows == len(here)
    parts = [pd.read_parquet(part) for part in sorted((tmp_path / "parts").glob("part-*.parquet"))]
    assert_same(pd.concat(parts).set_index("claim_id"), here)


def test_a_remote_folder_without_tables_is_refused(tmp_path: Path) -> None:
    nowhere = open_data_set(Path(f"file://{tmp_path}/nowhere"), "spark")
    with pytest.raises(UsageError, match=r"nowhere has no table, expected one with tables such as claims\.parquet"):
        build_features(nowhere, tmp_path / "out.parquet", features=FEW, engine="spark")
