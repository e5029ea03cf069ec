"""From a booster's raw score (log odds) to a probability that means what it says.

A calibration is a map that never falls, chosen by log loss on claims later than the booster's training. It is JSON, and never answers
0 or 1: nobody can be certain of a claim that nobody has investigated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

FloatArray = npt.NDArray[np.float64]

SMALLEST_PROBABILITY = 1e-4
"""Assumption: no answer is surer than 1 in 10,000; no slice that could judge it is much larger."""
FEWEST_ROWS = 50
"""With fewer claims than this a calibration is a guess, so the raw score stands."""
FEWEST_ROWS_OF_STEPS = 1000
"""Isotonic regression overfits smaller samples (Niculescu-Mizil and Caruana, ICML 2005)."""
FOLDS = 5
_LARGEST_LOG_ODDS = 35.0


@dataclass(frozen=True)
class Calibration:
    """Either a beta map (Kull, Silva Filho and Flach, AISTATS 2017) or, where `thresholds` is not empty, an isotonic one.

    With p the booster's own probability, the beta map answers `sigmoid(rise * log(p) - fall * log(1 - p) + shift)`; `rise` and `fall`
    are 0 or more. They are equal in a sigmoid map, and with `shift` 0 it only sets the temperature. The isotonic map is linear
    between `thresholds` (log odds) at which it has `values` (probabilities). `method` names which it is.
    """

    method: str = "none"
    rise: float = 1.0
    fall: float = 1.0
    shift: float = 0.0
    thresholds: tuple[float, ...] = ()
    values: tuple[float, ...] = ()

    def apply(self, raw: FloatArray) -> FloatArray:
        """Probabilities, float64, shape of `raw` (log odds), within [`SMALLEST_PROBABILITY`, 1 - `SMALLEST_PROBABILITY`]."""
        if self.thresholds:
            answer = np.interp(raw, np.asarray(self.thresholds), np.asarray(self.values))
        else:
            answer = _beta(raw, self.rise, self.fall, self.shift)
        clipped: FloatArray = np.clip(answer, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)
        return clipped

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {**asdict(self), "thresholds": list(self.thresholds), "values": list(self.values)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Calibration:
        """Reads what `to_dict` wrote."""
        return cls(**{**document, "thresholds": tuple(document["thresholds"]), "values": tuple(document["values"])})


Method = Callable[[FloatArray, FloatArray, FloatArray], Calibration]


def fit_calibration(raw: FloatArray, target: FloatArray, weight: FloatArray | None = None) -> Calibration:
    """The map that does best by log loss among `METHODS`.

    `raw` are log odds (float64) of claims that the booster was not grown on, in time order, `target` is 0 or 1, `weight` how much
    each claim counts (more than 0; 1 by default). A method is judged on the fold of the slice that it was not fitted to.
    """
    weights = np.ones(len(raw)) if weight is None else weight
    if len(raw) < FEWEST_ROWS or len(np.unique(target)) < 2:
        return Calibration()
    fitting = {name: method for name, method in METHODS.items() if name != "isotonic" or len(raw) >= FEWEST_ROWS_OF_STEPS}
    losses = {name: _held_out_loss(method, raw, target, weights) for name, method in fitting.items()}
    return fitting[min(losses, key=lambda name: losses[name])](raw, target, weights)


def log_loss(probability: FloatArray, target: FloatArray, weight: FloatArray | None = None) -> float:
    """Mean negative log likelihood of 0-or-1 `target` in nats; `probability` within (0, 1)."""
    losses = -np.log(np.where(target == 1.0, probability, 1.0 - probability))
    return float(np.average(losses, weights=weight))


def _beta(raw: FloatArray, rise: float, fall: float, shift: float) -> FloatArray:
    bounded = np.clip(raw, -_LARGEST_LOG_ODDS, _LARGEST_LOG_ODDS)
    log_p, log_q = -np.logaddexp(0.0, -bounded), -np.logaddexp(0.0, bounded)
    answer: FloatArray = 1.0 / (1.0 + np.exp(-np.clip(rise * log_p - fall * log_q + shift, -_LARGEST_LOG_ODDS, _LARGEST_LOG_ODDS)))
    return answer


def _held_out_loss(method: Method, raw: FloatArray, target: FloatArray, weight: FloatArray) -> float:
    fold = np.arange(len(raw)) * FOLDS // len(raw)
    answers = np.empty(len(raw))
    for number in range(FOLDS):
        others, held_out = fold != number, fold == number
        answers[held_out] = method(raw[others], target[others], weight[others]).apply(raw[held_out])
    return log_loss(answers, target, weight)


def _none(raw: FloatArray, target: FloatArray, weight: FloatArray) -> Calibration:
    return Calibration()


def _temperature(raw: FloatArray, target: FloatArray, weight: FloatArray) -> Calibration:
    (slope,) = _least_loss(lambda x: (x[0], x[0], 0.0), (1.0,), raw, target, weight)
    return Calibration("temperature", slope, slope)


def _sigmoid(raw: FloatArray, target: FloatArray, weight: FloatArray) -> Calibration:
    slope, shift = _least_loss(lambda x: (x[0], x[0], x[1]), (1.0, 0.0), raw, target, weight)
    return Calibration("sigmoid", slope, slope, shift)


def _beta_map(raw: FloatArray, target: FloatArray, weight: FloatArray) -> Calibration:
    rise, fall, shift = _least_loss(lambda x: (x[0], x[1], x[2]), (1.0, 1.0, 0.0), raw, target, weight)
    return Calibration("beta", rise, fall, shift)


def _isotonic(raw: FloatArray, target: FloatArray, weight: FloatArray) -> Calibration:
    steps = IsotonicRegression(out_of_bounds="clip").fit(raw, target, sample_weight=weight)
    surest = 1.0 / (len(raw) + 2.0)
    values = np.clip(steps.y_thresholds_, surest, 1.0 - surest)
    return Calibration("isotonic", thresholds=tuple(map(float, steps.X_thresholds_)), values=tuple(map(float, values)))


Coefficients = tuple[float, float, float]


def _least_loss(
    coefficients: Callable[[FloatArray], Coefficients],
    start: tuple[float, ...],
    raw: FloatArray,
    target: FloatArray,
    weight: FloatArray,
) -> tuple[float, ...]:
    """Parameters of least weighted log loss; slopes stay at 0 or more, and one claim's worth of loss draws them to the start."""
    origin = np.asarray(start)

    def loss(x: FloatArray) -> float:
        answer = np.clip(_beta(raw, *coefficients(x)), 1e-12, 1.0 - 1e-12)
        return log_loss(answer, target, weight) + float(((x - origin) ** 2).sum()) / len(raw)

    bounds = [(0.0, None) if value == 1.0 else (None, None) for value in start]
    found = minimize(loss, origin, method="L-BFGS-B", bounds=bounds)
    return tuple(float(value) for value in found.x)


METHODS: Mapping[str, Method] = MappingProxyType(
    {"none": _none, "temperature": _temperature, "sigmoid": _sigmoid, "beta": _beta_map, "isotonic": _isotonic}
)
"""Ways to calibrate, the plainer first: of two that do equally well the first is taken."""
