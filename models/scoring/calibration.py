"""From a booster's raw score (log odds against valid) to a probability that means what it says.

A calibration is a map that never falls; it is JSON, and never answers 0 or 1: nobody can be certain of a claim that nobody has
investigated. `models.learning.calibration_fit` chooses and fits it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from claimvet.data.contract.arrays import Floats

MIN_PROBABILITY = 1e-4
"""Assumption: no answer is surer than 1 in 10,000; no slice that could test it is much larger."""
_MAX_LOG_ODDS = 35.0


@dataclass(frozen=True)
class Calibration:
    """The beta map (Kull, Silva Filho and Flach, AISTATS 2017): `sigmoid(rise * log(p) - fall * log(1 - p) + shift)`.

    p is the booster's own probability; `rise` and `fall` are 0 or more. They are equal in a sigmoid map, and with `shift` 0 it only
    sets the temperature. `knots`, where there are any, are (log odds before, log odds after) of a second map, straight between them
    and level beyond: `isotonic` or `venn_abers`. `method` names which it is: those, or `none`, `temperature`, `sigmoid`, `beta`.
    """

    method: str = "none"
    rise: float = 1.0
    fall: float = 1.0
    shift: float = 0.0
    knots: tuple[tuple[float, float], ...] = ()

    def log_odds(self, raw: Floats) -> Floats:
        """Return calibrated log odds, float64, shape of `raw`."""
        log_p, log_q = log_probabilities(raw)
        answer: Floats = self.rise * log_p - self.fall * log_q + self.shift
        if self.knots:
            before, after = np.array(self.knots).T
            answer = np.interp(answer, before, after)
        return answer

    def apply(self, raw: Floats) -> Floats:
        """Return probabilities, float64, shape of `raw` (log odds), within [`MIN_PROBABILITY`, 1 - `MIN_PROBABILITY`]."""
        odds = np.clip(self.log_odds(raw), -_MAX_LOG_ODDS, _MAX_LOG_ODDS)
        clipped: Floats = np.clip(1.0 / (1.0 + np.exp(-odds)), MIN_PROBABILITY, 1.0 - MIN_PROBABILITY)
        return clipped

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Calibration:
        """Read what `to_dict` wrote."""
        knots = tuple((float(before), float(after)) for before, after in document.get("knots", ()))
        return cls(**{**document, "knots": knots})


def log_probabilities(raw: Floats) -> tuple[Floats, Floats]:
    """log(p) and log(1 - p) of log odds, without overflow."""
    bounded = np.clip(raw, -_MAX_LOG_ODDS, _MAX_LOG_ODDS)
    return -np.logaddexp(0.0, -bounded), -np.logaddexp(0.0, bounded)
