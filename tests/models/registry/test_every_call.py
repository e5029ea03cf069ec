"""Each call of `rollback`, `train`, `score` and `serve` fails in turn, in one way after the other: status, alias and record agree.

Of the calls of a training only the first of each kind fails. With `CLAIMVET_EVERY_FAILURE=1` in the
environment every call fails in every way, which takes minutes.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from claimvet.data.contract.errors import ModelError, RegistryError
from claimvet.models.registry import model_store
from claimvet.models.registry.lifecycle import Event
from claimvet.models.registry.model_store import CHALLENGER, CHAMPION, NAME, Fetched
from claimvet.models.registry.registry import CARD_FILE, register
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.pipeline.cli.main import main
from claimvet.scoring_service.model_loading import loaded_model
from claimvet.scoring_service.model_loading.fetching import Fetching, _said
from claimvet.scoring_service.model_loading.loaded_model import CHAMPION_URI, ModelReloader
from tests.models.registry.champions import make_champion
from tests.models.registry.mlflow_server import Failure, FaultyProxy, MlflowServer, State, kinds_of, state
from tests.pipeline.stages.small_scoring import claims_file
from tests.scoring_service.endpoint.small_model import small_model

pytestmark = [pytest.mark.slow, pytest.mark.server]
WAYS: tuple[Failure, ...] = (403, "closed", 500, "html", 404, "lost")


EVERY = bool(os.environ.get("CLAIMVET_EVERY_FAILURE"))


def failures(numbers: Sequence[int]) -> Iterator[tuple[int, Failure]]:
    """The number of each call, and a way in which it fails."""
    for place, number in enumerate(numbers):
        yield from ((number, how) for how in (WAYS if EVERY else (WAYS[place % len(WAYS)],)))


def first_of_each(calls: list[str]) -> list[int]:
    """The place of the first call of each kind; files of artifacts are of one kind."""
    return sorted({name: place for place, name in reversed(list(enumerate(kinds_of(calls), 1)))}.values())


def each(calls: list[str]) -> Sequence[int]:
    return range(1, len(calls) + 1)


def assert_one_sentence(said: str, proxy: FaultyProxy) -> None:
    assert said.count("\n") == 1, said
    assert said.startswith(f"claimvet: MLflow at {proxy.url} c"), said  # could not, or cannot be reached to
    assert "unexpected" not in said


@pytest.fixture
def second_is_champion(proxy: FaultyProxy) -> State:
    make_champion("2")
    return state(proxy)


def test_a_rollback_happens_with_its_record_or_not_at_all_whichever_call_fails(
    second_is_champion: State,
    server: MlflowServer,
    proxy: FaultyProxy,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    kept, before = server.keep(tmp_path / "before.db"), second_is_champion
    assert main(["rollback", "--by", "Ada"]) == 0
    calls, after = list(proxy.calls), state(proxy)
    assert (after[0][CHAMPION], after[2][-1].event) == ("1", Event.ROLLED_BACK)
    server.restore(kept)
    for number, how in failures(each(calls)):
        capfd.readouterr()
        proxy.fail(number, how=how)
        status, found = main(["rollback", "--by", "Ada"]), state(proxy)
        if status == 0:  # MLflow has said since that the alias was given; or it took a page for a receipt of the text
            assert (calls[number - 1].split("/")[-1], how) in [("alias", "lost"), ("why.txt", "html")]
            assert found[:1] == after[:1]
            assert len(found[2]) == len(after[2])
            server.restore(kept)
        else:
            assert (status, found) == (1, before), (number, how)
            assert_one_sentence(capfd.readouterr().err, proxy)


def test_a_training_registers_a_version_as_challenger_or_none_whichever_call_fails(
    server: MlflowServer, proxy: FaultyProxy, tmp_path: Path
) -> None:
    (tmp_path / CARD_FILE).write_text("For tests.\n")
    model, kept, before = small_model(3), server.keep(tmp_path.parent / "before.db"), state(proxy)
    number, said = registered(model, tmp_path)
    calls = list(proxy.calls)
    assert number is not None, said
    server.restore(kept)
    for place, how in failures(each(calls) if EVERY else first_of_each(calls)):
        proxy.fail(place, how=how)
        number, said = registered(model, tmp_path)
        if number is None:
            assert said.startswith(f"MLflow at {proxy.url} "), (place, how)
            assert said.endswith("no version was registered, and the challenger is as it was"), (place, how)
        else:  # a question that MLflow can do without, or an answer that nobody needs
            assert state(proxy)[0][CHALLENGER] == number
            server.restore(kept)
        assert state(proxy) == before, (place, how)


def registered(model: ClaimModel, evaluation: Path) -> tuple[str | None, str]:
    try:
        return register(model, evaluation, {"a": 1}, {"b": 2.0}, {"c": "d"}), ""
    except RegistryError as error:
        return None, str(error)


def test_a_scoring_writes_all_or_nothing_whichever_call_fails(
    proxy: FaultyProxy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    file, out = claims_file(work / "data"), work / "scores.csv"
    command = ["score", "--data", str(file.parent), "--claims", str(file), "--out", str(out)]
    before = state(proxy)
    assert main(command) == 0, capfd.readouterr().err
    whole, calls = out.read_bytes().count(b"\n"), list(proxy.calls)
    for number, how in failures(each(calls)):
        out.unlink(missing_ok=True)
        (work / "scores.safety_alerts.csv").unlink(missing_ok=True)
        capfd.readouterr()
        proxy.fail(number, how=how)
        status, said = main(command), capfd.readouterr().err
        if status == 0:
            assert out.read_bytes().count(b"\n") == whole
        else:
            assert (status, sorted(path.name for path in work.iterdir())) == (1, ["data"]), (number, how)
            assert is_told(said.removesuffix("\n"), proxy), (number, how, said)
    assert state(proxy) == before


class HereFetching(Fetching):
    """Does in this process what the server's own process for it does, so that each call can fail without a start of MLflow."""

    def __init__(self, uri: str) -> None:
        self._fetched = uri
        super().__init__("/")  # a directory: no process is started

    def result(self) -> Fetched:
        with redirect_stdout(io.StringIO()) as out, pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["fetch", self._fetched, self._folder.name])
            model_store.main()
        found = _said(self._fetched, out.getvalue())
        if "problem" in found:
            raise (RegistryError if found["kind"] == "registry" else ModelError)(found["problem"])
        return Fetched(found["uri"], Path(found["directory"]), found["expected"])


