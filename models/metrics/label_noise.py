"""How often is a finding wrong, and what would probabilities be without those errors?

Findings are wrong at times, and some deciders are wrong more often than others. A calibration against findings as they stand learns
those errors: it doubts what is beyond doubt. Here each decider has a lapse rate: the share of findings that fall on the labels as findings
do at large whatever the claim is; it is found together with the calibrations by maximum likelihood on held-out claims. The two can be
told apart because doubt of the model depends on the claim, while lapses do not: however clear the claims, findings disagree
with the model at the decider's rate (the lapse rate of psychometrics; Wichmann and Hill, Perception & Psychophysics 2001).
docs/decisions has what this gains where the truth is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.tables import LABELS
from claimvet.models.scoring.calibration import Calibration, log_probabilities

Flags = npt.NDArray[np.bool_]

BOOSTER_LABELS = ("frivolous", "abusive")
"""The labels that each booster holds against valid."""
PRIOR_ERROR_RATE = 0.05
"""Assumption: share of wrong findings of a decider about whom nothing is known yet."""
PRIOR_LAPSE_RATE = 1.5 * PRIOR_ERROR_RATE
"""The share of lapses that makes as many wrong ones where the three labels are equally frequent."""
PRIOR_FINDINGS = 40.0
"""How many findings that assumption counts as much as."""
MAX_LAPSE_RATE = 0.45
MIN_ROWS = 50
"""With fewer held-out claims than this a calibration is a guess, so raw scores stand."""
UNIFORM = np.full(len(LABELS), 1.0 / len(LABELS))

PARAMETRIC: Mapping[str, tuple[tuple[int, ...], ...]] = MappingProxyType(
    {
        "temperature": ((0, 1), (3, 4)),
        "sigmoid": ((0, 1), (2,), (3, 4), (5,)),
        "beta": tuple((place,) for place in range(6)),
    }
)
"""By method, the coefficients (rise, fall, shift of frivolous, then of abusive) that each free parameter moves; the plainer first."""
_START = np.array([1.0, 1.0, 0.0, 1.0, 1.0, 0.0])


def found_probabilities(probabilities: Floats, errors: Floats, shares: Floats | None = None) -> Floats:
    """Return what a decider who errs would find: some findings are lapses, and fall on the labels by `shares` whatever the claim is.

    `probabilities` is (n, 3), `errors` (n,) the share of wrong findings, `shares` (3,) of the labels (equal ones where not given); the
    answer is (n, 3), each row summing to 1.

    >>> found_probabilities(np.array([[1.0, 0.0, 0.0]]), np.array([0.1]))
    array([[0.9 , 0.05, 0.05]])
    """
    pi = UNIFORM if shares is None else np.asarray(shares, dtype=np.float64)
    wrong = max(1.0 - float((pi**2).sum()), 1e-9)
    lapse = np.minimum(errors / wrong, 1.0)[:, None]
    found: Floats = (1.0 - lapse) * probabilities + lapse * pi
    return found


@dataclass(frozen=True)
class Fitted:
    """What held-out findings say: both maps' coefficients, each decider's share of lapses, the labels' shares.

    `coefficients` are rise, fall and shift of frivolous, then of abusive.
    """

    method: str
    coefficients: Floats
    lapse_rates: Mapping[str, float]
    shares: Floats = field(default_factory=lambda: UNIFORM)

    def lapse_rates_of(self, deciders: pd.Series) -> Floats:
        """Return the lapse rate of each claim's decider, the prior where the decider was never held out."""
        return np.array(
            [self.lapse_rates.get(str(decider), PRIOR_LAPSE_RATE) for decider in deciders], dtype=np.float64
        )

    @property
    def error_rates(self) -> dict[str, float]:
        """The share of wrong findings of each decider: lapses that did not happen to be right."""
        wrong = 1.0 - float((self.shares**2).sum())
        return {name: lapse * wrong for name, lapse in self.lapse_rates.items()}

    @property
    def maps(self) -> tuple[Calibration, Calibration]:
        """The calibration of either booster."""
        rise_f, fall_f, shift_f, rise_a, fall_a, shift_a = map(float, self.coefficients)
        return Calibration(self.method, rise_f, fall_f, shift_f), Calibration(self.method, rise_a, fall_a, shift_a)

    def probabilities(self, raw: pd.DataFrame) -> Floats:
        """Return P of each label, (n, 3), of log odds against valid (columns `BOOSTER_LABELS`)."""
        odds = zip(self.maps, BOOSTER_LABELS, strict=True)
        return shares_of(np.column_stack([each.log_odds(raw[name].to_numpy(dtype=np.float64)) for each, name in odds]))


