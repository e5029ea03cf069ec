"""Which calibration, by log loss on later claims, and how it is fitted.

The claims are those that a pair was grown on, as boosters of the other folds see them (`models.learning.soft_labels`): what an earlier
pair says of later claims shows how sure that pair may be, which was grown on fewer claims. First one map for each booster out of three with
coefficients (temperature, sigmoid, beta), fitted together with what is wrong with the findings (`models.metrics.label_noise`). On top of
it each booster may get one without coefficients: isotonic, or Venn-Abers (Vovk, Petej and Fedorova, NIPS 2015: isotonic with the claim
asked about once as either label, and both answers merged so that log loss is least). These are fitted to the labels' posterior, because
findings as they stand would teach them the findings' errors.
Each method is tried on blocks of claims later than those that fitted it. The sigmoid is kept unless another has less loss by more than
chance would give it: with a few hundred claims the least loss alone picks by luck.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pandas as pd
from sklearn.isotonic import isotonic_regression

from claimvet.data.contract.arrays import Floats
from claimvet.models.metrics.label_noise import (
    BOOSTER_LABELS,
    MIN_ROWS,
    PARAMETRIC,
    PRIOR_LAPSE_RATE,
    Findings,
    Fitted,
    fit,
    found_probabilities,
    shares_of,
    true_shares,
)
from claimvet.models.scoring.calibration import Calibration

Knots = tuple[tuple[float, float], ...]
Trial = tuple[Findings, Findings, Fitted]
"""Claims known, later claims asked about, and what was fitted to the former."""

DEFAULT_METHOD = "sigmoid"
SIGNIFICANT = 2.0
"""Standard errors by which another method has to be better."""
BLOCKS = 5
"""Blocks in time; each but the first is evaluated by maps that were fitted to those before it."""
MIN_TO_CHOOSE = 400
"""With fewer held-out claims nothing could be significantly better, so the default method is fitted and no other tried."""
GRID = 24
"""Scores at which Venn-Abers is asked; between them it is drawn straight."""
MAX_LOG_ODDS = 6.0
"""A step that no claim contradicts is not surer than this (1 in 400): isotonic maps answer 0 and 1 as soon as they may."""


@dataclass(frozen=True)
class Calibrated:
    """A calibration for each booster for claims at large, and what was learned of the findings on the way."""

    frivolous: Calibration
    abusive: Calibration
    fitted: Fitted
    losses: Mapping[str, float]
    """Log loss of findings by method, on blocks later than those that fitted it."""

    @property
    def error_rates(self) -> dict[str, float]:
        """The share of wrong findings of each decider."""
        return self.fitted.error_rates

    def errors_of(self, deciders: pd.Series) -> Floats:
        """Return the share of wrong findings of each claim's decider, float64."""
        wrong = 1.0 - float((self.fitted.shares**2).sum())
        return self.fitted.lapse_rates_of(deciders) * wrong

    def found(self, raw: pd.DataFrame, deciders: pd.Series) -> Floats:
        """Return how likely each label is found by deciders who may err, (n, 3)."""
        maps = {"frivolous": self.frivolous, "abusive": self.abusive}
        odds = [maps[name].log_odds(raw[name].to_numpy(dtype=np.float64)) for name in BOOSTER_LABELS]
        return found_probabilities(shares_of(np.column_stack(odds)), self.errors_of(deciders), self.fitted.shares)


def fit_calibrations(raw: pd.DataFrame, labels: pd.Series, deciders: pd.Series) -> Calibrated:
    """Return calibrations and error rates for held-out findings, one row a claim in time order.

    `raw` has the log odds against valid in `frivolous` and `abusive`, `labels` the findings, `deciders` who found them.
    """
    if len(raw) < MIN_ROWS:
        nothing = Fitted("none", np.array([1.0, 1.0, 0.0, 1.0, 1.0, 0.0]), {})
        return Calibrated(Calibration(), Calibration(), nothing, {})
    findings = Findings.of(raw, labels, deciders)
    if len(raw) < MIN_TO_CHOOSE:
        fitted = fit(findings, DEFAULT_METHOD)
        return Calibrated(*fitted.maps, fitted, {})
    return _chosen(findings)


def _chosen(findings: Findings) -> Calibrated:
    trials = {method: _trials(findings, method) for method in PARAMETRIC}
    losses = {method: _later_losses(trials[method]) for method in PARAMETRIC}
    method = _significantly_better(losses, DEFAULT_METHOD)
    fitted = fit(findings, method)
    steps, tried = _steps(trials[method], losses[method])
    maps = [
        calibration if step is None else replace(calibration, method=step, knots=_STEPS[step](findings, fitted, place))
        for place, (calibration, step) in enumerate(zip(fitted.maps, steps, strict=True))
    ]
    by_method = {name: float(loss.mean()) for name, loss in losses.items()}
    return Calibrated(maps[0], maps[1], fitted, by_method | tried)


