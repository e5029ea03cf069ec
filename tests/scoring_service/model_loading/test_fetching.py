"""A model on its way: what comes, and what is said where none does; nothing of it is left lying about."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from claimvet.data.contract.errors import ModelError, RegistryError
from claimvet.scoring_service.model_loading import fetching
from claimvet.scoring_service.model_loading.fetching import Fetching
from claimvet.scoring_service.model_loading.loaded_model import load_verified
from tests.scoring_service.endpoint.small_model import saved, small_model


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders lie, and no models are."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def test_a_directory_is_taken_where_it_lies(tmp_path: Path, scratch: Path) -> None:
    place = saved(small_model(), tmp_path / "model")
    begun = Fetching(str(place))
    found = begun.result()
    assert (found.uri, found.directory, found.expected) == (str(place), place, None)
    assert load_verified(found).version == small_model().version
    begun.close()
    assert list(scratch.iterdir()) == []
    assert place.is_dir()


def test_a_directory_without_a_model_is_said_with_its_address(tmp_path: Path) -> None:
    begun = Fetching(str(tmp_path))
    with pytest.raises(
        ModelError, match=f"the model {tmp_path} cannot be loaded: the directory {tmp_path} holds no whole"
    ):
        load_verified(begun.result())
    begun.close()


def test_a_model_that_is_not_there_is_said_in_a_sentence(scratch: Path) -> None:
    begun = Fetching("models:/claimvet@champion")
    with pytest.raises(ModelError, match=r"there is no model models:/claimvet@champion in sqlite:.*mlflow.db: "):
        begun.result()
    begun.close()
    assert list(scratch.iterdir()) == []


def test_a_model_that_takes_too_long_is_not_waited_for(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_SECONDS", 0.01)
    begun = Fetching("models:/claimvet@champion")
    with pytest.raises(RegistryError, match=r"the model models:/claimvet@champion did not come within 0\.01 seconds"):
        begun.result()
    begun.close()
    begun.close()
    assert list(scratch.iterdir()) == []


def test_a_fetching_that_breaks_down_is_said_by_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho first >&2\necho last words >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(fetching.sys, "executable", str(broken))
    begun = Fetching("models:/claimvet/1")
    with pytest.raises(ModelError, match=r"^the model models:/claimvet/1 could not be fetched: last words$"):
        begun.result()
    begun.close()


def test_one_that_has_ended_by_itself_leaves_no_pipe_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    fetching = Fetching("models:/claimvet@champion")
    process = fetching._process
    assert process is not None
    process.wait()
    fetching.close()
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.closed
    assert process.stderr.closed
