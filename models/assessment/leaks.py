"""Does the challenger know what it should not, or was it taught upside down? Signs that stored inputs can show.

A leak is an input that knows the outcome: it makes a model look brilliant and be useless. Such an input tells the labels apart all by
itself, or is none that the catalogue declares, or makes the model better than findings, which are wrong at times, allow.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from claimvet.data.contract.finite import finite_numbers
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX
from claimvet.features.catalogue.features import BY_NAME
from claimvet.models.assessment.checks import Check
from claimvet.models.metrics.evaluation import arrays, auc, auc_abusive_metric, auc_valid_metric
from claimvet.models.parameters import GateParams
from claimvet.models.registry.registry import StoredModel
from claimvet.models.scoring.schema import InputSchema

Flags = npt.NDArray[np.bool_]

BINS = 16
"""Quantile bins of a number whose share of a label is learned."""
_PRIOR_CLAIMS = 4.0
"""Claims' worth of the overall share that each bin starts with."""


def leak_checks(challenger: StoredModel, params: GateParams) -> Iterator[Check]:
    """Check for inputs outside the catalogue, the one that tells most by itself, and a model that is too good to be true."""
    strangers = strange_inputs(challenger.model.schema)
    named = f" ({', '.join(strangers[:5])})" if strangers else ""
    yield Check(
        f"inputs that the catalogue does not declare as such{named}",
        len(strangers),
        "0, `x_` columns apart",
        not strangers,
    )
    anew, differing = challenger.parity
    named = f" ({', '.join(differing[:5])})" if differing else ""
    bound = f"0, over {anew} claims" if anew else "0; built by the same run"
    yield Check(f"features that differ when they are built anew{named}", len(differing), bound, not differing)
    auc, name = strongest_input(challenger.evaluated_features, challenger.evaluated["label"])
    bound = f"at most {params.max_single_input_auc:g}: one input alone does not know the outcome"
    yield Check(f"AUC of the strongest single input ({name})", auc, bound, auc <= params.max_single_input_auc)
    p, _, y = arrays(challenger.evaluated)
    yield direction_check(challenger, params)
    best = float(np.nanmax([auc_valid_metric(p, y), auc_abusive_metric(p, y), 0.0]))
    bound = f"at most {params.max_auc:g}: findings are wrong at times, so no model agrees with all of them"
    yield Check("AUC against findings", best, bound, best <= params.max_auc)


def direction_check(challenger: StoredModel, params: GateParams) -> Check:
    """Fail if inputs that raise suspicion by declaration significantly go with valid claims: then labels are mixed up."""
    raising = [column.name for column in challenger.model.schema.inputs if column.suspicion == "raises"]
    without_merit = (challenger.evaluated["label"] != "valid").to_numpy()
    if not raising or without_merit.all() or not without_merit.any():
        return Check(
            "AUC of inputs that raise suspicion, for claims without merit",
            0.5,
            "not significantly below 0.5; none to ask",
            True,
        )
    table = challenger.evaluated_features[raising].astype("float64").fillna(0.0)
    score = table.rank(pct=True).mean(axis=1).to_numpy()
    auc = float(roc_auc_score(without_merit, score))
    low, high = (int(kind.sum()) for kind in (without_merit, ~without_merit))
    error = np.sqrt((low + high + 1) / (12.0 * low * high))  # of an area of one half: Mann and Whitney, 1947
    upper = auc + float(norm.ppf(params.confidence)) * error
    return Check(
        "AUC of inputs that raise suspicion, for claims without merit", auc, "not significantly below 0.5", upper >= 0.5
    )


def strange_inputs(schema: InputSchema) -> list[str]:
    """Return the inputs that are neither `x_` columns nor features that models may use, or of another kind than declared, in order."""
    return [column.name for column in schema.inputs if not _is_declared(column.name, column.kind)]


def _is_declared(name: str, kind: str) -> bool:
    if name.startswith(FEATURE_COLUMN_PREFIX):
        return True
    feature = BY_NAME.get(name)
    return feature is not None and feature.model_input and (kind == "category") == (feature.dtype == "string")


def strongest_input(features: pd.DataFrame, labels: pd.Series[str]) -> tuple[float, str]:
    """Return the greatest area under the curve of valid or abusive that one input reaches, and its name; rows are in time order.

    Whatever the input's form: the share of the label by bin or category is learned on the one half of the claims and asked on the other.
    """
    wanted = [np.asarray(labels == label, dtype=np.float64) for label in ("valid", "abusive")]
    found = [
        (_auc_of(codes, target), str(name))
        for name in features
        for codes in [_binned(features[name])]
        for target in wanted
    ]
    return max(found, default=(0.5, "none"))


def _auc_of(codes: npt.NDArray[np.int64], target: npt.NDArray[np.float64]) -> float:
    even: Flags = np.arange(len(target)) % 2 == 0
    odd: Flags = ~even
    if len(np.unique(target)) < 2:
        return 0.5
    scores = np.where(even, _shares(codes, target, odd), _shares(codes, target, even))
    halves = [auc(scores[half], target[half] > 0) for half in (even, odd)]
    return float(np.nanmean(halves)) if not np.isnan(halves).all() else 0.5


def _binned(values: pd.Series) -> npt.NDArray[np.int64]:
    """Return a code for each value: its category, or its quantile bin; null has one of its own."""
    numbers = pd.to_numeric(values, errors="coerce") if not isinstance(values.dtype, pd.CategoricalDtype) else None
    if numbers is None or numbers.isna().sum() > values.isna().sum():
        return pd.factorize(values.astype("object"))[0].astype(np.int64)
    ranks = pd.Series(finite_numbers(numbers)).rank(method="min", pct=True).to_numpy()
    return np.where(np.isnan(ranks), -1, np.nan_to_num(np.minimum(ranks * BINS, BINS - 1))).astype(np.int64)


def _shares(codes: npt.NDArray[np.int64], target: npt.NDArray[np.float64], learn: Flags) -> npt.NDArray[np.float64]:
    """Return the share of the label among the rows that `learn`, by code, for every row; a code is -1 or more."""
    overall, places = target[learn].mean() if learn.any() else 0.5, codes + 1
    size = int(places.max()) + 1
    claims = np.bincount(places[learn], minlength=size)
    so = np.bincount(places[learn], target[learn], minlength=size)
    shares: npt.NDArray[np.float64] = ((so + _PRIOR_CLAIMS * overall) / (claims + _PRIOR_CLAIMS))[places]
    return shares
