"""From findings to a calibrated pair of boosters: encode, count trees, score out of fold, soften labels, grow, calibrate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from claimvet.models.learning.boosters import (
    Boosters,
    TrainingSet,
    grow_both,
    suspicion_signs,
    tree_counts,
)
from claimvet.models.learning.calibration_fit import Calibrated, fit_calibrations
from claimvet.models.learning.held_out import held_out
from claimvet.models.learning.soft_labels import hard_labels, out_of_fold, soft_labels
from claimvet.models.learning.splits import robust_end
from claimvet.models.learning.target_encoding import learn_rates
from claimvet.models.learning.training_data import TrainingData
from claimvet.models.parameters import TrainParams
from claimvet.models.scoring.schema import InputSchema

UNKNOWN_TREES: Mapping[str, int] = MappingProxyType({})
"""Trees of no booster: early stopping finds them."""


@dataclass(frozen=True)
class Pair:
    """Two boosters and the inputs that they were grown on."""

    schema: InputSchema
    boosters: Boosters

    def raw(self, features: pd.DataFrame) -> pd.DataFrame:
        """Return log odds against valid: columns `frivolous` and `abusive`, float64, index of `features`."""
        return self.boosters.log_odds(self.schema.conform(features))


@dataclass(frozen=True)
class CalibratedPair:
    """A pair, its calibration, and the out-of-fold answers for the findings that it was grown on (`models.learning.held_out`)."""

    pair: Pair
    calibrated: Calibrated
    out_of_fold: pd.DataFrame

    def held_out(self, features: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
        """Return what the pair says of findings that it was not grown on (`models.learning.held_out`)."""
        return held_out(self.pair.raw(features.loc[findings.index]), self.calibrated, findings)


def train_pair(
    data: TrainingData, findings: pd.DataFrame, params: TrainParams, trees: Mapping[str, int] = UNKNOWN_TREES
) -> CalibratedPair:
    """Grow and calibrate both boosters on `findings` (in time order) and the unchecked claims before them.

    `trees` is how many each booster gets; early stopping finds those that it lacks.
    """
    schema, hard = _encoded(data, findings, params)
    unchecked = schema.conform(data.features.loc[_unchecked(data, findings, params)])
    counts = tree_counts(hard, trees, params)
    scores = out_of_fold(hard, unchecked, counts, params)
    training_set = soft_labels(hard, findings, unchecked, scores, params.unchecked_weight)
    calibrated = fit_calibrations(scores.findings, findings["label"], findings["decided_by"])
    unseen = held_out(scores.findings.set_axis(findings.index), calibrated, findings)
    return CalibratedPair(Pair(schema, grow_both(training_set, counts, params)), calibrated, unseen)


def train_plain_pair(data: TrainingData, findings: pd.DataFrame, params: TrainParams) -> Pair:
    """Grow both boosters on the hard labels of `findings` (in time order), each with as many trees as do best on the latest of them."""
    schema, hard = _encoded(data, findings, params)
    return Pair(schema, grow_both(hard, tree_counts(hard, UNKNOWN_TREES, params), params))


def _encoded(data: TrainingData, findings: pd.DataFrame, params: TrainParams) -> tuple[InputSchema, TrainingSet]:
    """Return the inputs as these findings have them, and the findings with hard labels."""
    features, labels = data.features.loc[findings.index], findings["label"].to_numpy()
    schema, matrix = learn_rates(InputSchema.fit(features, data.suspicions), features, labels != "valid", params.seed)
    return schema, hard_labels(matrix, list(labels), suspicion_signs(schema))


def _unchecked(data: TrainingData, findings: pd.DataFrame, params: TrainParams) -> pd.Index:
    """Return the claims without an outcome that were filed before `findings` end: the latest, as many as the parameters allow."""
    unseen = data.features.index.difference(pd.Index(data.outcomes["claim_id"].unique()))
    filed = data.claims["filed_at"].reindex(unseen)
    before = filed[filed < robust_end(findings["filed_at"])].sort_values(kind="stable")
    latest: pd.Index = before.index[::-1][: int(params.unchecked_per_finding * len(findings))]
    return latest
