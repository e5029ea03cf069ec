"""What all tests share: how hypothesis draws, which tests are slow or start servers, and one Spark session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

QUICK = {
    "spark.master": "local[2]",
    "spark.driver.memory": "2g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.buffer.pageSize": "1m",  # a stage without adaptive execution sorts thirty tables at once, each in a page of its own
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    # a test's tables are so small that compiling a query costs more than running it
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
"""Spark on two cores, for a minute."""

settings.register_profile(
    "claimvet",
    deadline=None,  # a busy machine is slow, not wrong
    database=None,  # nothing is left in the tree
    derandomize=True,  # the same draws on every run and in every worker
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("random", settings.get_profile("claimvet"), derandomize=False, max_examples=500)
settings.load_profile(os.environ.get("CLAIMVET_HYPOTHESIS", "claimvet"))


LONG_FIRST = ("spark", "tests/notebooks/", "tests/scoring_service/endpoint/", "tests/pipeline/", "tests/benchmarks/")
"""What takes long starts first, so that at the end no worker waits for the other."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what follows from a test's place and fixtures, and keep each file, and all of Spark, on one worker.

    So worlds, models and sessions that tests of a file share are made once, and `make test-fast` and `make test-random` need no lists.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "postgres_server" in fixtures or "postgresql" in item.name or "scoring_service/endpoint/" in item.nodeid:
            item.add_marker("server")
        if item.nodeid.startswith(("tests/notebooks/", "tests/benchmarks/")):
            item.add_marker("slow")
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("property")
        if item.get_closest_marker("xdist_group") is None:
            group = "spark" if "spark" in fixtures else item.nodeid.partition("::")[0]
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    """The place of a test's group among those that take long, and after all of them for any other."""
    places = (*(mark.args[0] for mark in item.iter_markers("xdist_group")), item.nodeid)
    return next(
        (n for n, start in enumerate(LONG_FIRST) if any(place.startswith(start) for place in places)), len(LONG_FIRST)
    )


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """A session that every test of Spark shares; only without pyspark or Java does it fail, and then it says so."""
    from claimvet.features.engines.spark.session import open_session

    options = " ".join(f'--conf "{name}={value}"' for name, value in QUICK.items())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"{options} pyspark-shell")
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        session, started = open_session()
    assert started
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
