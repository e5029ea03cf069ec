"""Why a claim has its label: the features that moved the two boosters most, each as a sentence.

A label's score is a sum of log-odds: for `valid` the merit booster's, for `frivolous` minus merit minus deception, for
`abusive` minus merit plus deception. Tree SHAP splits it into one contribution a feature and a base, which add up to it
exactly; the unit is log-odds (0.69 doubles the odds), positive is towards the label. Calibration comes after it and keeps order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from data.contract.errors import ModelError
from data.contract.tables import LABELS
from models.contributions import contributions
from models.usual import Usual, Value, sentence

Floats = npt.NDArray[np.float64]

SIGNS: Mapping[str, tuple[float, float]] = {"valid": (1.0, 0.0), "frivolous": (-1.0, -1.0), "abusive": (-1.0, 1.0)}
"""By label: what the log-odds of merit and of deception count towards it."""


class Explained(Protocol):
    """What `explain` needs of a model; `models.claim_model.ClaimModel` has it."""

    @property
    def merit(self) -> lgb.Booster: ...
    @property
    def deception(self) -> lgb.Booster: ...
    @property
    def sources(self) -> dict[str, str]: ...
    @property
    def usual(self) -> Mapping[str, Usual]: ...
    def matrix(self, features: pd.DataFrame) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Reason:
    """One feature of one claim: its value (number, string, or None where null), its contribution, and a sentence."""

    feature: str
    value: Value
    contribution: float
    text: str


def explain(
    model: Explained, features: pd.DataFrame, labels: Sequence[str] | pd.Series, top: int = 5
) -> list[list[Reason]]:
    """For each row of `features` its reasons towards its label, strongest first, `top` at most.

    What speaks against the label is left out, unless nothing speaks for it: then that stands there, its contributions below 0.
    Raises `ModelError` for a label that is none.
    """
    return reasons_for(model, model.matrix(features), features, labels, top)


def reasons_for(
    model: Explained, matrix: pd.DataFrame, features: pd.DataFrame, labels: Sequence[str] | pd.Series, top: int = 5
) -> list[list[Reason]]:
    """As `explain`, for a matrix that `model.matrix` has made of `features`."""
    towards, names = label_contributions(model, matrix, list(labels))
    return _reasons(towards, names, features, model.usual, top)


def label_contributions(
    model: Explained, matrix: pd.DataFrame, labels: Sequence[str]
) -> tuple[Floats, tuple[str, ...]]:
    """Contribution of each input towards each row's label (n, inputs; float64, log-odds), and the inputs' names."""
    merit, deception = _signs(labels)
    columns = merit[:, None] * contributions(model.merit, matrix)[:, :-1]
    accused = np.flatnonzero(deception)
    of_deception = contributions(model.deception, matrix.iloc[accused])[:, :-1]
    columns[accused] += deception[accused, None] * of_deception
    return _by_input(columns, [model.sources[name] for name in matrix.columns])


def _signs(labels: Sequence[str]) -> tuple[Floats, Floats]:
    unknown = sorted(set(labels) - set(SIGNS))
    if unknown:
        raise ModelError(f"there are no reasons for the label {unknown[0]!r}; expected one of {', '.join(LABELS)}")
    signs = np.array([SIGNS[label] for label in labels], dtype=np.float64).reshape(-1, 2)
    return signs[:, 0], signs[:, 1]


def _by_input(columns: Floats, sources: Sequence[str]) -> tuple[Floats, tuple[str, ...]]:
    """Sums the columns that were made from the same input."""
    names = tuple(dict.fromkeys(sources))
    if len(names) == len(sources):
        return columns, names
    places = [names.index(source) for source in sources]
    summed = np.zeros((len(columns), len(names)))
    np.add.at(summed.T, places, columns.T)
    return summed, names


def _strongest(towards: Floats, top: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Places of the `top` strongest contributions of each row, strongest first, and which of them to keep."""
    nothing_for_it = ~(towards > 0.0).any(axis=1)
    strength = np.where(nothing_for_it[:, None], -towards, towards)
    order = np.argsort(-strength, axis=1, kind="stable")[:, :top]
    return order, np.take_along_axis(strength, order, axis=1) > 0.0


def _reasons(
    towards: Floats, names: Sequence[str], features: pd.DataFrame, usual: Mapping[str, Usual], top: int
) -> list[list[Reason]]:
    order, kept = _strongest(towards, top)
    reasons: list[dict[int, Reason]] = [{} for _ in range(len(towards))]
    for place in np.unique(order[kept]).tolist():
        rows, ranks = (found.tolist() for found in np.nonzero((order == place) & kept))
        name = names[place]
        values = [_plain(value) for value in features[name].iloc[rows]]
        texts = {value: sentence(name, value, usual.get(name)) for value in set(values)}
        for row, rank, value in zip(rows, ranks, values, strict=True):
            reasons[row][rank] = Reason(name, value, float(towards[row, place]), texts[value])
    return [[reason for _, reason in sorted(row.items())] for row in reasons]


def _plain(value: object) -> Value:
    """The value as JSON holds it."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float) and math.isnan(plain):
        return None
    return plain if isinstance(plain, (bool, int, float, str)) else str(plain)
