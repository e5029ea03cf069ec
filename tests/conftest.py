"""What all tests share: how hypothesis draws, which tests are slow or start servers, and one Spark session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from tests.distribution import SPARK, Grouped, group

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from xdist.remote import Producer

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
settings.register_profile("fast", settings.get_profile("claimvet"), max_examples=20)  # a hundred otherwise
settings.load_profile(os.environ.get("CLAIMVET_HYPOTHESIS", "claimvet"))


LONG_FIRST = (
    SPARK,
    "tests/models/registry/",
    "tests/scoring_service/endpoint/",
    "tests/pipeline/",
    "tests/notebooks/",
    "tests/benchmarks/",
)
"""What takes long starts first, so that at the end no worker waits for the other."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Grouped | None:
    """Keep together what shares worlds, models or Spark's session."""
    return Grouped(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what follows from a test's place and fixtures, so that `make test-fast` and `make test-random` need no lists.

    What `group` names stays on one worker (`--dist loadfile`), so the worlds and models that its tests share are made once.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "postgres_server" in fixtures or "postgresql" in item.name or "scoring_service/endpoint/" in item.nodeid:
            item.add_marker("server")
        if item.nodeid.startswith(("tests/notebooks/", "tests/benchmarks/")):
            item.add_marker("slow")
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("property")
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    """The place of a test's group among those that take long, and after all of them for any other."""
    return next((n for n, start in enumerate(LONG_FIRST) if group(item.nodeid).startswith(start)), len(LONG_FIRST))


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
