"""From a data set to a file of features: its columns, its order, its report, and what is refused."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.errors import InvalidDataError, UsageError
from claimvet.features.batch.build import build_features
from claimvet.features.catalogue.declaration import Feature, LinkFeature
from claimvet.features.catalogue.features import BY_NAME, FEATURES
from tests.features.oracle import Oracle
from tests.features.worlds import Row, World, build, frame, many_worlds, write

pytestmark = pytest.mark.slow

CLAIMVET = Path(sys.executable).with_name("claimvet")
FEW: list[Feature] = [BY_NAME["claim_amount"], BY_NAME["customer_claims_count_365d"]]
ARROW_TYPES = {"float64": "double", "int64": "int64", "string": "string"}


@pytest.fixture(scope="module")
def world() -> World:
    return many_worlds(5, 8)


def with_own_columns(claims: list[Row]) -> list[Row]:
    own: list[Row] = [{"x_visits": 3, "x_site": "hall", "x_repeat": True, "group_region": "north"}]
    own += [{"x_visits": None, "x_site": None, "x_repeat": False, "group_region": "south"}]
    return [row | own[i % 2] | {"agent": "smith"} for i, row in enumerate(claims)]


def test_all_features_come_in_the_catalogues_order_and_types(world: World, tmp_path: Path) -> None:
    build(world, tmp_path)
    schema = pq.read_schema(tmp_path / "features_duckdb.parquet")
    types = {field.name: str(field.type) for field in schema}
    assert types == {"claim_id": "string"} | {f.name: ARROW_TYPES[f.dtype] for f in FEATURES}
    assert list(types) == ["claim_id", *(f.name for f in FEATURES)]


def test_the_users_own_columns_come_last_as_they_are(world: World, tmp_path: Path) -> None:
    claims = with_own_columns(world["claims"])
    built = build(world | {"claims": claims}, tmp_path, features=FEW)
    assert list(built.columns) == ["claim_amount", "customer_claims_count_365d", "x_repeat", "x_site", "x_visits"]
    given = frame("claims", claims).set_index("claim_id")
    own = ["x_repeat", "x_site", "x_visits"]
    pd.testing.assert_frame_equal(built[own], given[own], check_dtype=False)


def test_the_report_says_what_was_built(world: World, tmp_path: Path) -> None:
    data = write({"claims": with_own_columns(world["claims"])}, tmp_path / "data")
    steps: list[tuple[str, int, int]] = []

    def tell(part: str, done: int = 0, total: int = 0) -> None:
        steps.append((part, done, total))

    features = [*FEW, BY_NAME["customer_orders_count_365d"]]
    report = build_features(DataSet.open(data), tmp_path / "out.parquet", features=features, progress=tell)
    assert report.rows == len(world["claims"])
    assert report.features == (*(f.name for f in features), "x_repeat", "x_site", "x_visits")
    assert report.unavailable == ("customer_orders_count_365d",)
    claims = len(world["claims"])
    assert steps == [("claims and their parties", 0, 0), ("histories: claims", 0, claims), ("writing", 0, 0)]


@pytest.mark.parametrize("name", ["category_injury_rate", "claim_days_since_order", "category_claims_count_30d"])
def test_a_feature_alone_is_the_same_as_among_all(name: str, world: World, tmp_path: Path) -> None:
    alone = build(world, tmp_path / "alone", features=[BY_NAME[name]])
    among = build(world, tmp_path / "among", features=[f for f in FEATURES if not isinstance(f, LinkFeature)])
    assert list(alone.columns) == [name]
    pd.testing.assert_series_equal(alone[name], among[name])


def test_a_standard_deviation_of_the_largest_amounts_is_exact(world: World, tmp_path: Path) -> None:
    largest = 999_999_999.99
    claims = [row | {"amount_claimed": largest if i % 3 else 0.01} for i, row in enumerate(world["claims"])]
    std = BY_NAME["category_claims_amount_std_365d"]
    built = build(world | {"claims": claims}, tmp_path, features=[std])[std.name]
    expected = pd.Series(
        {claim: row[std.name] for claim, row in Oracle(world | {"claims": claims}).features([std]).items()}
    )
    assert built.max() > largest / 3
    pd.testing.assert_series_equal(built, expected.astype("float64"), check_names=False, rtol=1e-12)


def test_claims_of_a_file_need_no_other_data(world: World, tmp_path: Path) -> None:
    built = build({"orders": world["orders"]}, tmp_path, claims=world["claims"], features=FEW)
    assert list(built.index) == [row["claim_id"] for row in world["claims"]]
    assert built["customer_claims_count_365d"].max() > 0


def test_a_claim_that_differs_from_the_data_sets_row_is_refused(world: World, tmp_path: Path) -> None:
    first = world["claims"][0]
    other = first | {"amount_claimed": 1 + (first["amount_claimed"] or 0)}
    message = f"claims {first['claim_id']}: the file of claims holds another row than the data set, expected the same"
    with pytest.raises(InvalidDataError, match=re.escape(message)):
        build(world, tmp_path, claims=[other], features=FEW)


def test_a_data_set_without_claims_is_refused(world: World, tmp_path: Path) -> None:
    data = write({"orders": world["orders"]}, tmp_path / "data")
    with pytest.raises(InvalidDataError, match=r"has no claims, expected claims\.parquet or a file of claims"):
        build_features(DataSet.open(data), tmp_path / "out.parquet", features=FEW)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"engine": "abacus"}, "the engine is 'abacus', expected duckdb or spark"),
        ({"memory_limit": "much"}, "the memory limit is 'much'"),
    ],
)
def test_an_option_that_cannot_be_is_refused(
    option: dict[str, str], message: str, world: World, tmp_path: Path
) -> None:
    data = DataSet.open(write(world, tmp_path / "data"))
    with pytest.raises(UsageError, match=message):
        build_features(data, tmp_path / "out.parquet", features=FEW, **option)


def test_a_build_that_fails_leaves_the_old_file_and_nothing_else(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out" / "features.parquet"
    out.parent.mkdir()
    out.write_bytes(b"old")

    def fail(aside: Path, out: Path) -> None:
        assert aside.stat().st_size > 0
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        build_features(DataSet.open(write(world, tmp_path / "data")), out, features=FEW)
    assert [(path.name, path.read_bytes()) for path in out.parent.iterdir()] == [("features.parquet", b"old")]


def test_it_can_be_held_to_little_memory(world: World, tmp_path: Path) -> None:
    data = DataSet.open(write(world, tmp_path / "data"))
    assert build_features(data, tmp_path / "out.parquet", features=FEW, memory_limit="200MB").rows == len(
        world["claims"]
    )


def test_a_killed_run_leaves_nothing_half_written_and_can_be_started_again(world: World, tmp_path: Path) -> None:
    data, out = write(world, tmp_path / "data"), tmp_path / "out" / "features.parquet"
    command = [CLAIMVET, "features", "build", "--data", str(data), "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as killed:
        assert killed.stderr is not None
        for line in killed.stderr:
            if "histories" in line:
                break
        killed.kill()
    assert killed.returncode == -signal.SIGKILL
    (out.parent / ".claimvet-0000000000000000.aside").mkdir(exist_ok=True)  # as if it had been killed later
    subprocess.run(command, check=True, capture_output=True)
    assert [path.name for path in out.parent.iterdir()] == ["features.parquet"]
    assert len(pd.read_parquet(out)) == len(world["claims"])


def test_too_little_address_space_is_one_sentence(world: World, tmp_path: Path) -> None:
    data, out = write(world, tmp_path / "data"), tmp_path / "features.parquet"
    command = f"ulimit -v 3000000; {CLAIMVET} features build --data {data} --out {out} --memory-limit 1MB"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith(
        "claimvet: out of memory, expected more of it or another --memory-limit"
    )
    assert not out.exists()
