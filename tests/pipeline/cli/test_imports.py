"""A command imports what it uses: the packages in memory when it has ended, each command in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from claimvet.data.marketplace import generate

pytestmark = pytest.mark.slow

REPORT = """
import sys
from claimvet.pipeline.cli.main import main
status = main(sys.argv[1:])
print(*{name.partition(".")[0] for name in sys.modules})
sys.exit(status)
"""

LEARNING = {"lightgbm", "sklearn", "scipy", "mlflow", "matplotlib", "optuna"}
SERVING = {"uvicorn", "starlette", "alembic", "prometheus_client"}
JUDGING = {"great_expectations", "altair", "pyspark"}
OTHERS = LEARNING | SERVING | JUDGING | {"sqlalchemy"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small generated data set."""
    folder = tmp_path_factory.mktemp("imports")
    generate(folder / "data", 100, 1)
    return folder


@pytest.mark.parametrize(
    ("command", "unused"),
    [
        ("features list", OTHERS | {"pandas", "numpy", "pyarrow", "duckdb", "yaml"}),
        ("features build --data data --out features.parquet", OTHERS | {"pandas"}),
        ("data generate --claims 100 --out other", OTHERS - {"scipy"} | {"ibis", "sqlglot"}),
        pytest.param(
            "data validate data", LEARNING - {"scipy"} | SERVING | {"ibis", "sqlglot"}, marks=pytest.mark.slow
        ),
        ("score --help", OTHERS | {"pandas", "numpy", "pyarrow", "duckdb", "ibis", "yaml"}),
        ("serve --help", OTHERS | {"pandas", "numpy", "pyarrow", "duckdb", "ibis", "yaml"}),
    ],
    ids=lambda value: " ".join(value.split()[:2]) if isinstance(value, str) else "",
)
def test_a_command_imports_nothing_that_it_does_not_use(folder: Path, command: str, unused: set[str]) -> None:
    called = [sys.executable, "-W", "ignore", "-c", REPORT, *command.split()]
    done = subprocess.run(called, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert unused.isdisjoint(done.stdout.splitlines()[-1].split())


def test_scoring_imports_no_means_of_training_judging_or_drawing() -> None:
    code = "import sys, claimvet.pipeline.stages.score; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert (JUDGING | SERVING | {"mlflow", "matplotlib", "optuna"}).isdisjoint(done.stdout.split())
