"""The command line answers at once, exits with the contract's status, and never shows a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from claimvet.data.contract.errors import ClaimvetError, GateError, UsageError
from claimvet.features.catalogue.features import FEATURES
from claimvet.models.assessment.gate import Check
from claimvet.models.parameters import SplitParams, TrainParams
from claimvet.models.policy.policy import Policy
from claimvet.pipeline.cli import main
from claimvet.pipeline.cli.ending import TRACEBACK_VARIABLE
from claimvet.pipeline.stages.promote import PromotionReport

ROOT = Path(__file__).resolve().parents[3]
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
    assert main.main(["data", "generate", "--out", str(folder), "--claims", "200", "--seed", "1"]) == 0
    return folder


def _run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main.main(arguments)
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_help_needs_none_of_the_heavy_packages() -> None:
    code = "import sys; from claimvet.pipeline.cli.main import main; main(['--help']); print(*sys.modules)"
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
        (["features", "build", "--data", "nowhere", "--out", "x.csv"], "nowhere is no directory"),
        (["features", "build", "--data", "nowhere", "--out", "x.orc"], "says no format that is written"),
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

    monkeypatch.setattr("claimvet.pipeline.cli.data.read_params", fail)
    got, _, err = _run("data", "generate", "--out", "x", capsys=capsys)
    assert got == status
    assert err.startswith(sentence)


def test_a_traceback_is_shown_to_who_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRACEBACK_VARIABLE, "1")
    with pytest.raises(ClaimvetError, match="does not exist"):
        main.main(["data", "generate", "--out", "x", "--params", "nowhere.yaml"])


def test_the_number_of_claims_and_the_seed_come_from_the_parameters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = tmp_path / "mine.yaml"
    params.write_text("generate: {claims: 150, seed: 3}")
    status, out, _ = _run("data", "generate", "--out", str(tmp_path / "m"), "--params", str(params), capsys=capsys)
    assert status == 0
    assert "150 claims" in out


@pytest.mark.slow
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


@pytest.mark.slow
def test_features_of_some_claims_are_built(market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "f.parquet"
    status, said, complaint = _run("features", "build", "--data", str(market), "--out", str(out), capsys=capsys)
    assert status == 0, complaint
    assert "200 claims" in said
    assert out.exists()


@dataclass
class Recorder:
    """Stands in for a stage: keeps what it was called with, and answers a report."""

    answer: object
    given: tuple[object, ...] = ()
    named: dict[str, object] = field(default_factory=dict)

    def __call__(self, *given: object, **named: object) -> object:
        self.given, self.named = given, named
        return self.answer


def test_train_hands_on_the_parameters_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Recorder("registered as challenger")
    monkeypatch.setattr("claimvet.pipeline.stages.train.train", stage)
    (tmp_path / "p.yaml").write_text("train: {max_depth: 3}\npolicy: {expert_usd: 50}\nsplit: {min_findings: 9}")
    status, out, _ = _run("train", "--data", "d", "--out", "o", "--params", str(tmp_path / "p.yaml"), capsys=capsys)
    assert (status, out) == (0, "registered as challenger\n")
    assert stage.given == (Path("d"), SplitParams(min_findings=9), TrainParams(max_depth=3), Policy(expert_usd=50.0))
    assert (stage.named["out"], stage.named["features"]) == (Path("o"), None)


def test_score_loads_the_named_model_and_stamps_the_time_with_a_zone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, models = Recorder("scored"), Recorder("the model")
    monkeypatch.setattr("claimvet.pipeline.stages.score.score", stage)
    monkeypatch.setattr("claimvet.models.registry.registry.load_model", models)
    status, out, _ = _run(
        "score", "--data", "d", "--claims", "c", "--out", "o.csv", "--model", "models:/claimvet/3", capsys=capsys
    )
    assert (status, out) == (0, "scored\n")
    assert models.given == ("models:/claimvet/3",)
    assert stage.given == (Path("d"), Path("c"), Path("o.csv"), "the model")
    assert isinstance(stage.named["now"], datetime)
    assert stage.named["now"].tzinfo is not None


def test_score_takes_the_champion_where_no_model_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Recorder(None)
    monkeypatch.setattr("claimvet.pipeline.stages.score.score", Recorder("scored"))
    monkeypatch.setattr("claimvet.models.registry.registry.load_model", models)
    _run("score", "--data", "d", "--claims", "c", "--out", "o.csv", capsys=capsys)
    assert models.given == (None,)


def test_a_refused_challenger_is_explained_with_status_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = (Check("log loss", 0.9, "below 0.5", False), Check("size", 1.0, "at most 2", True))
    monkeypatch.setattr("claimvet.pipeline.stages.promote.promote", Recorder(PromotionReport("4", checks)))
    status, out, err = _run("promote", capsys=capsys)
    assert status == 1
    assert "log loss" in out
    assert "size" in out
    assert err == "claimvet: version 4 of claimvet does not become champion: log loss\n"


def test_the_demo_takes_its_directory_size_and_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, show = Recorder("report"), Recorder(None)
    monkeypatch.setattr("claimvet.pipeline.stages.demo.run_demo", stage)
    monkeypatch.setattr("claimvet.pipeline.stages.demo.show", show)
    status, _, _ = _run("demo", "--out", str(tmp_path), "--claims", "500", "--seed", "4", capsys=capsys)
    assert status == 0
    assert stage.given[0] == tmp_path
    assert (stage.named["claims"], stage.named["seed"]) == (500, 4)
    assert show.given == ("report",)
