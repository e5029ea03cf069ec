"""From a booster's raw score (log odds) to a probability that means what it says.

A calibration is a monotone map, chosen by log loss on claims later than the booster's training. It is JSON, and never answers 0 or 1:
nobody can be certain of a claim that nobody has investigated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

SMALLEST_PROBABILITY = 1e-4
"""Assumption: no answer is surer than 1 in 10,000; the largest slice that ever judges it is not much larger."""


@dataclass(frozen=True)
class Calibration:
    """A sigmoid of the raw score, `1 / (1 + exp(-(slope * raw + intercept)))`, or steps (isotonic) where `thresholds` is not empty.

    `method` names it: `none`, `sigmoid` or `isotonic`. `thresholds` and `values` are the raw scores and probabilities between which
    an isotonic map is linear.
    """

    method: str = "none"
    slope: float = 1.0
    intercept: float = 0.0
    thresholds: tuple[float, ...] = ()
    values: tuple[float, ...] = ()

    def apply(self, raw: FloatArray) -> FloatArray:
        """Probabilities, float64, shape of `raw` (log odds), within [`SMALLEST_PROBABILITY`, 1 - `SMALLEST_PROBABILITY`]."""
        if self.thresholds:
            answer = np.interp(raw, np.asarray(self.thresholds), np.asarray(self.values))
        else:
            answer = 1.0 / (1.0 + np.exp(-np.clip(self.slope * raw + self.intercept, -50.0, 50.0)))
        return np.clip(answer, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "method": self.method,
            "slope": self.slope,
            "intercept": self.intercept,
            "thresholds": list(self.thresholds),
            "values": list(self.values),
        }

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Calibration:
        """Reads what `to_dict` wrote."""
        lists = {name: tuple(document[name]) for name in ("thresholds", "values")}
        return cls(document["method"], document["slope"], document["intercept"], **lists)
