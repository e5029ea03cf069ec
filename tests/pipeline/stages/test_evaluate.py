"""Evaluation says what the evaluated claims say, whole or not at all, and the same each time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from claimvet.data.contract.errors import InvalidDataError, UsageError
from claimvet.data.contract.tables import LABELS, PROBABILITIES
from claimvet.data.contract.writing.output_directory import MARKER
from claimvet.models.metrics.evaluation import FOUND
from claimvet.pipeline.stages.evaluate import EvaluationReport, calibration, evaluate

WRITTEN = {"metrics.json", "intervals.csv", "slices.csv", "confusion.csv", "calibration.csv", "plots"}


def _evaluated(claims: int = 300) -> pd.DataFrame:
    """Claims whose labels are drawn from the very probabilities that a model answers: a calibrated model."""
    random = np.random.default_rng(5)
    p = random.dirichlet((1.0, 0.6, 0.6), claims)
    labels = [LABELS[random.choice(3, p=row)] for row in p]
    months = np.where(np.arange(claims) < claims / 2, "2026-01", "2026-02")
    frame = pd.DataFrame(np.hstack([p, p]), columns=[*PROBABILITIES, *FOUND])
    return frame.assign(label=labels, month=months, claim_type="property_damage", lane="seller")


@pytest.fixture
def evaluated(tmp_path: Path) -> Path:
    path = tmp_path / "evaluated.parquet"
    _evaluated().to_parquet(path)
    return path


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> EvaluationReport:
    folder = tmp_path_factory.mktemp("evaluated")
    _evaluated().to_parquet(folder / "evaluated.parquet")
    return evaluate(folder / "evaluated.parquet", folder / "evaluation", seed=1)


def test_everything_that_was_asked_for_is_written(report: EvaluationReport) -> None:
    assert {path.name for path in report.out.iterdir()} == {*WRITTEN, MARKER}
    assert len(list((report.out / "plots").glob("*.svg"))) >= 4


def test_the_figures_on_disk_are_those_of_the_report(report: EvaluationReport) -> None:
    assert json.loads((report.out / "metrics.json").read_text()) == pytest.approx(report.figures)
    assert report.claims == 300
    assert f"{report.figures['log_loss']:.4f}" in str(report)


def test_each_figure_lies_in_its_interval(report: EvaluationReport) -> None:
    proper = ("auc_valid", "log_loss", "brier", "accuracy")
    assert all(
        report.intervals.loc[name, "low"] < report.figures[name] < report.intervals.loc[name, "high"] for name in proper
    )


def test_the_same_claims_give_the_same_bytes(report: EvaluationReport, evaluated: Path, tmp_path: Path) -> None:
    first, second = report.out, evaluate(evaluated, tmp_path / "second", seed=1).out
    tables = [name for name in WRITTEN if name != "plots"]
    assert {name: (first / name).read_bytes() for name in tables} == {
        name: (second / name).read_bytes() for name in tables
    }


def test_a_calibrated_model_lies_near_the_diagonal() -> None:
    curve = calibration(_evaluated(20_000))
    well_filled = curve[curve["claims"] > 1_000]
    assert set(curve["label"]) == set(LABELS)
    assert (well_filled["p_mean"] - well_filled["share"]).abs().max() < 0.04


def test_an_earlier_evaluation_is_replaced_and_other_files_never(evaluated: Path, tmp_path: Path) -> None:
    out = tmp_path / "evaluation"
    for seed in (1, 2):
        evaluate(evaluated, out, seed=seed)
    assert {path.name for path in out.iterdir()} == {*WRITTEN, MARKER}
    for folder in (tmp_path, evaluated.parent):
        with pytest.raises(UsageError, match=r"which this command reads|which claimvet did not write"):
            evaluate(evaluated, folder, seed=1)
    assert {path.name for path in tmp_path.iterdir()} == {"evaluation", "evaluated.parquet"}


def test_a_missing_file_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"evaluated claims .*nowhere\.parquet do not exist"):
        evaluate(tmp_path / "nowhere.parquet", tmp_path / "evaluation", seed=1)


def test_a_file_that_is_no_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "evaluated.parquet").write_text("no table")
    with pytest.raises(InvalidDataError, match=r"evaluated\.parquet is no Parquet file"):
        evaluate(tmp_path / "evaluated.parquet", tmp_path / "evaluation", seed=1)


def test_missing_columns_are_named(tmp_path: Path) -> None:
    _evaluated().drop(columns=["label", "p_abusive"]).to_parquet(tmp_path / "evaluated.parquet")
    with pytest.raises(InvalidDataError, match="lacks the columns label, p_abusive"):
        evaluate(tmp_path / "evaluated.parquet", tmp_path / "evaluation", seed=1)


def test_no_claim_is_no_evaluation(tmp_path: Path) -> None:
    _evaluated().head(0).to_parquet(tmp_path / "evaluated.parquet")
    with pytest.raises(InvalidDataError, match="holds no claim"):
        evaluate(tmp_path / "evaluated.parquet", tmp_path / "evaluation", seed=1)
    assert not (tmp_path / "evaluation").exists()
