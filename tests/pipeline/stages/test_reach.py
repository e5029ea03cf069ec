"""What only Spark reaches is never replaced by a command that reads it, whatever way its address is spelt."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimvet.data.contract.errors import UsageError
from claimvet.features.engines.spark.tables import location
from claimvet.pipeline.stages.reach import require_output

CLAIMS = "s3a://market/june/claims.parquet"


@pytest.mark.parametrize(
    "out",
    [
        CLAIMS,
        f"{CLAIMS}/",
        "s3a://market//june//claims.parquet",
        "s3a:///market/june/claims.parquet",
        "S3A://market/june/claims.parquet",
        "s3://market/june/claims.parquet",
        "s3n://MARKET/june/claims.parquet",
        "s3a://market/june/./claims.parquet",
        "s3a://market/may/../june/claims.parquet",
        f"{CLAIMS}/scores",
        "s3a://market/june",
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_the_same_place_is_refused_however_it_is_spelt(out: str, swapped: bool) -> None:
    one, other = (CLAIMS, out) if swapped else (out, CLAIMS)
    with pytest.raises(UsageError, match=r"belongs to .*, which this command reads, expected another place"):
        require_output(Path(one), (None, Path("data"), Path(other)), "spark")


@pytest.mark.parametrize(
    "out",
    [
        "s3a://market/june/claims2.parquet",
        "s3a://other/june/claims.parquet",
        "hdfs://market/june/claims.parquet",
        "s3a://market/June/claims.parquet",  # keys are told apart by case
    ],
)
def test_another_place_is_taken(out: str) -> None:
    require_output(Path(out), (Path(CLAIMS), Path("data")), "spark")


@pytest.mark.parametrize("name", ["new.csv", "parts"])
@pytest.mark.parametrize("prefix", ["file:", "file://", "FILE:"])
def test_a_place_of_this_machine_is_compared_with_paths_of_it(name: str, prefix: str, tmp_path: Path) -> None:
    read = tmp_path / name
    read.touch() if read.suffix else read.mkdir()
    with pytest.raises(UsageError, match=r"belongs to|holds"):
        require_output(Path(f"{prefix}{tmp_path}/x/../{name}"), (read,), "spark")


def test_without_spark_an_address_is_no_path_of_this_machine() -> None:
    with pytest.raises(UsageError, match=r"S3A:/market/s\.parquet is reached by Spark alone"):
        require_output(Path("S3A://market/s.parquet"), ())


def test_spark_gets_a_scheme_in_lower_case_and_a_key_as_it_is() -> None:
    assert location(Path("S3A://market/June")) == "s3a://market/June"
