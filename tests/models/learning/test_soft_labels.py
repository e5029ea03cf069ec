"""What the boosters are taught: sure findings keep their label, doubtful ones get a soft one, unchecked claims a predicted one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.data.contract.tables import LABELS
from claimvet.models.learning.boosters import TrainingSet
from claimvet.models.learning.soft_labels import (
    FOLDS,
    MIN_FINDINGS,
    STRETCHES,
    OutOfFold,
    folds_of,
    hard_labels,
    out_of_fold,
    soft_labels,
)
from claimvet.models.learning.training import train_model
from claimvet.models.metrics.label_noise import true_shares
from tests.models.small_world import POLICY, QUICK, SPLIT, small_world


def world(rows: int, wrong: float, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """Clear-cut claims, their truth, and findings of which a share is wrong."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, rows)
    matrix = pd.DataFrame({"a": truth + random.normal(0, 0.1, rows), "b": random.normal(size=rows)})
    found = np.where(random.random(rows) < wrong, random.integers(0, 3, rows), truth)
    return matrix, truth, pd.DataFrame({"label": np.array(LABELS)[found], "decided_by": "expert"})


def taught(
    matrix: pd.DataFrame, findings: pd.DataFrame, unchecked: pd.DataFrame, weight: float
) -> tuple[TrainingSet, OutOfFold]:
    """What boosters learn of findings and unchecked claims, and what those of other folds say of them; 20 trees each."""
    hard = hard_labels(matrix, list(findings["label"]), [0, 0])
    scores = out_of_fold(hard, unchecked, {"frivolous": 40, "abusive": 40}, replace(QUICK, learning_rate=0.1))
    return soft_labels(hard, findings, unchecked, scores, weight), scores


def test_a_finding_that_all_else_contradicts_is_doubted_and_the_others_stand() -> None:
    matrix, truth, findings = world(900, wrong=0.1)
    training_set, _ = taught(matrix, findings, matrix.iloc[:0], 0.5)
    right = (findings["label"] == np.array(LABELS)[truth]).to_numpy()
    believed = training_set.labels[np.arange(900), [LABELS.index(label) for label in findings["label"]]]
    assert believed[right].mean() > 0.95
    assert believed[~right].mean() < 0.35
    np.testing.assert_allclose(training_set.labels.sum(axis=1), 1.0)


def test_unchecked_claims_train_with_predicted_labels_at_their_weight() -> None:
    matrix, _, findings = world(600, wrong=0.05)
    unchecked, truth, _ = world(300, wrong=0.0, seed=2)
    training_set, _ = taught(matrix, findings, unchecked, 0.25)
    assert len(training_set.matrix) == len(training_set.labels) == 900
    assert training_set.weight[600:].tolist() == [0.25] * 300
    assert (training_set.labels[600:].argmax(axis=1) == truth).mean() > 0.97


@given(st.integers(0, 2_000))
def test_folds_are_stretches_of_time_of_equal_size(findings: int) -> None:
    folds = folds_of(findings)
    assert len(folds) == findings
    assert set(folds.tolist()) == set(range(FOLDS)) or findings < STRETCHES
    sizes = np.bincount(folds, minlength=FOLDS)
    assert sizes.max() - sizes.min() <= STRETCHES // FOLDS
    assert np.count_nonzero(np.diff(folds)) == max(min(findings, STRETCHES) - 1, 0)


def test_what_a_stretch_of_time_has_to_itself_is_no_knowledge_of_the_claims_to_come() -> None:
    rows = 1_200
    random = np.random.default_rng(5)
    week = np.arange(rows) // 25
    label = random.integers(0, 3, week.max() + 1)[week]  # of each week all the same, whatever else
    matrix = pd.DataFrame({"week": week.astype(np.float64), "b": random.normal(size=rows)})
    findings = pd.DataFrame({"label": np.array(LABELS)[label], "decided_by": "expert"})
    _, scores = taught(matrix, findings, matrix.iloc[:0], 0.5)
    fits = np.corrcoef(scores.findings["abusive"], label == LABELS.index("abusive"))[0, 1]
    assert abs(fits) < 0.35  # dealt in single findings, the boosters know the weeks, and it is 0.52


def test_few_findings_keep_hard_labels() -> None:
    matrix, _, findings = world(MIN_FINDINGS - 1, wrong=0.2)
    training_set, _ = taught(matrix, findings, matrix, 1.0)
    plain = hard_labels(matrix, list(findings["label"]), [0, 0])
    np.testing.assert_array_equal(training_set.labels, plain.labels)


@given(st.floats(0.01, 0.98), st.floats(0.001, 0.45), st.integers(0, 2))
def test_a_finding_never_makes_its_label_less_likely(p: float, lapse: float, label: int) -> None:
    before = np.array([[p, (1 - p) / 2, (1 - p) / 2]])
    after = true_shares(before, np.array([label]), np.array([lapse]), np.array([0.6, 0.2, 0.2]))
    assert after[0, label] >= before[0, label] - 1e-12
    assert abs(after.sum() - 1) < 1e-12


def test_a_question_leaves_out_what_has_no_part_in_it() -> None:
    training_set = hard_labels(pd.DataFrame({"a": [1.0, 2.0, 3.0]}), ["valid", "frivolous", "abusive"], [0])
    rows, target, weight = training_set.binary_target("abusive")
    assert rows.tolist() == [True, False, True]
    assert target.tolist() == [0.0, 1.0]
    assert weight.tolist() == [1.0, 1.0]


@pytest.mark.slow
def test_what_a_concession_is_called_is_never_read_but_its_inputs_teach() -> None:
    data, quick = small_world(400), replace(QUICK, num_boost_round=8, unchecked_per_finding=1.0)
    lying = data.outcomes.copy()
    paid = lying["decided_by"] == "concession"
    lying.loc[paid, "label"] = "abusive"
    looked_at = replace(data, outcomes=data.outcomes[~paid])
    called_abusive = replace(data, outcomes=lying[~paid | (lying["label"] == "valid")])
    first = train_model(looked_at, SPLIT, quick, POLICY).model.version
    assert train_model(called_abusive, SPLIT, quick, POLICY).model.version == first
    alone = train_model(looked_at, SPLIT, replace(quick, unchecked_per_finding=0.0), POLICY).model.version
    assert alone != first