def test_a_server_starts_with_the_champion_or_says_why_not_whichever_call_fails(
    proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded_model, "Fetching", HereFetching)
    first, before = ModelReloader(CHAMPION_URI), state(proxy)
    assert first.refresh(), first.problem
    assert first.loaded is not None
    calls = list(proxy.calls)
    for number, how in failures(each(calls)):
        proxy.fail(number, how=how)
        starts = ModelReloader(CHAMPION_URI)
        if not starts.refresh():
            assert starts.loaded is None, (number, how)
            assert is_told(str(starts.problem), proxy), (number, how, starts.problem)
            starts = ModelReloader(CHAMPION_URI)  # which has not to be patient
            proxy.mend()
            assert starts.refresh(), (number, how, starts.problem)
        assert starts.loaded is not None
        assert starts.loaded.version == first.loaded.version
    assert state(proxy) == before


def test_a_server_keeps_its_model_until_the_next_one_has_come_whole(
    proxy: FaultyProxy, second_is_champion: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded_model, "Fetching", HereFetching)
    old, new = loaded_model.verified("models:/claimvet/1"), ModelReloader(CHAMPION_URI)
    proxy.mend()
    assert new.refresh(), new.problem
    for number, how in failures(each(list(proxy.calls))):
        proxy.fail(number, how=how)
        follows = ModelReloader(CHAMPION_URI, loaded=old, problem=None)
        if not follows.refresh():
            assert follows.loaded is old, (number, how)
            assert is_told(str(follows.problem), proxy), (number, how, follows.problem)
            follows = ModelReloader(CHAMPION_URI, loaded=old, problem=None)  # which has not to be patient
            proxy.mend()
            assert follows.refresh(), (number, how, follows.problem)
        assert follows.loaded is not None
        assert new.loaded is not None
        assert follows.loaded.version == new.loaded.version
    assert state(proxy) == second_is_champion


def is_told(problem: str, proxy: FaultyProxy) -> bool:
    """Whether it names the store or the model, in one line of ours."""
    named = f"MLflow at {proxy.url}" in problem or f"models:/{NAME}" in problem
    return named and "unexpected" not in problem and "\n" not in problem
