"""What a model has to beat: the shares of the labels, the red flags of a claims desk, and a logistic regression on the same inputs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

from claimvet.data.contract.tables import LABELS, PROBABILITIES
from claimvet.models.metrics.intervals import losses_of, mean_interval
from claimvet.models.parameters import GateParams

PENALTY = 1.0
"""Inverse strength of the L2 penalty: many inputs say nearly the same."""
MIN_SHARE = 1e-4
QUANTILES = 100
MAX_FLAGS = 4
FLAGS: Mapping[str, float] = MappingProxyType(
    {
        "claim_just_under_limit": 0.0,
        "claim_days_since_incident": 30.0,
        "customer_claims_count_365d": 2.0,
        "customer_return_rate_365d": 0.5,
        "claim_amount_to_order_amount": 1.5,
    }
)
"""What a claims desk looks twice at (assumption): the feature, and the value above which it is a red flag."""


def base_rates(labels: pd.Series, index: pd.Index) -> pd.DataFrame:
    """Return every claim gets the labels' shares in `labels`, each seen one half time more (so that none is 0); columns `PROBABILITIES`."""
    counts = labels.value_counts().reindex(LABELS, fill_value=0) + 0.5
    return pd.DataFrame([(counts / counts.sum()).to_numpy()] * len(index), index=index, columns=list(PROBABILITIES))


def red_flags(features: pd.DataFrame, suspicions: Mapping[str, str]) -> pd.Series:
    """Return how many red flags each claim raises, `MAX_FLAGS` at most; index of `features`.

    Every input that is declared to raise suspicion is one where it is above 0, and so are those of `FLAGS` that the features have.
    """
    raised = [features[name] > 0 for name in features if suspicions.get(str(name)) == "raises"]
    raised += [features[name] > bound for name, bound in FLAGS.items() if name in features]
    total = pd.Series(0, index=features.index)
    for flag in raised:
        total = total + flag.fillna(False).astype("int64")
    return total.clip(upper=MAX_FLAGS)


def rules(
    features: pd.DataFrame, labels: pd.Series, later: pd.DataFrame, suspicions: Mapping[str, str]
) -> pd.DataFrame:
    """Return the labels' shares among earlier claims with as many red flags (`features`, `labels`), for `later`; columns
    `PROBABILITIES`.
    """
    flags, asked = red_flags(features, suspicions), red_flags(later, suspicions)
    by_flags = {count: base_rates(labels[flags == count], later.index[:1]) for count in range(MAX_FLAGS + 1)}
    answers = [by_flags[count].iloc[0].to_numpy() for count in asked] if len(later) else []
    return pd.DataFrame(answers, index=later.index, columns=list(PROBABILITIES), dtype="float64")


def logistic(matrix: pd.DataFrame, labels: pd.Series, later: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return a multinomial logistic regression of `labels` on ranks of `matrix`, asked about `later`; columns `PROBABILITIES`.

    Nulls take the median, with a flag beside it. Base rates where `labels` has one value only.
    """
    if labels.nunique() < 2:
        return base_rates(labels, later.index)
    ranks = QuantileTransformer(n_quantiles=min(QUANTILES, len(matrix)), random_state=seed)
    filled = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    model = make_pipeline(filled, ranks, LogisticRegression(C=PENALTY, tol=1e-3, max_iter=5000))
    model.fit(matrix.to_numpy(), labels.to_numpy(dtype=object))
    answers = pd.DataFrame(model.predict_proba(later.to_numpy()), columns=list(model[-1].classes_), index=later.index)
    kept = answers.reindex(columns=list(LABELS), fill_value=0.0).to_numpy().clip(MIN_SHARE)
    return pd.DataFrame(kept / kept.sum(axis=1, keepdims=True), index=later.index, columns=list(PROBABILITIES))


def loss_difference(evaluated: pd.DataFrame, other: pd.DataFrame, params: GateParams) -> float:
    """Return what the mean log loss of `evaluated` is above that of `other`, evaluated frames of the same claims, at most: held with
    `confidence`.
    """
    return mean_interval(losses_of(evaluated) - losses_of(other.loc[evaluated.index]), params.confidence, params.seed)[
        2
    ]
