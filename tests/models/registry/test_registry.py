"""Models in MLflow's registry: text only, found by alias, and the gate's evidence beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from claimvet.data.contract.errors import ModelError
from claimvet.models.learning.training import Training
from claimvet.models.parameters import GateParams
from claimvet.models.registry.lifecycle import Entry, Event, champion_number, put_on_record, record
from claimvet.models.registry.mlflow_store import mlflow_client
from claimvet.models.registry.registry import (
    CHALLENGER,
    CHAMPION,
    _artifact,
    load_model,
    model_signature,
    register,
    stored_model,
)
from claimvet.pipeline.stages.promote import promote, require_passed, roll_back_champion
from claimvet.pipeline.stages.train import write_evaluation
from tests.models.registry.champions import make_champion
from tests.models.registry.stores import new_store

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty SQLite store in a working directory of its own."""
    folder, before = tmp_path_factory.mktemp("store"), Path.cwd()
    os.chdir(folder)
    os.environ["MLFLOW_TRACKING_URI"] = new_store(tmp_path_factory, folder / "mlflow.db")
    mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])
    yield folder
    os.chdir(before)
    del os.environ["MLFLOW_TRACKING_URI"]


def test_the_variable_decides_whatever_was_set_in_this_process_before(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = new_store(tmp_path_factory, tmp_path / "mlflow.db")
    mlflow.set_tracking_uri("")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with mlflow_client("show it"):
        assert mlflow.get_tracking_uri() == uri


@pytest.fixture(scope="module")
def registered(store: Path, training: Training) -> str:
    with pytest.raises(ModelError, match=r"there is no model models:/claimvet@champion in sqlite"):
        load_model()
    assert stored_model(CHALLENGER) is None
    figures = write_evaluation(training, store / "evaluation", seed=1)
    return register(training.model, store / "evaluation", {"train.seed": 7}, figures, {"data_sha256": "none"})


def test_the_challenger_is_read_back_to_the_byte_and_is_no_champion_yet(registered: str, training: Training) -> None:
    assert load_model("models:/claimvet@challenger").version == training.model.version
    assert load_model(f"models:/claimvet/{registered}").version == training.model.version
    assert stored_model(CHAMPION) is None


def test_a_directory_is_loaded_too_and_a_wrong_name_is_said(
    training: Training, registered: str, tmp_path: Path
) -> None:
    training.model.save(tmp_path / "model")
    assert load_model(str(tmp_path / "model")).version == training.model.version
    with pytest.raises(ModelError, match=r"there is no model models:/claimvet/99"):
        load_model("models:/claimvet/99")


def test_no_artifact_is_a_pickle(registered: str, store: Path) -> None:
    files = [path for path in (store / "mlruns").rglob("*") if path.is_file()]
    suffixes = {path.suffix for path in files}
    assert any(path.name == "frivolous.txt" for path in files)
    assert suffixes <= {".txt", ".json", ".yaml", ".py", ".csv", ".svg", ".parquet", ".md", ""}
    assert not [path for path in files if path.read_bytes()[:2] in (b"\x80\x03", b"\x80\x04", b"\x80\x05")]
    assert not [path for path in files if path.suffix == "" and path.name not in ("MLmodel", "registered_model_meta")]


def test_mlflow_itself_loads_the_model_from_code_and_answers_the_same(registered: str, training: Training) -> None:
    rows = training.evaluated_features.head(20)
    with mlflow_client("show it"):
        answers = mlflow.pyfunc.load_model("models:/claimvet@challenger").predict(rows)
    pd.testing.assert_frame_equal(answers, training.model.probabilities(rows), rtol=0, atol=0)


def test_the_signature_names_every_input_and_the_three_probabilities(training: Training) -> None:
    signature = model_signature(training.model.schema)
    assert signature.inputs.input_names() == list(training.model.schema.names)
    assert signature.outputs.input_names() == ["p_valid", "p_frivolous", "p_abusive"]


def test_the_run_holds_parameters_figures_features_plots_and_the_evaluated_claims(
    registered: str, training: Training
) -> None:
    stored = stored_model(CHALLENGER)
    assert stored is not None
    pd.testing.assert_frame_equal(stored.evaluated.drop(columns="disposition"), training.evaluated, check_freq=False)
    assert stored.evaluated_policy == training.evaluated_policy
    assert set(stored.baselines) == {"base_rates", "logistic", "rules"}
    with mlflow_client("show it") as client:
        run = client.get_run(stored.run_id)
        names = {item.path for item in client.list_artifacts(stored.run_id, "evaluation")}
    assert run.data.params["train.seed"] == "7"
    assert run.data.tags["data_sha256"] == "none"
    assert {"log_loss", "auc_valid", "log_loss_logistic"} <= set(run.data.metrics)
    assert {
        f"evaluation/{name}" for name in ("features.json", "plots", "slices.csv", "model_card.md", "money.csv")
    } <= names


def test_the_model_card_is_linked_and_shown_with_the_version(registered: str, training: Training) -> None:
    with mlflow_client("show it") as client:
        version = client.get_model_version("claimvet", registered)
        card = mlflow.artifacts.load_text(version.tags["model_card"])
    assert card.startswith(f"# Model card: Claimvet model {training.model.version}")
    assert card.startswith(version.description)
    for chapter in (
        "What it learned from",
        "False positive rate by group",
        "The guarantee",
        "What its decisions cost",
        "Limits",
    ):
        assert f"## {chapter}" in card


def test_promotion_says_every_check_and_keeps_on_record_what_it_said(registered: str, training: Training) -> None:
    refused = promote(GateParams(min_findings=10_000), by="Ada", now=NOW)
    assert not refused.passed
    assert "stays challenger" in str(refused)
    with pytest.raises(Exception, match=r"does not become champion: findings that evaluated it"):
        require_passed(refused)
    assert stored_model(CHAMPION) is None
    with pytest.raises(ModelError, match="there is no champion of claimvet"):
        roll_back_champion(by="Ada", now=NOW)
    lenient = GateParams(min_findings=20, max_calibration_error=0.5, min_believed_ratio=0.1)
    accepted = promote(lenient, by="Grace", now=NOW + timedelta(hours=1))
    assert [check.name for check in accepted.checks if not check.passed] == []
    champion = stored_model(CHAMPION)
    assert champion is not None
    assert champion.model.version == training.model.version
    with mlflow_client("show it") as client:
        assert client.get_model_version("claimvet", registered).tags["gate"] == "passed"
    first, second = record()
    assert (first.event, first.number, first.by, first.at) == (Event.REFUSED, registered, "Ada", NOW)
    assert "FAIL  findings that evaluated it" in first.why
    assert (second.event, second.by) == (Event.PROMOTED, "Grace")
    assert second.why.splitlines() == [str(check) for check in accepted.checks]


def test_one_command_brings_the_champion_before_back_and_says_so_on_record(
    registered: str, training: Training, store: Path
) -> None:
    make_champion(registered)
    with pytest.raises(ModelError, match=f"version {registered} of claimvet is the first champion"):
        roll_back_champion(by="Ada", now=NOW)
    other = replace(training.model, policy=training.model.policy.with_deny_threshold(0.2))
    second = register(other, store / "evaluation", {}, {}, {})
    make_champion(second)
    said = roll_back_champion(by="Ada", now=NOW + timedelta(days=1), why="sellers complain")
    assert said == f"version {registered} of claimvet is champion again instead of version {second}"
    assert champion_number() == registered
    assert record()[-1] == Entry(Event.ROLLED_BACK, second, "Ada", NOW + timedelta(days=1), "sellers complain")
    with mlflow_client("show it") as client:
        assert client.get_model_version("claimvet", second).tags["claimvet.why"] == "sellers complain"


def test_a_second_registration_takes_the_alias_and_the_champion_stays(
    registered: str, training: Training, store: Path
) -> None:
    make_champion(registered)
    other = replace(training.model, policy=training.model.policy.with_deny_threshold(0.2))
    number = register(other, store / "evaluation", {}, {}, {})
    assert number != registered
    assert load_model("models:/claimvet@challenger").version == other.version
    assert load_model().version == training.model.version


def test_the_record_keeps_the_order_of_one_second_and_goes_on_beyond_a_page(
    registered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = record()
    later = NOW + timedelta(days=30)
    whys = [f"reason {number}" for number in range(3)]
    for why in whys:
        put_on_record(Entry(Event.REFUSED, registered, "Ada", later, why), {}, {})
    assert [entry.why for entry in record()[-3:]] == whys
    monkeypatch.setattr("claimvet.models.registry.record.PAGE", 2)
    assert record()[: len(before)] == before
    assert [entry.why for entry in record()[len(before) :]] == whys


def test_artifacts_of_a_version_that_was_registered_before_format_2_are_found_by_their_old_names(
    tmp_path: Path,
) -> None:
    assert _artifact(tmp_path, "evaluated_policy.json").name == "evaluated_policy.json"  # and is then told as missing
    (tmp_path / "judged_policy.json").touch()
    assert _artifact(tmp_path, "evaluated_policy.json").name == "judged_policy.json"
    (tmp_path / "evaluated_policy.json").touch()
    assert _artifact(tmp_path, "evaluated_policy.json").name == "evaluated_policy.json"
