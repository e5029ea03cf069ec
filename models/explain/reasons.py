"""Why a claim has its label: the features that moved its score most, each as a sentence.

A claim called frivolous or abusive is explained by its log-odds against being valid; a claim called valid by its log-odds against
the likelier of the other two. Either is the raw score of one booster or its negative, and Tree SHAP splits it into one contribution
a feature and a base, which add up to it exactly. The unit is log-odds (0.69 doubles the odds), positive is towards the label.
Calibration comes after and keeps the order. What is protected, or stands in for it (`models.explain.protected`), is never told as a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.finite import is_missing
from claimvet.data.contract.tables import PROBABILITIES
from claimvet.models.explain.protected import is_protected
from claimvet.models.explain.reference_ranges import ReferenceRange, Value, sentence
from claimvet.models.explain.tree_shap import contributions

Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


class Explained(Protocol):
    """What `explain` needs of a model; `models.scoring.claim_model.ClaimModel` has it.

    The raw scores of `frivolous` and `abusive` are log-odds against valid; `sources` says which input a column of the matrix
    was made from.
    """

    @property
    def frivolous(self) -> lgb.Booster: ...
    @property
    def abusive(self) -> lgb.Booster: ...
    @property
    def sources(self) -> Mapping[str, str]: ...
    @property
    def reference_ranges(self) -> Mapping[str, ReferenceRange]: ...
    def matrix(self, features: pd.DataFrame) -> pd.DataFrame: ...
    def probabilities_of(self, matrix: pd.DataFrame) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Reason:
    """One feature of one claim: its value (number, string, or None where null), its contribution, and a sentence."""

    feature: str
    value: Value
    contribution: float
    text: str


def explain(model: Explained, features: pd.DataFrame, top: int = 5) -> list[list[Reason]]:
    """Return for each row of `features` its reasons towards its most likely label, strongest first, `top` at most.

    What speaks against the label is left out, unless nothing speaks for it: then that stands there, its contributions below 0.

    >>> from claimvet.models.learning.example_data import example_data
    >>> from claimvet.models.learning.training import train_model
    >>> from claimvet.models.parameters import SplitParams, TrainParams
    >>> from claimvet.models.policy.policy import Policy
    >>> model = train_model(example_data(), SplitParams(), TrainParams(num_boost_round=20), Policy()).model
    >>> ((reason,),) = explain(model, example_data().features.tail(1), top=1)
    >>> reason.feature, reason.value, reason.contribution > 0
    ('customer_claims_count_365d', 0.0, True)
    """
    matrix = model.matrix(features)
    return reasons_for(model, matrix, features, model.probabilities_of(matrix), top)


def reasons_for(
    model: Explained,
    matrix: pd.DataFrame,
    features: pd.DataFrame,
    probabilities: pd.DataFrame,
    top: int = 5,
    raw: tuple[Floats, Floats] | None = None,
) -> list[list[Reason]]:
    """Do as `explain`, with the `matrix` that the model has made of `features`, and what it has made of that.

    `raw` are the boosters' scores where they are at hand: contributions are checked against them.
    """
    towards, names = label_contributions(model, matrix, probabilities, raw)
    return _reasons(towards, names, features, model.reference_ranges, top)


def label_contributions(
    model: Explained, matrix: pd.DataFrame, probabilities: pd.DataFrame, raw: tuple[Floats, Floats] | None = None
) -> tuple[Floats, tuple[str, ...]]:
    """Return the contribution of each input towards each row's most likely label (float64, n by inputs, log-odds), and the inputs' names.

    Where several columns of the matrix were made from one input, it has the sum of what they contribute.
    """
    valid, by_abusive = _question(probabilities)
    towards = np.empty(matrix.shape, dtype=np.float64)
    known = raw or (None, None)
    for booster, asked, scores in ((model.frivolous, ~by_abusive, known[0]), (model.abusive, by_abusive, known[1])):
        rows = np.flatnonzero(asked)
        own = None if scores is None else scores[rows]
        towards[rows] = contributions(booster, matrix.iloc[rows].to_numpy(), own)
    return _by_input(np.where(valid[:, None], -towards, towards), [model.sources[str(name)] for name in matrix.columns])


def _by_input(towards: Floats, sources: Sequence[str]) -> tuple[Floats, tuple[str, ...]]:
    names = tuple(dict.fromkeys(sources))
    if len(names) == len(sources):
        return towards, names
    summed = np.zeros((len(towards), len(names)))
    for place, source in enumerate(sources):
        summed[:, names.index(source)] += towards[:, place]
    return summed, names


def _question(probabilities: pd.DataFrame) -> tuple[Flags, Flags]:
    """Return which rows are called valid, and which are explained by the abusive booster; the frivolous one has the others."""
    p = probabilities[list(PROBABILITIES)].to_numpy(dtype=np.float64)
    label: Places = p.argmax(axis=1)
    valid: Flags = label == 0
    return valid, np.where(valid, p[:, 2] > p[:, 1], label == 2)


def _strongest(towards: Floats, top: int) -> tuple[Places, Flags]:
    """Return the places of the `top` strongest contributions of each row, strongest first, and which of them to keep."""
    nothing_for_it = (towards <= 0.0).all(axis=1, keepdims=True)
    strength = np.where(nothing_for_it, -towards, towards)
    order = np.argsort(-strength, axis=1, kind="stable")[:, :top]
    return order, np.take_along_axis(strength, order, axis=1) > 0.0


def _reasons(
    towards: Floats, names: Sequence[str], features: pd.DataFrame, ranges: Mapping[str, ReferenceRange], top: int
) -> list[list[Reason]]:
    told = np.array([not is_protected(name) for name in names])
    order, kept = _strongest(np.where(told, towards, 0.0), top)
    reasons: list[dict[int, Reason]] = [{} for _ in range(len(towards))]
    for place in np.unique(order[kept]).tolist():
        rows, ranks = (found.tolist() for found in np.nonzero((order == place) & kept))
        name = names[place]
        values = [_plain(value) for value in features[name].iloc[rows]]
        texts = {value: sentence(name, value, ranges.get(name)) for value in set(values)}
        for row, rank, value in zip(rows, ranks, values, strict=True):
            reasons[row][rank] = Reason(name, value, float(towards[row, place]), texts[value])
    return [[reason for _, reason in sorted(row.items())] for row in reasons]


def _plain(value: object) -> Value:
    """Return the value as JSON holds it."""
    plain = value.item() if isinstance(value, np.generic) else value
    if is_missing(plain):
        return None
    return plain if isinstance(plain, (bool, int, float, str)) else str(plain)
