"""A real MLflow server fails one call at a time: exit status, alias and record agree, whichever call it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from claimvet.data.contract.errors import ModelError, RegistryError
from claimvet.models.registry.lifecycle import Entry, Event, champion_number, promote_version, record, roll_back
from claimvet.models.registry.mlflow_store import mlflow_client
from claimvet.models.registry.model_store import CHALLENGER, CHAMPION, NAME
from claimvet.models.registry.registry import CARD_FILE, load_model, register, stored_model
from claimvet.pipeline.cli.main import main
from tests.models.registry.champions import make_champion
from tests.models.registry.mlflow_server import Failure, FaultyProxy, MlflowServer
from tests.models.registry.stores import new_store
from tests.scoring_service.endpoint.small_model import small_model

pytestmark = [pytest.mark.slow, pytest.mark.server]
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
KINDS: tuple[Failure, ...] = (403, 500, "closed", 404)
State = tuple[dict[str, str], list[dict[str, str]], list[Entry]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A server that holds two versions: the first is champion, the second challenger."""
    root = tmp_path_factory.mktemp("served")
    (root / "evaluation").mkdir()
    (root / "evaluation" / CARD_FILE).write_text("For tests.\n")
    new_store(tmp_path_factory, root / "served.db")
    served = MlflowServer(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", served.url)
        for seed in (1, 2):
            number = register(small_model(seed), root / "evaluation", {}, {}, {})
            if seed == 1:
                make_champion(number)
    yield served
    served.stop()


@pytest.fixture
def proxy(server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    """Every call of this process goes through it, and none is repeated; at the end the store is as at the beginning."""
    kept = server.keep(tmp_path / "kept.db")
    between = FaultyProxy(server.port)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", between.url)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    yield between
    between.stop()
    server.restore(kept)


def state(proxy: FaultyProxy) -> State:
    """Aliases, tags of all versions, and the record, as the server has them."""
    proxy.mend()
    with mlflow_client("show it") as client:
        aliases = {name: str(number) for name, number in client.get_registered_model(NAME).aliases.items()}
        versions = sorted(client.search_model_versions(f"name = '{NAME}'"), key=lambda one: int(one.version))
        tags = [dict(version.tags) for version in versions]
    entries = record()
    proxy.mend()
    return aliases, tags, entries


def one_of_each(calls: list[str]) -> list[int]:
    """The place of the first and of the last call of each kind; files of artifacts are of one kind."""
    kinds = [call.split("/mlflow-artifacts/")[0].split("/logged-models/")[0] for call in calls]
    places = [[number for number, kind in enumerate(kinds, 1) if kind == each] for each in dict.fromkeys(kinds)]
    return sorted({place for each in places for place in (each[0], each[-1])})


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
    kept = server.keep(tmp_path / "first.db")
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
    aliases, _, entries = state(proxy)
    assert aliases[CHAMPION] == "1"
    assert entries[-1].number == "2"


def test_a_rollback_happens_with_its_record_or_not_at_all_whichever_call_fails(
    server: MlflowServer, proxy: FaultyProxy, tmp_path: Path
) -> None:
    promote_second()
    kept, before = server.keep(tmp_path / "second.db"), state(proxy)
    assert roll_back(by="Ada", now=NOW) == ("2", "1")
    chosen = one_of_each(proxy.calls)
    assert state(proxy)[2][-1].event is Event.ROLLED_BACK
    server.restore(kept)
    for number in chosen:
        proxy.fail(number, how=KINDS[number % len(KINDS)])
        with pytest.raises(RegistryError, match=rf"MLflow at {proxy.url} "):
            roll_back(by="Ada", now=NOW)
        assert state(proxy) == before, f"call {number}"


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


def test_each_kind_of_call_of_a_training_fails_without_a_new_challenger(
    server: MlflowServer, proxy: FaultyProxy, tmp_path: Path
) -> None:
    (tmp_path / CARD_FILE).write_text("For tests.\n")
    kept, before = server.keep(tmp_path / "first.db"), state(proxy)
    register(small_model(3), tmp_path, {"a": 1}, {"b": 2.0}, {"c": "d"})
    chosen = one_of_each(proxy.calls)
    server.restore(kept)
    assert state(proxy)[:2] == before[:2]
    for number in chosen:
        proxy.fail(number, how=403)
        with pytest.raises(RegistryError, match="no version was registered, and the challenger is as it was"):
            register(small_model(3), tmp_path, {"a": 1}, {"b": 2.0}, {"c": "d"})
        assert state(proxy)[:2] == before[:2], number


def test_the_commands_say_it_in_one_sentence_on_stderr_and_exit_with_one(
    proxy: FaultyProxy, capfd: pytest.CaptureFixture[str]
) -> None:
    proxy.fails = lambda number, method, path: 403
    for command in (["promote"], ["rollback"]):
        assert main(command) == 1
        out, said = capfd.readouterr()
        assert out == ""
        assert said.count("\n") == 1
        assert said.startswith(f"claimvet: MLflow at {proxy.url} could not say which version of claimvet is ")
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
