"""Infinite numbers are missing everywhere: an `x_` column with them is read as one with nulls, from training to reasons and drift."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from claimvet.models.assessment.drift import drift
from claimvet.models.assessment.leaks import strongest_input
from claimvet.models.explain.reasons import explain
from claimvet.models.learning.training import Training
from claimvet.models.learning.training_data import TrainingData
from claimvet.models.parameters import MonitorParams
from claimvet.models.scoring.scoring import RowScorer
from claimvet.pipeline.stages.train import write_evaluation
from tests.models.small_world import small_world, trained


def world(missing: tuple[float, ...]) -> TrainingData:
    """A third of the rows of `x_noise` are one of `missing`, in turn."""
    data = small_world()
    values = data.features["x_noise"].to_numpy(copy=True)
    values[::3] = np.resize(missing, len(values[::3]))
    return replace(data, features=data.features.assign(x_noise=values))


@pytest.fixture(scope="module")
def infinite() -> TrainingData:
    return world((np.inf, -np.inf, np.nan))


@pytest.fixture(scope="module")
def from_infinite(infinite: TrainingData) -> Training:
    return trained(infinite)


@pytest.mark.slow
def test_training_reads_infinite_numbers_as_nulls_to_the_byte(from_infinite: Training) -> None:
    assert from_infinite.model.version == trained(world((np.nan,))).model.version
    assert all(np.isfinite(from_infinite.model.reference_ranges["x_noise"]))


@pytest.mark.slow
def test_the_evaluation_and_its_card_are_written(from_infinite: Training, tmp_path: Path) -> None:
    write_evaluation(from_infinite, tmp_path, seed=1)
    assert "inf" not in json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert " inf" not in (tmp_path / "model_card.md").read_text(encoding="utf-8")


def test_scores_and_reasons_know_no_infinite_number_by_batch_and_by_row(
    from_infinite: Training, infinite: TrainingData
) -> None:
    model, rows = from_infinite.model, infinite.features.head(60)
    nulls = rows.replace([np.inf, -np.inf], np.nan)
    pd.testing.assert_frame_equal(model.probabilities(rows), model.probabilities(nulls), rtol=0, atol=0)
    told = explain(model, rows)
    assert told == explain(model, nulls)
    assert any(reason.value is None for reasons in told for reason in reasons if reason.feature == "x_noise")
    scorer, records = RowScorer(model), rows.to_dict("records")
    matrix = scorer.encode(records)
    raw = scorer.raw_scores(matrix)
    by_row = scorer.reasons(matrix, raw, scorer.probabilities(raw), records)
    json.dumps([reason.value for reasons in by_row for reason in reasons], allow_nan=False)


def test_drift_and_leaks_read_infinite_numbers_as_nulls(infinite: TrainingData) -> None:
    values, labels = infinite.features["x_noise"], pd.Series(np.resize(["valid", "abusive"], len(infinite.features)))
    nulls = values.replace([np.inf, -np.inf], np.nan)
    with_infinite = drift("x_noise", values.iloc[:500], values.iloc[500:], MonitorParams())
    assert with_infinite == drift("x_noise", nulls.iloc[:500], nulls.iloc[500:], MonitorParams())
    assert strongest_input(values.to_frame(), labels) == strongest_input(nulls.to_frame(), labels)
