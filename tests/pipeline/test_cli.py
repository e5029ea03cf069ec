"""The command line answers at once, exits with the contract's status, and never shows a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from data.contract.errors import ClaimvetError, GateError, UsageError
from features.catalogue import FEATURES
from pipeline import cli

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "pandas",
    "numpy",
    "duckdb",
    "ibis",
    "lightgbm",
    "mlflow",
    "sklearn",
    "scipy",
    "great_expectations",
    "pydantic_core.core",
}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small generated data set."""
    folder = tmp_path_factory.mktemp("market")
    assert cli.main(["data", "generate", "--out", str(folder), "--claims", "200", "--seed", "1"]) == 0
    return folder


def _run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    status = cli.main(arguments)
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_help_needs_none_of_the_heavy_packages() -> None:
    code = "import sys; from pipeline.cli import main; main(['--help']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert HEAVY.isdisjoint(loaded.split())


@pytest.mark.parametrize("command", [[], ["data"], ["features"]], ids=lambda words: " ".join(["claimvet", *words]))
def test_a_command_without_arguments_explains_itself(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = _run(*command, capsys=capsys)
    assert status == 2
    assert out == ""
    assert err.startswith("Usage: claimvet")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["data", "generate"], "missing option '--out'"),
        (["data", "generate", "--out", "x", "--claims", "many"], "'--claims'"),
        (["data", "generate", "--out", "x", "--claims", "0"], "'--claims'"),
        (["data", "generate", "--out", "x", "--params", "nowhere.yaml"], "parameter file nowhere.yaml does not exist"),
        (["data", "validate", "nowhere"], "nowhere is no directory"),
        (["features", "build", "--data", "nowhere", "--out", "x"], "nowhere is no directory"),
        (["features", "build", "--data", "nowhere", "--out", "x", "--engine", "pandas"], "'--engine'"),
        (["features", "list", "--format", "xml"], "'--format'"),
        (["fetures"], "no such command 'fetures'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_usage_is_one_sentence_and_status_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = _run(*arguments, capsys=capsys)
    assert status == 2
    assert out == ""
    assert err.startswith("claimvet: ")
    assert err.count("\n") == 1
    assert sentence in err


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (GateError("the challenger is worse"), 1, "claimvet: the challenger is worse\n"),
        (UsageError("no such engine"), 2, "claimvet: no such engine\n"),
        (FileNotFoundError(2, "No such file or directory", "a.csv"), 1, "claimvet: a.csv: no such file or directory\n"),
        (
            ZeroDivisionError("division\nby zero"),
            1,
            "claimvet: unexpected ZeroDivisionError: division by zero (set CLAIM",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_every_error_is_a_sentence_with_its_status(
    error: Exception,
    status: int,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: Path | None) -> None:
        raise error

    monkeypatch.setattr(cli, "_params", fail)
    got, _, err = _run("data", "generate", "--out", "x", capsys=capsys)
    assert got == status
    assert err.startswith(sentence)


def test_a_traceback_is_shown_to_who_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cli.TRACEBACK_VARIABLE, "1")
    with pytest.raises(ClaimvetError, match="does not exist"):
        cli.main(["data", "generate", "--out", "x", "--params", "nowhere.yaml"])


def test_the_number_of_claims_and_the_seed_come_from_the_parameters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = tmp_path / "mine.yaml"
    params.write_text("generate: {claims: 150, seed: 3}")
    status, out, _ = _run("data", "generate", "--out", str(tmp_path / "m"), "--params", str(params), capsys=capsys)
    assert status == 0
    assert "150 claims" in out


def test_a_generated_marketplace_is_valid(market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = _run("data", "validate", str(market), "--docs", str(tmp_path / "docs"), capsys=capsys)
    assert status == 0
    assert "the data keep the contract" in out
    assert (tmp_path / "docs" / "index.html").exists()


def test_data_that_break_the_contract_are_named_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "claims.csv").write_text("claim_id\nc1\nc1\n")
    status, out, err = _run("data", "validate", str(tmp_path), "--docs", str(tmp_path / "docs"), capsys=capsys)
    assert status == 1
    assert out == ""
    assert "claims.claim_id: duplicate key" in err
    assert "the data break the contract in " in err


def test_features_are_listed_as_a_table_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    names = [feature.name for feature in FEATURES]
    _, table, _ = _run("features", "list", capsys=capsys)
    assert [line.split()[0] for line in table.splitlines()[1:]] == names
    _, listed, _ = _run("features", "list", "--format", "json", capsys=capsys)
    assert [row["name"] for row in json.loads(listed)] == names
    wanted = {"name", "description", "entity", "source", "aggregation", "column", "window_days", "filter", "dtype"}
    assert all(wanted <= set(row) for row in json.loads(listed))


def test_no_features_are_built_from_data_that_break_the_contract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "claims.csv").write_text("claim_id\nc1\nc1\n")
    status, _, err = _run(
        "features", "build", "--data", str(tmp_path), "--out", str(tmp_path / "f.parquet"), capsys=capsys
    )
    assert status == 1
    assert "claims.claim_id" in err
    assert not (tmp_path / "f.parquet").exists()


def test_features_of_some_claims_are_built(market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "f.parquet"
    status, said, complaint = _run("features", "build", "--data", str(market), "--out", str(out), capsys=capsys)
    assert status == 0, complaint
    assert "200 claims" in said
    assert out.exists()
