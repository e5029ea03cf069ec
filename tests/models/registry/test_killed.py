"""A promotion or a rollback that is killed before any of its calls: alias and record agree, and the next run tidies up."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import pytest

from claimvet.models.registry.lifecycle import (
    Entry,
    Event,
    champion_number,
    promote_version,
    record,
    roll_back,
    settle_record,
)
from claimvet.models.registry.mlflow_store import mlflow_client
from claimvet.models.registry.model_store import NAME
from claimvet.pipeline.cli.main import main
from tests.models.registry.champions import make_champion
from tests.models.registry.stores import new_store

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
CHANGES = (
    "create_run",
    "log_text",
    "log_batch",
    "set_model_version_tag",
    "set_registered_model_alias",
    "set_terminated",
)
"""Calls by which a promotion or a rollback changes anything."""
TAGS = ("claimvet.event", "claimvet.by", "claimvet.at", "claimvet.why")
Tags = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two versions without a model; the second is champion after the first."""
    file = tmp_path_factory.mktemp("made") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", new_store(tmp_path_factory, file))
        with mlflow_client("begin") as client:
            client.create_registered_model(NAME)
            for _ in range(3):
                client.create_model_version(NAME, "nowhere")
        make_champion("1")
        make_champion("2")
    return file


@pytest.fixture
def store(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    shutil.copy(made, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return tmp_path


def promote_third() -> None:
    promote_version(Entry(Event.PROMOTED, "3", "Ada", NOW, "it passed"), {"a": 1.0}, {"gate": "passed"}, before="2")


def go_back() -> None:
    roll_back(by="Ada", now=NOW)


def killed_before(number: int, change: Callable[[], None]) -> list[str]:
    """Let another process begin a change, and kill it before its call `number`; return the calls that it had made."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        for name in CHANGES:
            setattr(mlflow.MlflowClient, name, dying(getattr(mlflow.MlflowClient, name), name, number, writing))
        change()
        os.kill(os.getpid(), signal.SIGKILL)
    os.close(writing)
    with os.fdopen(reading) as said:
        calls = said.read().split()
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    return calls


def dying(call: Callable[..., object], name: str, number: int, writing: int) -> Callable[..., object]:
    def instead(*args: object, **kwargs: object) -> object:
        dying.calls = getattr(dying, "calls", 0) + 1  # type: ignore[attr-defined]
        if dying.calls == number:  # type: ignore[attr-defined]
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(writing, f"{name}\n".encode())
        return call(*args, **kwargs)

    return instead


def tags() -> Tags:
    with mlflow_client("show them") as client:
        return {str(one.version): dict(one.tags) for one in client.search_model_versions(f"name = '{NAME}'")}


@pytest.mark.parametrize("number", [1, 2, 3, 4, 7, 10, 11, 12])
def test_a_promotion_killed_at_any_moment_has_happened_with_its_record_or_not_at_all(number: int, store: Path) -> None:
    before, known = record(), tags()
    calls = killed_before(number, promote_third)
    assert len(calls) == min(number - 1, 11), calls
    happened = "set_registered_model_alias" in calls
    assert champion_number() == ("3" if happened else "2")
    assert len(record()) == len(before) + happened
    notes, begun = settle_record(), "log_batch" in calls and "set_terminated" not in calls
    expected = (
        "after version 3 had become champion: it is finished now" if happened else "before it happened: it is cleared"
    )
    assert [note.partition("was broken off ")[2] for note in notes] == [expected] * begun
    assert len(record()) == len(before) + happened
    assert settle_record() == []
    if not happened:
        assert tags() == known
        promote_third()
    assert (champion_number(), [entry.number for entry in record()]) == ("3", ["1", "2", "3"])
    assert tags()["3"].keys() == {*TAGS, "gate", "previous_champion"}


@pytest.mark.parametrize("last", ["log_batch", "set_model_version_tag", "set_registered_model_alias"])
def test_a_killed_rollback_is_told_and_done_by_the_next(
    last: str, store: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    known = tags()
    number = {"log_batch": 4, "set_model_version_tag": 8, "set_registered_model_alias": 9}[last]
    assert killed_before(number, go_back)[-1] == last
    happened = last == "set_registered_model_alias"
    assert champion_number() == ("1" if happened else "2")
    assert main(["rollback", "--by", "Ada"]) == (1 if happened else 0)  # there is no champion before version 1
    said = capfd.readouterr().err
    assert said.startswith(
        "note: an entry of 2026-11-24T09:00:00+00:00 by Ada, version 2 of claimvet rolled back, was "
    )
    assert [entry.event for entry in record()][2:] == [Event.ROLLED_BACK]
    assert champion_number() == "1"
    assert tags()["1"] == known["1"]


def test_an_entry_that_another_command_has_cleared_makes_no_champion(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, known = record(), tags()

    def settled_meanwhile() -> str:
        settle_record()
        return "2"

    monkeypatch.setattr("claimvet.models.registry.lifecycle.champion_number", settled_meanwhile)
    with pytest.raises(Exception, match=r"another command has cleared the record in run \w+ in the meantime"):
        promote_third()
    monkeypatch.undo()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store / 'mlflow.db'}")
    assert (champion_number(), record(), tags()) == ("2", before, known)
