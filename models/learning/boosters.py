"""Two boosters, each against valid: one learns frivolous from valid and frivolous findings, one abusive from valid and abusive ones.

That frivolous and abusive claims differ from valid ones in different ways is why the pair does better than P(valid) with
P(abusive | not valid), and than one multiclass model: docs/decisions has the figures. Inputs whose direction is beyond doubt are
monotone in both boosters: what raises suspicion never raises P(valid), and never lowers the odds of abusive against valid.

LightGBM with fixed seeds, one thread a booster and column-wise histograms: equal data and parameters give equal text. Boosters are grown
side by side instead, which takes less time than threads within one and leaves their text as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.tables import LABELS
from claimvet.features.engines.parallel_map import parallel_map
from claimvet.models.learning.averaging import averaged
from claimvet.models.metrics.label_noise import BOOSTER_LABELS
from claimvet.models.parameters import TrainParams
from claimvet.models.scoring.claim_model import raw_scores
from claimvet.models.scoring.schema import InputSchema, booster_safe

Flags = npt.NDArray[np.bool_]

STOPPING_SHARE = 0.15
"""Share of the training claims, the latest filed, that says how many trees are enough."""
PATIENCE = 40
"""Trees without gain on that share after which growing stops."""
MIN_TREES = 300
"""Trees at least, if `num_boost_round` allows: where the shares of labels drift, loss on the latest claims stops growing far too early, and
calibration mends what a few trees too many do."""

CLAIMS_A_LEAF, MIN_LEAVES = 400, 4
"""Claims for each leaf that a tree may have, and the leaves that it may have however few there are: hundreds of findings cannot tell which
of their inputs act together (docs/decisions/0021)."""

MIN_BINS, MAX_BINS, CLAIMS_IN_BIN = 127, 255, 128
"""Values of an input that splits may tell apart: one for so many claims. On tens of thousands of claims finer ones tell more."""

_SIGNS = {"raises": 1, "lowers": -1}


@dataclass(frozen=True)
class TrainingSet:
    """What boosters are grown on: a matrix (n rows), P of each label (n, 3), each row's weight (n,), each column's monotone constraint."""

    matrix: pd.DataFrame
    labels: Floats
    weight: Floats
    signs: Sequence[int]

    def take(self, rows: Flags) -> TrainingSet:
        """Return some of the rows."""
        return TrainingSet(self.matrix[rows], self.labels[rows], self.weight[rows], self.signs)

    def binary_target(self, label: str) -> tuple[Flags, Floats, Floats]:
        """Return what the booster of `label` learns: which rows have a part in it, P(label, not valid) of those, and their weight."""
        against = self.labels[:, LABELS.index(label)]
        weight = self.weight * (self.labels[:, 0] + against)
        asked = weight > 1e-6
        return asked, (self.weight * against)[asked] / weight[asked], weight[asked]


@dataclass(frozen=True)
class Boosters:
    """One booster for each of `BOOSTER_LABELS`, against valid."""

    frivolous: lgb.Booster
    abusive: lgb.Booster

    def log_odds(self, matrix: pd.DataFrame) -> pd.DataFrame:
        """Return log odds against valid: columns `BOOSTER_LABELS`, float64, index of `matrix`."""
        return pd.DataFrame(
            {name: raw_scores(getattr(self, name), matrix) for name in BOOSTER_LABELS}, index=matrix.index
        )

    def trees(self, params: TrainParams) -> dict[str, int]:
        """Return how many trees each booster has before averaging; a constant one is left out."""
        counts = {name: getattr(self, name).num_trees() for name in BOOSTER_LABELS}
        return {name: count // params.averaged for name, count in counts.items() if count > 1}


def grow_both(training_set: TrainingSet, trees: Mapping[str, int], params: TrainParams) -> Boosters:
    """Grow a booster of so many trees for each label, at the same time where threads allow."""

    def booster(label: str) -> lgb.Booster:
        rows, target, weight = training_set.binary_target(label)
        return grow(training_set.matrix[rows], target, training_set.signs, trees[label], params, weight)

    return Boosters(*parallel_map(booster, BOOSTER_LABELS, params.threads))


def tree_counts(training_set: TrainingSet, known: Mapping[str, int], params: TrainParams) -> dict[str, int]:
    """Return the trees of each label's booster: as known, or what does best on the latest rows."""

    def count(label: str) -> int:
        rows, target, _ = training_set.binary_target(label)
        return known.get(label) or enough_trees(training_set.matrix[rows], target, training_set.signs, params)

    return dict(zip(BOOSTER_LABELS, parallel_map(count, BOOSTER_LABELS, params.threads), strict=True))


