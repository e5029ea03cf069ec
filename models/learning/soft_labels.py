"""What the boosters are taught: soft labels, the posterior of each finding, and predicted probabilities for unchecked claims.

A finding is evidence, not truth. Boosters that were grown on the other folds say what they make of a claim; with the lapse rate of its
decider (`models.metrics.label_noise`), Bayes gives each label's probability, and that is what the final boosters learn. Claims without a
finding, above all those that were paid unseen, train too: with the probabilities that the same boosters give them, at a lower weight
(self-training; the label of a concession is never read). docs/decisions has what both gain where the truth is known, and what weights for
who gets investigated gain beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from claimvet.data.contract.tables import LABELS
from claimvet.models.learning.boosters import TrainingSet, grow_both
from claimvet.models.metrics.label_noise import BOOSTER_LABELS, Findings, fit, true_shares
from claimvet.models.parameters import TrainParams

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
class OutOfFold:
    """Log odds against valid (columns `BOOSTER_LABELS`, float64) by boosters that did not see the row.

    Of `findings` by those of the other folds, of `unchecked` claims by all of them, on average.
    """

    findings: pd.DataFrame
    unchecked: pd.DataFrame


def hard_labels(matrix: pd.DataFrame, labels: Sequence[str], signs: Sequence[int]) -> TrainingSet:
    """Return findings as they stand, each with weight 1; `signs` are the monotone constraints of the columns."""
    places = [LABELS.index(label) for label in labels]
    return TrainingSet(matrix, np.eye(len(LABELS))[places], np.ones(len(places)), signs)


def folds_of(findings: int) -> npt.NDArray[np.int64]:
    """Return the fold of each of so many findings in time order.

    >>> folds_of(12).tolist()
    [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]
    """
    return np.arange(findings) * STRETCHES // max(findings, 1) % FOLDS


def out_of_fold(hard: TrainingSet, unchecked: pd.DataFrame, trees: Mapping[str, int], params: TrainParams) -> OutOfFold:
    """Score findings (in time order) by quick boosters of the other folds, and the matrix of unchecked claims by all of these."""
    quick = replace(params, learning_rate=min(params.learning_rate * OUT_OF_FOLD_STEP, 1.0), averaged=1)
    fewer = {label: max(1, round(count / OUT_OF_FOLD_STEP)) for label, count in trees.items()}
    fold = folds_of(len(hard.matrix))
    findings = pd.DataFrame(0.0, index=range(len(hard.matrix)), columns=list(BOOSTER_LABELS))
    elsewhere = pd.DataFrame(0.0, index=range(len(unchecked)), columns=list(BOOSTER_LABELS))
    for number in range(FOLDS):
        boosters = grow_both(hard.take(fold != number), fewer, quick)
        findings[fold == number] = boosters.log_odds(hard.matrix[fold == number]).to_numpy()
        elsewhere += boosters.log_odds(unchecked).to_numpy() / FOLDS
    return OutOfFold(findings, elsewhere)


def soft_labels(
    hard: TrainingSet, findings: pd.DataFrame, unchecked: pd.DataFrame, scores: OutOfFold, unchecked_weight: float
) -> TrainingSet:
    """Return findings with the posterior of their labels, and unchecked claims with their predicted probabilities.

    `findings` (with `label` and `decided_by`) has the rows of `hard`, `unchecked` is the matrix of claims without a finding. With fewer
    than `MIN_FINDINGS` findings these keep hard labels, and nothing unchecked trains.
    """
    if len(findings) < MIN_FINDINGS:
        return hard
    facts = Findings.of(scores.findings, findings["label"], findings["decided_by"])
    fitted = fit(facts)
    predicted = fitted.probabilities(scores.findings)
    posterior = true_shares(predicted, facts.label, fitted.lapse_rates_of(findings["decided_by"]), facts.shares)
    if unchecked.empty or unchecked_weight <= 0.0:
        return replace(hard, labels=posterior)
    return TrainingSet(
        pd.concat([hard.matrix, unchecked]),
        np.vstack([posterior, fitted.probabilities(scores.unchecked)]),
        np.concatenate([hard.weight, np.full(len(unchecked), unchecked_weight)]),
        hard.signs,
    )
