"""What the boosters are taught: findings weighed by how sure they are, and claims that nobody checked by what is believed of them.

A finding is evidence, not truth. Boosters that were grown on the other folds say what they make of a claim; with how careless its decider
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
from claimvet.models.metrics.label_noise import RIVALS, Findings, fit, shares_of, true_shares
from claimvet.models.scoring.claim_model import raw_scores

FloatArray = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Boosters = tuple[lgb.Booster, lgb.Booster]

FOLDS = 3
"""Folds of the findings, whose labels are judged by boosters of the others."""
STRETCHES = 6
"""Stretches of time, each with as many findings, that the folds take in turn: who judges a finding has not seen most of its neighbours in
time, as a model has not seen the months that it will score (docs/decisions/0019)."""
JUDGES_STEP = 2.0
"""Boosters that only judge labels take steps as many times as large and so many times fewer trees: Bayes asks for no more."""
FEWEST_FINDINGS = 150
"""With fewer findings boosters of two thirds of them know too little to judge the rest, and findings are taken at their word."""


@dataclass(frozen=True)
class Lesson:
    """What boosters are grown on: `matrix` (n rows), P of each label (n, 3), and the weight of each row."""

    matrix: pd.DataFrame
    labels: FloatArray
    weight: FloatArray

    def question(self, rival: str) -> tuple[Flags, FloatArray, FloatArray]:
        """Of the booster of `rival`: which rows have a part in it, P(rival, not valid) of those, and their weight."""
        against = self.labels[:, LABELS.index(rival)]
        weight = self.weight * (self.labels[:, 0] + against)
        asked = weight > 1e-6
        return asked, (self.weight * against)[asked] / weight[asked], weight[asked]


Grow = Callable[[Lesson], Boosters]
"""Grows the boosters of `RIVALS`."""


def taken_at_their_word(matrix: pd.DataFrame, labels: Sequence[str]) -> Lesson:
    """Every finding as it stands."""
    places = [LABELS.index(label) for label in labels]
    return Lesson(matrix, np.eye(len(LABELS))[places], np.ones(len(places)))


def weighed(
    matrix: pd.DataFrame,
    findings: pd.DataFrame,
    unchecked: pd.DataFrame,
    unchecked_weight: float,
    grow: Grow,
) -> tuple[Lesson, pd.DataFrame]:
    """Findings by the posterior of their labels, and unchecked claims by what is believed of them; and what others say of the findings.

    `matrix` and `findings` (with `label` and `decided_by`) have the same rows in time order; `unchecked` is the matrix of claims
    without a finding. With fewer than `FEWEST_FINDINGS` findings these are taken at their word. The second answer has the log odds
    (columns `RIVALS`, float64, one row a finding) by boosters that were grown on the other folds: calibration is fitted to them.
    """
    plain = taken_at_their_word(matrix, list(findings["label"]))
    raw, elsewhere = _judged_by_others(plain, unchecked, grow)
    return (
        plain
        if len(findings) < FEWEST_FINDINGS
        else _doubted(plain, findings, raw, unchecked, elsewhere, unchecked_weight)
    ), raw


def _doubted(
    plain: Lesson,
    findings: pd.DataFrame,
    raw: pd.DataFrame,
    unchecked: pd.DataFrame,
    elsewhere: pd.DataFrame,
    unchecked_weight: float,
) -> Lesson:
    """`plain` with the posterior of its labels; `raw` and `elsewhere` are what boosters say of findings and of unchecked claims."""
    facts = Findings.of(raw, findings["label"], findings["decided_by"])
    fitted = fit(facts)
    believed = shares_of(facts.log_odds(fitted.coefficients))
    careless = fitted.careless_of(findings["decided_by"])
    truth = true_shares(believed, facts.label, careless, facts.shares)
    if unchecked.empty or unchecked_weight <= 0.0:
        return Lesson(plain.matrix, truth, plain.weight)
    at_large = Findings.of(elsewhere, pd.Series([LABELS[0]] * len(elsewhere)), pd.Series(["nobody"] * len(elsewhere)))
    return Lesson(
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


def _judged_by_others(lesson: Lesson, unchecked: pd.DataFrame, grow: Grow) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Log odds of each finding by boosters that did not see it, and of the unchecked claims by all of them, on average."""
    fold = folds_of(len(lesson.matrix))
    raw: FloatArray = np.zeros((len(lesson.matrix), len(RIVALS)))
    elsewhere: FloatArray = np.zeros((len(unchecked), len(RIVALS)))
    for number in range(FOLDS):
        others, mine = fold != number, fold == number
        boosters = grow(Lesson(lesson.matrix[others], lesson.labels[others], lesson.weight[others]))
        for place, booster in enumerate(boosters):
            raw[mine, place] = raw_scores(booster, lesson.matrix[mine])
            elsewhere[:, place] += raw_scores(booster, unchecked) / FOLDS
    return pd.DataFrame(raw, columns=list(RIVALS)), pd.DataFrame(elsewhere, columns=list(RIVALS))