def suspicion_signs(schema: InputSchema) -> list[int]:
    """Return the monotone constraint of each input against valid, in order: 1 rises, -1 falls, 0 free."""
    return [_SIGNS.get(column.suspicion, 0) for column in schema.inputs]


def grow(
    matrix: pd.DataFrame,
    target: Floats,
    signs: Sequence[int],
    trees: int,
    params: TrainParams,
    weight: Floats | None = None,
) -> lgb.Booster:
    """Return a booster for the mean of `target`, the average of `params.averaged` of `trees` trees each, of seeds that follow one another.

    A constant one where `target` has one value only, or no row.

    `matrix` is float64 with rows in time order, `target` 0 to 1 (how sure it is), `signs` the monotone constraint of each column.
    """
    if len(np.unique(target)) < 2:
        return _constant(matrix, target, params)
    settings = booster_settings(signs, len(target), params) | {"objective": "cross_entropy"}
    data = _data(matrix, target, weight)
    seeds = range(params.seed, params.seed + params.averaged)
    return averaged([lgb.train(settings | {"seed": seed}, data, num_boost_round=trees) for seed in seeds])


def enough_trees(matrix: pd.DataFrame, target: Floats, signs: Sequence[int], params: TrainParams) -> int:
    """Return how many trees do best on the latest rows when the earlier ones train; `MIN_TREES` where that cannot be told.

    The rows are in time order. The count is scaled to all rows, which carry more trees than those that were grown on.
    """
    cut = int(len(target) * (1 - STOPPING_SHARE))
    early, late = slice(None, cut), slice(cut, None)
    if min(len(np.unique(target[early])), len(np.unique(target[late]))) < 2:
        return min(MIN_TREES, params.num_boost_round)
    grown = lgb.train(
        booster_settings(signs, cut, params),
        _data(matrix.iloc[early], target[early]),
        num_boost_round=params.num_boost_round,
        valid_sets=[_data(matrix.iloc[late], target[late])],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
    )
    return int(
        np.clip(
            round(grown.best_iteration / (1 - STOPPING_SHARE)),
            min(MIN_TREES, params.num_boost_round),
            params.num_boost_round,
        )
    )


def booster_settings(signs: Sequence[int], rows: int, params: TrainParams) -> dict[str, Any]:
    """Return LightGBM's settings of a binary booster grown on `rows` claims; `signs` is the monotone constraint of each input."""
    return {
        "objective": "binary",
        "learning_rate": params.learning_rate,
        "max_depth": params.max_depth,
        "num_leaves": max(min(params.num_leaves, rows // CLAIMS_A_LEAF), min(params.num_leaves, MIN_LEAVES)),
        "min_data_in_leaf": min(params.min_data_in_leaf, max(5, rows // 40)),
        "feature_fraction": params.feature_fraction,
        "bagging_fraction": params.bagging_fraction,
        "bagging_freq": 1,
        "lambda_l2": params.lambda_l2,
        "monotone_constraints": list(signs),
        "max_bin": min(max(MIN_BINS, rows // CLAIMS_IN_BIN), MAX_BINS),
        "seed": params.seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }


def _data(matrix: pd.DataFrame, target: Floats, weight: Floats | None = None) -> lgb.Dataset:
    names = [booster_safe(str(name), position) for position, name in enumerate(matrix.columns)]
    return lgb.Dataset(matrix.to_numpy(), label=target, weight=weight, feature_name=names)


def _constant(matrix: pd.DataFrame, target: Floats, params: TrainParams) -> lgb.Booster:
    """Return one leaf that answers (positives + 1/2) / (rows + 1) whatever the input (Krichevsky and Trofimov's estimate)."""
    share = (float(target.sum()) + 0.5) / (len(target) + 1.0)
    nothing = pd.DataFrame(np.zeros((2, matrix.shape[1])), columns=matrix.columns)
    settings = booster_settings([0] * matrix.shape[1], 2, params) | {"bagging_freq": 0, "min_data_in_leaf": 2}
    data = _data(nothing, np.array([0.0, 1.0]), np.array([1.0 - share, share]))
    return lgb.train(settings, data, num_boost_round=1)