@dataclass(frozen=True)
class Findings:
    """Held-out findings as arrays: four log probabilities a claim, and the positions of its label and decider."""

    terms: Floats
    label: npt.NDArray[np.intp]
    decider: npt.NDArray[np.intp]
    deciders: tuple[str, ...]
    shares: Floats

    @classmethod
    def of(cls, raw: pd.DataFrame, labels: pd.Series, deciders: pd.Series) -> Findings:
        """Make them from log odds against valid (`frivolous`, `abusive`), labels and deciders."""
        columns = [
            column for name in BOOSTER_LABELS for column in log_probabilities(raw[name].to_numpy(dtype=np.float64))
        ]
        label = np.array([LABELS.index(name) for name in labels], dtype=np.intp)
        names = tuple(sorted(set(map(str, deciders))))
        decider = np.array([names.index(str(name)) for name in deciders], dtype=np.intp)
        counts = np.bincount(label, minlength=len(LABELS)) + 0.5
        return cls(np.column_stack(columns), label, decider, names, counts / counts.sum())

    def take(self, rows: Flags) -> Findings:
        """Return some of the claims."""
        return Findings(self.terms[rows], self.label[rows], self.decider[rows], self.deciders, self.shares)

    def log_odds(self, coefficients: Floats) -> Floats:
        """Return calibrated log odds against valid, (n, 2)."""
        rise_f, fall_f, shift_f, rise_a, fall_a, shift_a = coefficients
        log_p_f, log_q_f, log_p_a, log_q_a = self.terms.T
        return np.column_stack(
            [rise_f * log_p_f - fall_f * log_q_f + shift_f, rise_a * log_p_a - fall_a * log_q_a + shift_a]
        )

    def loss(self, coefficients: Floats, lapse: Floats) -> tuple[float, Floats, Floats]:
        """Return the summed negative log likelihood of the findings, and its gradient by coefficients and by lapse rates."""
        p, rows = shares_of(self.log_odds(coefficients)), np.arange(len(self.label))
        mine, rate, at_large = p[rows, self.label], lapse[self.decider], self.shares[self.label]
        found = np.maximum((1.0 - rate) * mine + rate * at_large, 1e-12)
        slope = -(1.0 - rate) / found * mine
        towards = slope[:, None] * ((self.label[:, None] == np.arange(3)) - p)
        log_p_f, log_q_f, log_p_a, log_q_a = self.terms.T
        by_f, by_a = towards[:, 1], towards[:, 2]
        parts = (log_p_f * by_f, -log_q_f * by_f, by_f, log_p_a * by_a, -log_q_a * by_a, by_a)
        by_coefficients = np.array([part.sum() for part in parts])
        by_rate = np.bincount(self.decider, (mine - at_large) / found, minlength=len(self.deciders))
        return -float(np.log(found).sum()), by_coefficients, by_rate.astype(np.float64)


def shares_of(log_odds: Floats) -> Floats:
    """Return P of each label, (n, 3), from log odds of the two labels against valid, (n, 2)."""
    odds = np.column_stack([np.zeros(len(log_odds)), log_odds])
    odds = np.exp(odds - odds.max(axis=1, keepdims=True))
    answer: Floats = odds / odds.sum(axis=1, keepdims=True)
    return answer


def true_shares(probabilities: Floats, label: npt.NDArray[np.intp], lapse: Floats, shares: Floats) -> Floats:
    """Return P of each label being true, (n, 3), given `probabilities` (n, 3), what was found and the lapse rate of who found it
    (Bayes).
    """
    likelihood = lapse[:, None] * shares[label][:, None] + (1.0 - lapse[:, None]) * np.eye(len(LABELS))[label]
    joint = probabilities * likelihood
    answer: Floats = joint / joint.sum(axis=1, keepdims=True)
    return answer


def fit(findings: Findings, method: str = "beta") -> Fitted:
    """Return the coefficients and lapse rates of least penalised loss.

    One claim's worth of loss draws each coefficient to its start, `PRIOR_FINDINGS` draw each decider to the prior lapse rate.
    """
    moves = PARAMETRIC[method]
    free = np.zeros((len(_START), len(moves)))
    for number, places in enumerate(moves):
        free[list(places), number] = 1.0
    count, often = free.shape[1], PRIOR_LAPSE_RATE * PRIOR_FINDINGS
    seldom = PRIOR_FINDINGS - often

    def objective(x: Floats) -> tuple[float, Floats]:
        moved, lapse = x[:count], x[count:]
        loss, by_coefficients, by_rate = findings.loss(_START + free @ moved, lapse)
        penalty = (moved**2).sum() - often * np.log(lapse).sum() - seldom * np.log1p(-lapse).sum()
        gradient = np.concatenate(
            [free.T @ by_coefficients + 2.0 * moved, by_rate - often / lapse + seldom / (1.0 - lapse)]
        )
        return (loss + float(penalty)) / len(findings.label), gradient / len(findings.label)

    slopes = [(-1.0, None) if _START[places[0]] == 1.0 else (None, None) for places in moves]
    rates = [(1e-4, MAX_LAPSE_RATE)] * len(findings.deciders)
    start = np.concatenate([np.zeros(count), np.full(len(findings.deciders), PRIOR_LAPSE_RATE)])
    with threadpool_limits(1, "blas"):  # with a dozen unknowns, threads of the linear algebra only wait for one another
        found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=[*slopes, *rates])
    lapse = dict(zip(findings.deciders, map(float, found.x[count:]), strict=True))
    return Fitted(method, _START + free @ found.x[:count], lapse, findings.shares)
