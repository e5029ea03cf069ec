"""What the boosters are taught: soft labels, the posterior of each finding, and predicted probabilities for unchecked claims.

A finding is evidence, not truth. Boosters that were grown on the other folds say what they make of a claim; with how lapse its decider
is (`models.metrics.label_noise`), Bayes gives each label's probability, and that is what the final boosters learn. Claims without a
finding, above all those that were paid unseen, teach too: with the probabilities that the same boosters give them, at a lower weight
(self-training; the label of a concession is never read). docs/decisions has what both gain where the truth is known, and what weights for
who gets investigated gain beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from claimvet.data.contract.tables import LABELS
from claimvet.models.metrics.label_noise import BOOSTER_LABELS, Findings, fit, shares_of, true_shares
from claimvet.models.scoring.claim_model import raw_scores

FloatArray = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Boosters = tuple[lgb.Booster, lgb.Booster]

FOLDS = 3
"""Folds of the findings, whose soft labels come from boosters of the others."""
STRETCHES = 6
"""Stretches of time, each with as many findings, that the folds take in turn: what predicts a finding has not seen most of its
neighbours in time, as a model has not seen the months that it will score (docs/decisions/0019)."""
OUT_OF_FOLD_STEP = 2.0
"""Out-of-fold boosters take steps as many times as large and so many times fewer trees: Bayes asks for no more."""
MIN_FINDINGS = 150
"""With fewer findings boosters of two thirds of them know too little to predict the rest, and findings keep hard labels."""


@dataclass(frozen=True)
class TrainingSet:
    """What boosters are grown on: `matrix` (n rows), P of each label (n, 3), and the weight of each row."""

    matrix: pd.DataFrame
    labels: FloatArray
    weight: FloatArray

    def binary_target(self, label: str) -> tuple[Flags, FloatArray, FloatArray]:
        """Of the booster of `label`: which rows have a part in it, P(label, not valid) of those, and their weight."""
        against = self.labels[:, LABELS.index(label)]
        weight = self.weight * (self.labels[:, 0] + against)
        asked = weight > 1e-6
        return asked, (self.weight * against)[asked] / weight[asked], weight[asked]


Grow = Callable[[TrainingSet], Boosters]
"""Grows the boosters of `BOOSTER_LABELS`."""


def hard_labels(matrix: pd.DataFrame, labels: Sequence[str]) -> TrainingSet:
    """Every finding as it stands."""
    places = [LABELS.index(label) for label in labels]
    return TrainingSet(matrix, np.eye(len(LABELS))[places], np.ones(len(places)))


def soft_labels(
    matrix: pd.DataFrame,
    findings: pd.DataFrame,
    unchecked: pd.DataFrame,
    unchecked_weight: float,
    grow: Grow,
) -> tuple[TrainingSet, pd.DataFrame]:
    """Findings by the posterior of their labels, and unchecked claims by what is believed of them; and what others say of the findings.

    `matrix` and `findings` (with `label` and `decided_by`) have the same rows in time order; `unchecked` is the matrix of claims
    without a finding. With fewer than `MIN_FINDINGS` findings these keep hard labels. The second answer has the log odds
    (columns `BOOSTER_LABELS`, float64, one row a finding) by boosters that were grown on the other folds: calibration is fitted to them.
    """
    plain = hard_labels(matrix, list(findings["label"]))
    raw, elsewhere = _out_of_fold(plain, unchecked, grow)
    return (
        plain
        if len(findings) < MIN_FINDINGS
        else _with_posteriors(plain, findings, raw, unchecked, elsewhere, unchecked_weight)
    ), raw


def _with_posteriors(
    plain: TrainingSet,
    findings: pd.DataFrame,
    raw: pd.DataFrame,
    unchecked: pd.DataFrame,
    elsewhere: pd.DataFrame,
    unchecked_weight: float,
) -> TrainingSet:
    """`plain` with the posterior of its labels; `raw` and `elsewhere` are what boosters say of findings and of unchecked claims."""
    facts = Findings.of(raw, findings["label"], findings["decided_by"])
    fitted = fit(facts)
    believed = shares_of(facts.log_odds(fitted.coefficients))
    lapse = fitted.lapse_rates_of(findings["decided_by"])
    truth = true_shares(believed, facts.label, lapse, facts.shares)
    if unchecked.empty or unchecked_weight <= 0.0:
        return TrainingSet(plain.matrix, truth, plain.weight)
    at_large = Findings.of(elsewhere, pd.Series([LABELS[0]] * len(elsewhere)), pd.Series(["nobody"] * len(elsewhere)))
    return TrainingSet(
        pd.concat([plain.matrix, unchecked]),
        np.vstack([truth, shares_of(at_large.log_odds(fitted.coefficients))]),
        np.concatenate([plain.weight, np.full(len(unchecked), unchecked_weight)]),
    )


def folds_of(findings: int) -> npt.NDArray[np.int64]:
    """The fold of each of so many findings in time order.

    >>> folds_of(12).tolist()
    [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]
    """
    return np.arange(findings) * STRETCHES // max(findings, 1) % FOLDS


def _out_of_fold(training_set: TrainingSet, unchecked: pd.DataFrame, grow: Grow) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Log odds of each finding by boosters that did not see it, and of the unchecked claims by all of them, on average."""
    fold = folds_of(len(training_set.matrix))
    raw: FloatArray = np.zeros((len(training_set.matrix), len(BOOSTER_LABELS)))
    elsewhere: FloatArray = np.zeros((len(unchecked), len(BOOSTER_LABELS)))
    for number in range(FOLDS):
        others, mine = fold != number, fold == number
        boosters = grow(
            TrainingSet(training_set.matrix[others], training_set.labels[others], training_set.weight[others])
        )
        for place, booster in enumerate(boosters):
            raw[mine, place] = raw_scores(booster, training_set.matrix[mine])
            elsewhere[:, place] += raw_scores(booster, unchecked) / FOLDS
    return pd.DataFrame(raw, columns=list(BOOSTER_LABELS)), pd.DataFrame(elsewhere, columns=list(BOOSTER_LABELS))
