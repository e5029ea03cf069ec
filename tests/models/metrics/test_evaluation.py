"""Figures against what they mean, by hand and by law."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from claimvet.models.assessment.plots import PLOTS, write_plots
from claimvet.models.learning.training import Training
from claimvet.models.learning.training_data import TrainingData
from claimvet.models.metrics.evaluation import (
    FOUND,
    METRICS,
    by_slice,
    calibration_curve,
    confusion,
    evaluated_frame,
    figures,
    intervals,
)
from claimvet.models.policy.policy import Policy
from tests.examples import examples


def evaluated(rows: list[tuple[str, float, float, float]], **columns: object) -> pd.DataFrame:
    """An evaluated frame whose deciders never err."""
    names = ["label", "p_valid", "p_frivolous", "p_abusive"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(**dict(zip(FOUND, (frame[name] for name in names[1:]), strict=True)), **columns)


PERFECT = [("valid", 0.98, 0.01, 0.01), ("frivolous", 0.01, 0.98, 0.01), ("abusive", 0.01, 0.01, 0.98)]


def test_figures_by_hand() -> None:
    found = figures(evaluated(PERFECT))
    assert found["auc_valid"] == found["auc_abusive"] == found["accuracy"] == 1.0
    assert found["log_loss"] == pytest.approx(-np.log(0.98))
    assert found["brier"] == pytest.approx(0.02**2 + 2 * 0.01**2)
    assert found["calibration_error"] == pytest.approx((0.02 + 2 * 0.01) / 3)


@settings(max_examples=examples(40))
@given(st.lists(st.tuples(st.sampled_from([0.1, 0.4, 0.7, 0.9]), st.booleans()), min_size=2, max_size=40))
def test_areas_are_those_of_scikit_learn_ties_and_all(rows: list[tuple[float, bool]]) -> None:
    score, is_so = (np.array(column) for column in zip(*rows, strict=True))
    if 0 < is_so.sum() < len(is_so):
        p, y = np.column_stack([score, 1 - score, 0 * score]), np.where(is_so, 0, 1)
        assert METRICS["auc_valid"](p, y) == pytest.approx(roc_auc_score(is_so, score))
        assert METRICS["average_precision_valid"](p, y) == pytest.approx(average_precision_score(is_so, score))


def test_a_figure_that_cannot_be_is_nan() -> None:
    only_valid = figures(evaluated([("valid", 0.9, 0.05, 0.05), ("valid", 0.8, 0.1, 0.1)]))
    assert np.isnan(only_valid["auc_valid"])
    assert np.isnan(only_valid["auc_abusive"])
    assert np.isfinite(only_valid["log_loss"])
    assert all(np.isnan(value) for value in figures(evaluated([])).values())


def test_errors_of_the_decider_are_reckoned_with_in_log_loss_but_do_not_rank() -> None:
    frame = evaluated(PERFECT * 2).assign(found_valid=1 / 3, found_frivolous=1 / 3, found_abusive=1 / 3)
    assert figures(frame)["log_loss"] == pytest.approx(np.log(3))
    assert figures(frame)["auc_valid"] == 1.0


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_the_calibration_curve_counts_every_claim_once(rows: list[tuple[float, bool]]) -> None:
    probability, is_so = (np.array(column) for column in zip(*rows, strict=True))
    curve = calibration_curve(probability.astype(np.float64), is_so)
    assert curve["claims"].sum() == len(rows)
    assert (curve["claims"] * curve["p_mean"]).sum() == pytest.approx(probability.sum())
    assert (curve["claims"] * curve["share"]).sum() == pytest.approx(is_so.sum())


def test_intervals_hold_the_figures_and_narrow_with_more_claims(training: Training) -> None:
    found, figure = intervals(training.evaluated, seed=1), figures(training.evaluated)
    assert ((found["low"] <= found["high"]) & (found["low"] > -1)).all()
    assert found.loc["log_loss", "low"] < figure["log_loss"] < found.loc["log_loss", "high"]
    four_times = intervals(pd.concat([training.evaluated] * 4), seed=1)
    width = found["high"] - found["low"]
    assert (four_times["high"] - four_times["low"])["log_loss"] < width["log_loss"] * 0.75


def test_slices_part_the_claims_and_thin_ones_are_left_out(training: Training) -> None:
    table = by_slice(training.evaluated)
    new = table[table["slice"] == "is_new_customer"]
    counted = training.evaluated["is_new_customer"].value_counts()
    assert new["findings"].sum() == counted[counted >= 30].sum() > 60
    assert (table["findings"] >= 30).all()
    assert set(METRICS) <= set(table.columns)


def test_confusion_counts_found_labels_in_rows() -> None:
    counts = confusion(evaluated([*PERFECT, ("abusive", 0.9, 0.05, 0.05)]))
    assert counts.loc["abusive", "valid"] == 1
    assert counts.to_numpy().trace() == 3


def test_a_claim_is_in_the_lane_of_the_policy_and_a_customer_without_findings_is_new(
    data: TrainingData,
) -> None:
    claims = data.claims.iloc[:2].assign(amount_claimed=[249.99, np.nan])
    findings = pd.DataFrame({"label": "valid", "decided_by": "expert"}, index=claims.index)
    p = pd.DataFrame({"p_valid": 0.5, "p_frivolous": 0.3, "p_abusive": 0.2}, index=claims.index)
    frame = evaluated_frame(
        claims, findings, p, np.zeros(2), {claims["customer_id"].iloc[0]}, Policy(concession_limit_usd=250.0)
    )
    assert frame["lane"].tolist() == ["concession", "seller"]  # 500 dollars stand in for an amount that is not stated
    assert frame["is_new_customer"].tolist() == [False, claims["customer_id"].iloc[1] != claims["customer_id"].iloc[0]]


@pytest.mark.parametrize("name", list(PLOTS))
def test_every_plot_is_drawn_of_full_and_of_one_sided_claims(training: Training, name: str) -> None:
    for frame in (training.evaluated, training.evaluated[training.evaluated["label"] == "valid"]):
        assert ElementTree.fromstring(PLOTS[name](frame).file()) is not None


def test_plots_are_written_and_none_where_nothing_was_evaluated(training: Training, tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    assert len(write_plots(training.evaluated, folder)) == len(PLOTS) == len(list(folder.glob("*.svg")))
    assert write_plots(training.evaluated.iloc[:0], folder / "none") == []
