"""A model is taken after it was verified; one that fails changes nothing, and is not fetched again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimvet.data.contract.errors import ModelError, RegistryError
from claimvet.models.registry.model_store import Fetched
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.models.scoring.scoring import RowScorer
from claimvet.pipeline.cli import serving
from claimvet.scoring_service.model_loading import loaded_model
from claimvet.scoring_service.model_loading.fetching import Fetching
from claimvet.scoring_service.model_loading.loaded_model import (
    CHAMPION_URI,
    LOOKS_BEFORE_AGAIN,
    ModelReloader,
    load_verified,
    smoke_row,
    verified,
)
from tests.scoring_service.endpoint.small_model import saved, small_model


def test_a_reloader_takes_a_model_once_and_the_next_one_when_the_address_names_it(tmp_path: Path, model: Path) -> None:
    reloader = ModelReloader(str(model))
    assert reloader.problem == "it is being loaded"
    assert reloader.refresh()
    assert not reloader.refresh()
    assert reloader.loaded is not None
    assert reloader.loaded.version == ClaimModel.load(model).version
    reloader.uri = str(saved(small_model(2), tmp_path / "two"))
    assert reloader.refresh()
    assert reloader.loaded.version == small_model(2).version


def test_the_first_look_may_have_begun_before(model: Path) -> None:
    reloader = ModelReloader("models:/claimvet@champion", Fetching(str(model)))
    assert reloader.refresh()
    assert reloader.loaded is not None
    assert reloader.loaded.uri == str(model)


def test_a_version_that_was_not_taken_is_left_alone_for_some_looks(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    reloader = ModelReloader(str(model))
    reloader.refresh()
    broken = saved(small_model(2), tmp_path / "broken")
    reloader.uri = str(broken)
    (broken / "frivolous.txt").write_text("no booster")
    loaded = ClaimModel.load

    def watched(path: Path) -> ClaimModel:
        looks.append(path)
        return loaded(path)

    monkeypatch.setattr(ClaimModel, "load", watched)
    for _ in range(LOOKS_BEFORE_AGAIN + 1):
        assert not reloader.refresh()
        assert reloader.problem
    assert len(looks) == 1
    assert reloader.loaded is not None
    assert reloader.loaded.uri == str(model)
    saved(small_model(2), tmp_path / "broken")
    assert reloader.refresh()
    assert reloader.problem is None


def test_a_model_of_another_hash_is_refused(model: Path) -> None:
    with pytest.raises(ModelError, match=r"has the hash [0-9a-f]+, expected another as the registry says"):
        load_verified(Fetched("models:/claimvet/7", model, "another"))


def test_a_model_whose_rows_and_frames_disagree_is_refused(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities = RowScorer.probabilities
    monkeypatch.setattr(RowScorer, "probabilities", lambda self, raw: probabilities(self, raw)[:, ::-1])
    with pytest.raises(ModelError, match="to a usual claim, expected shares of sum 1"):
        verified(str(model))


def test_the_smoke_row_has_every_input_of_the_model() -> None:
    grown = small_model(extra=("x_site",))
    row = smoke_row(grown)
    assert set(row) == set(grown.schema.names)
    assert row["claim_type"] in ("property_damage", "personal_injury")
    assert CHAMPION_URI == serving.CHAMPION_URI


DAMAGES = {
    "cut": lambda whole: whole[: len(whole) // 2],
    "empty": lambda whole: b"",
    "noise": lambda whole: bytes((byte * 31 + 7) % 256 for byte in whole),
    "empty_object": lambda whole: b"{}",
    "list": lambda whole: b"[1, 2]",
    "zeros": lambda whole: bytes(len(whole)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_whatever_is_damaged_in_a_model_is_told_and_the_one_before_goes_on(
    tmp_path: Path, model: Path, damage: str
) -> None:
    reloader = ModelReloader(str(model))
    assert reloader.refresh()
    for name in sorted(path.name for path in model.iterdir() if path.is_file()):
        place = saved(small_model(2), tmp_path / name)
        (place / name).write_bytes(DAMAGES[damage]((place / name).read_bytes()))
        reloader.uri = str(place)
        assert not reloader.refresh(), name
        assert str(place) in str(reloader.problem), name
        assert "\n" not in str(reloader.problem), name
    assert reloader.loaded is not None
    assert reloader.loaded.uri == str(model)
    assert reloader.has_looked


def test_only_who_was_told_that_there_is_no_model_has_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    nowhere = ModelReloader("models:/claimvet@champion")
    nowhere.refresh()
    assert nowhere.has_looked
    monkeypatch.setattr(loaded_model, "exact_uri", unreachable)
    unasked = ModelReloader("models:/claimvet@champion")
    unasked.refresh()
    assert not unasked.has_looked
    assert unasked.problem == "MLflow does not answer"


def unreachable(uri: str) -> str:
    raise RegistryError("MLflow does not answer")
