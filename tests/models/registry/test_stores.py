"""Stores that are new, gone, spoiled or somebody else's: each works, waits, or is told in one sentence."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from claimvet.data.contract.errors import ModelError, RegistryError
from claimvet.models.registry import addresses, first_use
from claimvet.models.registry.lifecycle import Entry, Event, champion_number, promote_version, record, roll_back
from claimvet.models.registry.mlflow_errors import reason
from claimvet.models.registry.mlflow_store import mlflow_client
from claimvet.models.registry.model_store import CHALLENGER, CHAMPION, NAME
from claimvet.models.registry.registry import CARD_FILE, load_model, register, stored_model
from claimvet.pipeline.cli.main import main
from tests.models.registry.champions import make_champion
from tests.models.registry.stores import new_store
from tests.scoring_service.endpoint.small_model import small_model

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store of two versions, the first of which is champion."""
    root = tmp_path_factory.mktemp("made")
    (root / "evaluation").mkdir()
    (root / "evaluation" / CARD_FILE).write_text("For tests.\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("MLFLOW_TRACKING_URI", new_store(tmp_path_factory, root / "mlflow.db"))
        make_champion(register(small_model(1), root / "evaluation", {}, {}, {}))
        register(small_model(2), root / "evaluation", {}, {}, {})
    return root


@pytest.fixture
def store(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which a test may spoil; artifacts lie where the original has them."""
    file = tmp_path / "mlflow.db"
    shutil.copy(made / "mlflow.db", file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
    return file


TEN_AT_ONCE = """
import os
import mlflow.store.model_registry.sqlalchemy_store, mlflow.store.tracking.sqlalchemy_store
from claimvet.models.registry.experiment import experiment_id, require_registered_model
from claimvet.models.registry.mlflow_store import mlflow_client

children = []
for number in range(10):
    child = os.fork()
    if child:
        children.append(child)
        continue
    with mlflow_client("begin") as client:
        experiment = experiment_id(client)
        require_registered_model(client)
        client.create_run(experiment, run_name=str(number))
    os._exit(0)
raise SystemExit(sum(os.waitpid(child, 0)[1] for child in children))
"""
"""Forked once MLflow is imported, which takes seconds, so that all of them meet at the new store."""


def test_ten_processes_at_once_make_a_new_store_and_each_gets_what_it_asked_for(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(path for path in sys.path if path)}
    command = [sys.executable, "-c", TEN_AT_ONCE]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
        with mlflow_client("count them") as client:
            experiment = client.get_experiment_by_name(NAME)
            assert experiment is not None
            names = {run.info.run_name for run in client.search_runs([experiment.experiment_id])}
    assert names == {str(number) for number in range(10)}


def test_what_a_killed_process_left_of_a_new_store_is_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlflow.db.new").write_text("half of a store")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    with mlflow_client("begin") as client:
        client.create_experiment("begun")
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def test_a_process_that_never_finishes_making_a_store_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_use, "MAX_SECONDS", 0.1)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    with (
        first_use._one_at_a_time(tmp_path),
        pytest.raises(RegistryError, match=r"another process has been making MLflow's store in .* for 0\.1 seconds"),
        mlflow_client("begin"),
    ):
        raise AssertionError("it must not be let in")


@pytest.mark.parametrize("command", [["promote"], ["rollback"]])
def test_a_store_that_is_not_there_has_no_champion_and_is_not_made(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'none.db'}")
    assert main(command) == 1
    assert f"of claimvet in sqlite:///{tmp_path / 'none.db'}, expected one" in capsys.readouterr().err
    assert record() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("sqlite:///{}/gone/mlflow.db", "there is no directory"),
        ("sqlite:///{}", "unable to open database file"),
        ("sqlite:///{}/text.db", "file is not a database"),
        ("postgresql+psycopg://ada:secret@127.0.0.1:9/mlflow", "Connection refused"),
        ("http://ada:secret@127.0.0.1:9", "Connection refused"),
        ("http://nowhere.invalid", "nowhere.invalid"),
    ],
)
def test_a_store_that_cannot_be_reached_is_named_without_its_password(
    uri: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.db").write_text("this is a text and no database at all, " * 200)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    named = uri.format(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", named)
    with pytest.raises(
        RegistryError, match=r"cannot be reached to say which version of claimvet is champion: "
    ) as told:
        champion_number()
    assert why in str(told.value)
    assert "secret" not in str(told.value)
    assert addresses.shown(named) in str(told.value)


@pytest.mark.parametrize("uri", ["foo://x", "./mlruns"])
def test_a_kind_of_store_that_mlflow_does_not_know_is_told(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(RegistryError, match=f"MLflow at {uri} could not say which version"):
        champion_number()


def test_a_registry_apart_from_the_runs_is_the_one_that_is_asked(
    store: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", new_store(tmp_path_factory, tmp_path / "other.db"))
    assert champion_number() is None
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"sqlite:///{store}")
    assert champion_number() == "1"


def test_a_deleted_experiment_stops_a_promotion_and_a_training_before_anything_changes(store: Path) -> None:
    with mlflow_client("delete it") as client:
        experiment = client.get_experiment_by_name(NAME)
        assert experiment is not None
        client.delete_experiment(experiment.experiment_id)
    entry = Entry(Event.PROMOTED, "2", "Ada", NOW, "it passed")
    with pytest.raises(
        RegistryError, match=r"the experiment claimvet in .* is deleted, expected an active one: bring it"
    ):
        promote_version(entry, {}, {}, before="1")
    with pytest.raises(RegistryError, match="is deleted, expected an active one"):
        register(small_model(3), store.parent, {}, {}, {})
    assert (champion_number(), stored_number(CHALLENGER)) == ("1", "2")


def stored_number(alias: str) -> str | None:
    with mlflow_client("show it") as client:
        return str(client.get_registered_model(NAME).aliases.get(alias))


def test_a_champion_that_changed_while_the_gate_was_asked_is_not_overwritten(store: Path) -> None:
    entry = Entry(Event.PROMOTED, "2", "Ada", NOW, "it passed")
    before = record()
    with pytest.raises(
        RegistryError, match="version 1 of claimvet is champion by now, expected version none as at the"
    ):
        promote_version(entry, {}, {"gate": "passed"}, before=None)
    assert (champion_number(), record()) == ("1", before)
    with mlflow_client("show it") as client:
        assert "gate" not in client.get_model_version(NAME, "2").tags


def test_a_version_that_was_deleted_is_not_rolled_back_to_and_not_loaded(store: Path) -> None:
    make_champion("2")
    with mlflow_client("delete it") as client:
        client.delete_model_version(NAME, "1")
    before = record()
    with pytest.raises(ModelError, match="version 1 of claimvet was champion before version 2, and is deleted"):
        roll_back(by="Ada", now=NOW)
    assert (champion_number(), record()) == ("2", before)
    with pytest.raises(
        ModelError, match=r"there is no model models:/claimvet/1 in sqlite:.*: claimvet has no version 1"
    ):
        load_model("models:/claimvet/1")


def test_missing_artifacts_are_named(made: Path, store: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"version 1 of claimvet has no evaluated\.parquet among its artifacts, expected what"
    ):
        stored_model(CHAMPION)  # which was registered without any claims that evaluated it
    shutil.move(made / "mlruns", tmp_path / "aside")
    try:
        with pytest.raises(
            ModelError,
            match=r"the model models:/claimvet@champion in MLflow at sqlite:.* it has no file at all, expected",
        ):
            load_model()
    finally:
        shutil.move(tmp_path / "aside", made / "mlruns")


def test_a_model_of_another_flavour_is_told(store: Path, tmp_path: Path) -> None:
    import mlflow

    (tmp_path / "other.py").write_text(
        "import mlflow\n\n\nclass Other(mlflow.pyfunc.PythonModel):\n    def predict(self, context, model_input: list[str], params=None):\n"
        "        return model_input\n\n\nmlflow.models.set_model(Other())\n"
    )
    with mlflow_client("log another") as client:
        with mlflow.start_run():
            logged = mlflow.pyfunc.log_model(name="other", python_model=str(tmp_path / "other.py"), pip_requirements=[])
        client.create_registered_model("other")
        client.create_model_version("other", logged.model_uri, logged.run_id)
    with pytest.raises(
        ModelError, match=r"the model models:/other/1 in MLflow at .* is no whole Claimvet model: it has MLmodel, "
    ):
        load_model("models:/other/1")


@pytest.mark.parametrize("uri", ["nothing", "some/directory"])
def test_an_address_that_is_none_is_told(uri: str) -> None:
    with pytest.raises(
        ModelError, match=f"there is no model {uri}: expected a directory, or an address such as models:/"
    ):
        load_model(uri)


def test_the_same_code_may_mean_none_and_something_else_so_an_alias_is_looked_up_in_its_model(store: Path) -> None:
    from mlflow.exceptions import MlflowException

    with mlflow_client("show what MLflow answers") as client:
        for call in (
            lambda: client.get_model_version_by_alias(NAME, "nobody"),
            lambda: client.get_model_version(NAME, "no number"),
        ):
            with pytest.raises(MlflowException, match=r"not found|must be an integer") as told:
                call()
            assert told.value.error_code == "INVALID_PARAMETER_VALUE"


def test_a_reason_is_one_line_of_bounded_length_without_passwords() -> None:
    said = reason(ValueError("http://ada:secret@host/x said no\nand more " + "x" * 999))
    assert said == "http://host/x said no"
    assert len(reason(ValueError("x" * 999))) == 301
