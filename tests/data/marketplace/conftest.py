"""One generated marketplace, shared by the tests that look at it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from claimvet.data.contract.tables import TABLES
from claimvet.data.marketplace import GenerationReport, generate
from claimvet.data.marketplace.world import World, make_world

CLAIMS = 6_000
SEED = 11


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> GenerationReport:
    """A data set on disk."""
    return generate(tmp_path_factory.mktemp("marketplace"), CLAIMS, SEED)


@pytest.fixture(scope="session")
def world() -> World:
    """The same world as arrays, with what nobody can see."""
    return make_world(CLAIMS, SEED)


@pytest.fixture(scope="session")
def sql(made: GenerationReport) -> duckdb.DuckDBPyConnection:
    """A view a table, and the truth as `true_claims` and `true_customers`."""
    connection = duckdb.connect()
    paths = {name: made.out / f"{name}.parquet" for name in TABLES}
    paths |= {f"true_{name}": made.out / "truth" / f"{name}.parquet" for name in ("claims", "customers")}
    for name, path in paths.items():
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM '{Path(path).as_posix()}'")
    return connection
