"""How often is a finding wrong, and what would probabilities be without those errors?

Findings are wrong at times, and some deciders are wrong more often than others. A calibration against findings as they stand learns
those errors: it doubts what is beyond doubt. Here each decider has a share of wrong findings, found together with the calibrations by
maximum likelihood on held-out claims. They can be told apart because doubt of the model depends on the claim, while an error does
not: however clear the claims, findings disagree with the model at the decider's rate (the lapse rate of psychometrics; Wichmann and
Hill, Perception & Psychophysics 2001). docs/decisions has what this gains where the truth is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize

from data.contract.tables import LABELS
from models.calibration import Calibration, log_probabilities

FloatArray = npt.NDArray[np.float64]

RIVALS = ("frivolous", "abusive")
"""The labels that each booster holds against valid."""
USUAL_ERROR = 0.025
"""Assumption: share of wrong findings of a decider about whom nothing is known yet."""
USUAL_ERROR_CLAIMS = 40.0
"""How many findings that assumption counts as much as."""
LARGEST_ERROR = 0.3
FEWEST_ROWS = 50
"""With fewer held-out claims than this a calibration is a guess, so raw scores stand."""
FOLDS = 5

_FREE: Mapping[str, tuple[tuple[int, ...], ...]] = MappingProxyType(
    {
        "temperature": ((0, 1), (3, 4)),
        "sigmoid": ((0, 1), (2,), (3, 4), (5,)),
        "beta": tuple((place,) for place in range(6)),
    }
)
"""By method, the coefficients (rise, fall, shift of frivolous, then of abusive) that each free parameter moves; the plainer first."""
_START = np.array([1.0, 1.0, 0.0, 1.0, 1.0, 0.0])


@dataclass(frozen=True)
class Calibrated:
    """A calibration for each booster, and the share of wrong findings of each decider."""

    frivolous: Calibration
    abusive: Calibration
    error_rates: Mapping[str, float]

    def errors_of(self, deciders: pd.Series) -> FloatArray:
        """The share of wrong findings for each claim's decider, float64; the assumption where the decider was never held out."""
        return np.array([self.error_rates.get(str(decider), USUAL_ERROR) for decider in deciders], dtype=np.float64)


def fit_calibrations(raw: pd.DataFrame, labels: pd.Series, deciders: pd.Series) -> Calibrated:
    """Calibrations and error rates for held-out findings, one row a claim in time order.

    `raw` has the log odds against valid in `frivolous` and `abusive`, `labels` the findings, `deciders` who found them. The method
    is the one with the least log loss of findings on folds (blocks in time) that it was not fitted to.
    """
    if len(raw) < FEWEST_ROWS:
        return Calibrated(Calibration(), Calibration(), {})
    names = sorted(set(deciders))
    problem = _Problem.of(raw, labels, np.array([names.index(name) for name in deciders], dtype=np.intp), len(names))
    method = min(_FREE, key=lambda name: _held_out_loss(problem, name))
    coefficients, errors = _fit(problem, method)
    maps = [Calibration(method, *map(float, part)) for part in (coefficients[:3], coefficients[3:])]
    return Calibrated(maps[0], maps[1], dict(zip(names, map(float, errors), strict=True)))


def found_probabilities(probabilities: FloatArray, errors: FloatArray) -> FloatArray:
    """What a decider who errs would find: each label keeps 1 - error, and gets half of the error of the two others.

    `probabilities` is (n, 3), `errors` (n,), the answer (n, 3), each row summing to 1.

    >>> found_probabilities(np.array([[1.0, 0.0, 0.0]]), np.array([0.1]))
    array([[0.9 , 0.05, 0.05]])
    """
    half = errors[:, None] / 2.0
    found: FloatArray = half + (1.0 - 3.0 * half) * probabilities
    return found


