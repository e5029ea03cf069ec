"""The demo goes the whole way in its own directory, and what it says at the end is so."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from claimvet.models.registry.own_store import own_store
from claimvet.pipeline.params import Params
from claimvet.pipeline.stages.demo import DemoReport, Places, run_demo, show
from tests.models.registry.stores import new_store

# DuckDB 2 drops columns in place where it makes a frame of times with a zone
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.drop:pandas.errors.Pandas4Warning")

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    return Places(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def report(places: Places) -> DemoReport:
    return run_demo(places.root, Params(), claims=700, seed=3, now=NOW)


@pytest.mark.slow
def test_the_later_quarter_is_scored_and_evaluated_by_the_truth(report: DemoReport, places: Places) -> None:
    later, scores = pd.read_parquet(places.later_claims), pd.read_parquet(places.scores)
    known = pd.read_parquet(places.known / "claims.parquet")
    assert report.claims == len(later) == 175
    assert scores["claim_id"].tolist() == later["claim_id"].tolist()
    assert known["filed_at"].max() < later["filed_at"].min()
    assert (pd.read_parquet(places.known / "outcomes.parquet")["decided_at"] < later["filed_at"].min()).all()


@pytest.mark.slow
def test_the_scoreboard_and_the_page_say_the_same(report: DemoReport, capsys: pytest.CaptureFixture[str]) -> None:
    page = report.page.read_text(encoding="utf-8")
    show(report)
    printed = capsys.readouterr().out
    for tile in report.tiles:
        assert tile.value in page
        assert tile.value in printed
        assert f"{tile.name}: {tile.value}" in str(report)
    assert str(report.page) in printed.replace("\n", "")


@pytest.mark.slow
def test_the_demo_keeps_to_its_own_directory(report: DemoReport, places: Places) -> None:
    assert report.page.is_relative_to(places.root)
    assert (places.root / "mlflow.db").is_file()
    assert list((places.root / "mlruns").rglob("model.json"))
    assert (places.validation / "index.html").is_file()
    assert not [path for path in places.root.rglob("*") if path.name.endswith(".part")]


def test_the_store_of_the_environment_is_back_afterwards(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_store(tmp_path_factory, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")
    with own_store(tmp_path):
        assert os.environ["MLFLOW_TRACKING_URI"] == f"sqlite:///{tmp_path / 'mlflow.db'}"
        assert mlflow.get_tracking_uri() == f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert os.environ["MLFLOW_TRACKING_URI"] == "sqlite:///elsewhere.db"
    assert mlflow.get_tracking_uri() == "sqlite:///elsewhere.db"


def test_no_store_in_the_environment_is_none_afterwards(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_store(tmp_path_factory, tmp_path / "mlflow.db")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with own_store(tmp_path):
        pass
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert mlflow.get_tracking_uri() != ""
