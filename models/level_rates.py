"""A category as the rate of claims without merit among its level, learned without leaking a claim's own label (scikit-learn).

A rate that a claim's own label went into looks better than it is, so the rows that train get theirs from the other folds (Micci-Barreca
2001; scikit-learn's TargetEncoder, which also shrinks the rates of rare levels towards the mean).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import TargetEncoder

from models.schema import Input, InputSchema, level_text

FOLDS = 5
_NULL = "\0"
"""Stands for a null, which is a level of its own."""


def learn_rates(
    schema: InputSchema, features: pd.DataFrame, target: npt.NDArray[np.bool_], seed: int
) -> tuple[InputSchema, pd.DataFrame]:
    """The schema with rates for its categories, and the float64 matrix to grow on, whose rates come from the other folds.

    `target` says of each row of `features` whether it lacks merit. Where either answer is rarer than two the schema keeps ranks.
    """
    matrix = schema.conform(features)
    rarer = int(min(target.sum(), (~target).sum()))
    names = [column.name for column in schema.categories]
    if rarer < 2 or not names:
        return schema, matrix
    folds = StratifiedKFold(min(FOLDS, rarer), shuffle=True, random_state=seed)
    encoder = TargetEncoder(target_type="binary", cv=folds)
    levels = np.column_stack([_levels(features[name]) for name in names])
    matrix[names] = encoder.fit_transform(levels, target.astype(np.int64))
    learned = {
        name: _rates(
            column,
            dict(zip(encoder.categories_[place], encoder.encodings_[place], strict=True)),
            float(encoder.target_mean_),
        )
        for place, (name, column) in enumerate(zip(names, schema.categories, strict=True))
    }
    return InputSchema(tuple(replace(column, rates=learned.get(column.name, ())) for column in schema.inputs)), matrix


def _levels(values: pd.Series) -> npt.NDArray[np.object_]:
    return np.array(
        [_NULL if missing else level_text(value) for value, missing in zip(values, values.isna(), strict=True)],
        dtype=object,
    )


def _rates(column: Input, rate: dict[str, float], mean: float) -> tuple[float, ...]:
    return (*(float(rate[level]) for level in column.levels), float(rate.get(_NULL, mean)), mean)