@dataclass(frozen=True)
class _Problem:
    """Held-out claims as arrays: four log probabilities a claim, the label's and the decider's position."""

    terms: FloatArray
    label: npt.NDArray[np.intp]
    decider: npt.NDArray[np.intp]
    deciders: int

    @classmethod
    def of(cls, raw: pd.DataFrame, labels: pd.Series, decider: npt.NDArray[np.intp], deciders: int) -> _Problem:
        columns = [column for name in RIVALS for column in log_probabilities(raw[name].to_numpy(dtype=np.float64))]
        label = np.array([LABELS.index(name) for name in labels], dtype=np.intp)
        return cls(np.column_stack(columns), label, decider, deciders)

    def take(self, rows: npt.NDArray[np.bool_]) -> _Problem:
        return _Problem(self.terms[rows], self.label[rows], self.decider[rows], self.deciders)

    def probabilities(self, coefficients: FloatArray) -> FloatArray:
        """P of each label, (n, 3), at six coefficients."""
        rise_f, fall_f, shift_f, rise_a, fall_a, shift_a = coefficients
        log_p_f, log_q_f, log_p_a, log_q_a = self.terms.T
        odds = np.column_stack(
            [
                np.zeros(len(self.label)),
                rise_f * log_p_f - fall_f * log_q_f + shift_f,
                rise_a * log_p_a - fall_a * log_q_a + shift_a,
            ]
        )
        odds = np.exp(odds - odds.max(axis=1, keepdims=True))
        answer: FloatArray = odds / odds.sum(axis=1, keepdims=True)
        return answer

    def loss(self, coefficients: FloatArray, errors: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Summed negative log likelihood of the findings, and its gradient by coefficients and by errors."""
        p, rows = self.probabilities(coefficients), np.arange(len(self.label))
        mine, error = p[rows, self.label], errors[self.decider]
        found = np.maximum(error / 2.0 + (1.0 - 1.5 * error) * mine, 1e-12)
        slope = -(1.0 - 1.5 * error) / found * mine
        towards = slope[:, None] * ((self.label[:, None] == np.arange(3)) - p)
        log_p_f, log_q_f, log_p_a, log_q_a = self.terms.T
        parts = ((1, log_p_f), (1, -log_q_f), (1, 1.0), (2, log_p_a), (2, -log_q_a), (2, 1.0))
        by_coefficients = np.array([float((towards[:, column] * term).sum()) for column, term in parts])
        weights = -(0.5 - 1.5 * mine) / found
        by_errors = np.array(
            [weights[self.decider == number].sum() for number in range(self.deciders)], dtype=np.float64
        )
        return -float(np.log(found).sum()), by_coefficients, by_errors


def _fit(problem: _Problem, method: str) -> tuple[FloatArray, FloatArray]:
    """Coefficients (6,) and errors (one a decider) of least penalised loss.

    One claim's worth of loss draws each coefficient to its start, `USUAL_ERROR_CLAIMS` draw each error to the usual one.
    """
    free = np.zeros((6, len(_FREE[method])))
    for number, places in enumerate(_FREE[method]):
        free[list(places), number] = 1.0
    count, wrong = free.shape[1], USUAL_ERROR * USUAL_ERROR_CLAIMS
    right = USUAL_ERROR_CLAIMS - wrong

    def objective(x: FloatArray) -> tuple[float, FloatArray]:
        moved, errors = x[:count], x[count:]
        loss, by_coefficients, by_errors = problem.loss(_START + free @ moved, errors)
        penalty = (moved**2).sum() - wrong * np.log(errors).sum() - right * np.log1p(-errors).sum()
        gradient = np.concatenate(
            [free.T @ by_coefficients + 2.0 * moved, by_errors - wrong / errors + right / (1.0 - errors)]
        )
        return (loss + float(penalty)) / len(problem.label), gradient / len(problem.label)

    slopes = [(-1.0, None) if _START[places[0]] == 1.0 else (None, None) for places in _FREE[method]]
    start = np.concatenate([np.zeros(count), np.full(problem.deciders, USUAL_ERROR)])
    found = minimize(
        objective, start, jac=True, method="L-BFGS-B", bounds=[*slopes, *[(1e-4, LARGEST_ERROR)] * problem.deciders]
    )
    return _START + free @ found.x[:count], np.asarray(found.x[count:], dtype=np.float64)


def _held_out_loss(problem: _Problem, method: str) -> float:
    fold = np.arange(len(problem.label)) * FOLDS // len(problem.label)
    total = 0.0
    for number in range(FOLDS):
        coefficients, errors = _fit(problem.take(fold != number), method)
        total += problem.take(fold == number).loss(coefficients, errors)[0]
    return total