def _significantly_better(losses: Mapping[str, Floats], default: str) -> str:
    """Return the method whose loss is below the default's by the most standard errors, if by more than `SIGNIFICANT`; else the default."""
    gains = {name: _gain(losses[default], loss) for name, loss in losses.items() if name != default}
    best = max(gains, key=lambda name: gains[name])
    return best if gains[best] > SIGNIFICANT else default


def _gain(default: Floats, other: Floats) -> float:
    """Return how many standard errors the mean loss of `other` lies below that of `default`."""
    gain = default - other
    error = float(gain.std() / np.sqrt(len(gain)))
    return float(gain.mean()) / error if error > 0.0 else 0.0


def _trials(findings: Findings, method: str) -> list[Trial]:
    block = np.arange(len(findings.label)) * BLOCKS // len(findings.label)
    known = [findings.take(block < number) for number in range(1, BLOCKS)]
    return [
        (before, findings.take(block == number), fit(before, method)) for number, before in enumerate(known, start=1)
    ]


def _later_losses(trials: list[Trial], place: int = 0, step: str | None = None) -> Floats:
    """Loss of each claim after the first block; `step` is the map without coefficients of the booster at `place`."""
    losses = []
    for known, asked, fitted in trials:
        odds = asked.log_odds(fitted.coefficients)
        if step is not None:
            before, after = np.array(_STEPS[step](known, fitted, place)).T
            odds[:, place] = np.interp(odds[:, place], before, after)
        lapse = _lapse_rates(asked, fitted)
        found = (1.0 - lapse[:, None]) * shares_of(odds) + lapse[:, None] * asked.shares
        losses.append(-np.log(np.maximum(found[np.arange(len(asked.label)), asked.label], 1e-12)))
    return np.concatenate(losses)


def _steps(trials: list[Trial], plain: Floats) -> tuple[list[str | None], dict[str, float]]:
    """For each booster the map without coefficients that gains significantly, if any, and the losses of all."""
    chosen: list[str | None] = []
    tried: dict[str, float] = {}
    for place, label in enumerate(BOOSTER_LABELS):
        losses = {step: _later_losses(trials, place, step) for step in _STEPS}
        best = _significantly_better({"plain": plain, **losses}, "plain")
        chosen.append(best if best in _STEPS else None)
        tried |= {f"{step} ({label})": float(loss.mean()) for step, loss in losses.items()}
    return chosen, tried


def _lapse_rates(findings: Findings, fitted: Fitted) -> Floats:
    by_decider = np.array([fitted.lapse_rates.get(name, PRIOR_LAPSE_RATE) for name in findings.deciders])
    return by_decider[findings.decider]


def _posterior(findings: Findings, fitted: Fitted, place: int) -> tuple[Floats, Floats, Floats]:
    """Return log odds in order, P of the label against valid being true, and the weight of each claim for that question."""
    odds = findings.log_odds(fitted.coefficients)
    truth = true_shares(shares_of(odds), findings.label, _lapse_rates(findings, fitted), findings.shares)
    weight = truth[:, 0] + truth[:, place + 1]
    order = np.argsort(odds[:, place], kind="stable")
    target = truth[:, place + 1] / np.maximum(weight, 1e-12)
    return odds[order, place], target[order], weight[order]


def _isotonic(findings: Findings, fitted: Fitted, place: int) -> Knots:
    odds, target, weight = _posterior(findings, fitted, place)
    level = isotonic_regression(target, sample_weight=np.maximum(weight, 1e-9))
    starts = np.flatnonzero(np.r_[True, np.diff(level) > 0])
    return _knots(np.array([part.mean() for part in np.split(odds, starts[1:])]), level[starts])


def _venn_abers(findings: Findings, fitted: Fitted, place: int) -> Knots:
    odds, target, weight = _posterior(findings, fitted, place)
    asked = np.unique(np.quantile(odds, np.linspace(0.0, 1.0, GRID)))
    merged = []
    for score in asked:
        at = int(np.searchsorted(odds, score))
        p0, p1 = (
            isotonic_regression(
                np.insert(target, at, label), sample_weight=np.insert(np.maximum(weight, 1e-9), at, 1.0)
            )[at]
            for label in (0.0, 1.0)
        )
        merged.append(p1 / (1.0 - p0 + p1))
    return _knots(asked, np.maximum.accumulate(merged))


def _knots(before: Floats, probability: Floats) -> Knots:
    bounded = np.clip(probability, 1.0 / (1.0 + np.exp(MAX_LOG_ODDS)), 1.0 / (1.0 + np.exp(-MAX_LOG_ODDS)))
    return tuple(zip(before.tolist(), np.log(bounded / (1.0 - bounded)).tolist(), strict=True))


_STEPS: Mapping[str, Callable[[Findings, Fitted, int], Knots]] = MappingProxyType(
    {"isotonic": _isotonic, "venn_abers": _venn_abers}
)
"""Maps without coefficients, by name; each answers knots of log odds."""
