"""A real MLflow server fails one call at a time: exit status, alias and record agree, whichever call it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from claimvet.data.contract.errors import ModelError, RegistryError
from claimvet.models.registry.lifecycle import Entry, Event, champion_number, promote_version, settle_record
from claimvet.models.registry.model_store import CHALLENGER, CHAMPION
from claimvet.models.registry.registry import load_model, stored_model
from claimvet.pipeline.cli.main import main
from tests.models.registry.mlflow_server import Failure, FaultyProxy, MlflowServer, one_of_each, state

pytestmark = [pytest.mark.slow, pytest.mark.server]
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
KINDS: tuple[Failure, ...] = (403, 500, "closed", 404)


def promote_second() -> None:
    entry = Entry(Event.PROMOTED, "2", "Ada", NOW, "it passed")
    promote_version(entry, {"log_loss": 0.3}, {"gate": "passed"}, before="1")


def test_a_promotion_happens_with_its_record_or_not_at_all_whichever_call_fails(
    server: MlflowServer, proxy: FaultyProxy, tmp_path: Path
) -> None:
    kept, before = server.keep(tmp_path / "first.db"), state(proxy)
    promote_second()
    chosen, after = one_of_each(proxy.calls), state(proxy)
    assert after[0] == {CHAMPION: "2", CHALLENGER: "2"}
    assert [entry.number for entry in after[2]] == ["1", "2"]
    server.restore(kept)
    for number in chosen:
        proxy.fail(number, how=KINDS[number % len(KINDS)])
        with pytest.raises(
            RegistryError, match=rf"MLflow at {proxy.url} .*; the champion and the record are as they were$"
        ):
            promote_second()
        assert state(proxy) == before, f"call {number}"


def test_a_promotion_whose_answers_are_lost_is_seen_to_have_happened_or_is_taken_back(
    server: MlflowServer, proxy: FaultyProxy, tmp_path: Path
) -> None:
    kept, before = server.keep(tmp_path / "first.db"), state(proxy)
    promote_second()
    calls, after = list(proxy.calls), state(proxy)
    server.restore(kept)
    for number, call in enumerate(calls, start=1):
        if call.startswith("GET"):
            continue
        proxy.fail(number, how="lost")
        if call.endswith("/registered-models/alias"):
            promote_second()
            assert state(proxy) == after
            server.restore(kept)
        else:
            with pytest.raises(
                RegistryError, match=r"cannot be reached to .*; the champion and the record are as they"
            ):
                promote_second()
            assert state(proxy) == before, call


def test_a_registry_that_stays_silent_from_one_call_on_is_told_with_exactly_what_stands(
    server: MlflowServer, proxy: FaultyProxy, tmp_path: Path
) -> None:
    kept, before = server.keep(tmp_path / "first.db"), state(proxy)
    promote_second()
    calls = list(proxy.calls)
    server.restore(kept)
    alias = next(
        number for number, call in enumerate(calls, 1) if call == "POST /api/2.0/mlflow/registered-models/alias"
    )
    proxy.fail(alias, how=403, and_after=True)
    with pytest.raises(RegistryError, match="failed too, so these stand: ") as told:
        promote_second()
    for stands in ("perhaps the alias champion on version 2", "the tag gate of version 2", "the record in run "):
        assert stands in str(told.value)
    aliases, tags, entries = state(proxy)
    assert (aliases, entries) == (before[0], before[2])  # what stands is no promotion
    assert tags != before[1]
    assert [note.split(", was ")[1] for note in settle_record()] == ["broken off before it happened: it is cleared"]
    assert state(proxy) == before
    assert settle_record() == []


def test_a_champion_that_cannot_be_looked_up_is_never_none(proxy: FaultyProxy) -> None:
    for how in KINDS:
        proxy.fail(1, how=how)
        with pytest.raises(
            RegistryError, match=rf"MLflow at {proxy.url} .*say which version of claimvet is champion: "
        ):
            champion_number()
        proxy.fail(1, how=how)
        with pytest.raises(
            RegistryError, match=rf"MLflow at {proxy.url} .*say which version of claimvet is champion: "
        ):
            stored_model(CHAMPION)
        proxy.fail(1, how=how)
        with pytest.raises(
            RegistryError, match=rf"MLflow at {proxy.url} .*say which version of claimvet is champion: "
        ):
            load_model()
    assert champion_number() == "1"


def test_a_model_that_is_not_handed_over_whole_is_told(proxy: FaultyProxy) -> None:
    load_model()  # the first time MLflow asks the server what it can do, and remembers it
    proxy.mend()
    load_model()
    for number in one_of_each(list(proxy.calls)):
        proxy.fail(number, how=403)
        with pytest.raises((RegistryError, ModelError), match=r"MLflow at|the model models:/claimvet@champion"):
            load_model()


def test_the_commands_say_it_in_one_sentence_on_stderr_and_exit_with_one(
    proxy: FaultyProxy, capfd: pytest.CaptureFixture[str]
) -> None:
    proxy.fails = lambda number, method, path: 403
    for command in (["promote"], ["rollback"]):
        assert main(command) == 1
        out, said = capfd.readouterr()
        assert out == ""
        assert said.count("\n") == 1
        asked = "say which version" if command == ["promote"] else "look for changes of the champion"
        assert said.startswith(f"claimvet: MLflow at {proxy.url} could not {asked} of claimvet ")
    proxy.stop()
    assert main(["promote"]) == 1
    assert f"MLflow at {proxy.url} cannot be reached to say which version" in capfd.readouterr().err


def test_mlflows_own_lines_never_reach_stdout(proxy: FaultyProxy, capfd: pytest.CaptureFixture[str]) -> None:
    promote_second()
    assert capfd.readouterr() == ("", "")


def test_a_silent_server_is_given_up(proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    proxy.fails = lambda number, method, path: "silent"
    with pytest.raises(RegistryError, match="cannot be reached to say which version of claimvet is champion: "):
        champion_number()
