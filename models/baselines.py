"""What a model has to beat: the shares of the labels, and a logistic regression on the same inputs."""

from __future__ import annotations

import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

from data.contract.tables import LABELS
from models.claim_model import PROBABILITIES

PENALTY = 1.0
"""Inverse strength of the ridge: many inputs say nearly the same."""
SMALLEST_SHARE = 1e-4
QUANTILES = 100


def base_rates(labels: pd.Series, index: pd.Index) -> pd.DataFrame:
    """Every claim gets the labels' shares in `labels`, each seen one half time more (so that none is 0); columns `PROBABILITIES`."""
    counts = labels.value_counts().reindex(LABELS, fill_value=0) + 0.5
    return pd.DataFrame([(counts / counts.sum()).to_numpy()] * len(index), index=index, columns=list(PROBABILITIES))


def logistic(matrix: pd.DataFrame, labels: pd.Series, later: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Multinomial logistic regression of `labels` on ranks of `matrix`, asked about `later`; columns `PROBABILITIES`.

    Nulls take the median, with a flag beside it. Base rates where `labels` has one value only.
    """
    if labels.nunique() < 2:
        return base_rates(labels, later.index)
    ranks = QuantileTransformer(n_quantiles=min(QUANTILES, len(matrix)), random_state=seed)
    filled = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    model = make_pipeline(filled, ranks, LogisticRegression(C=PENALTY, tol=1e-3, max_iter=5000))
    model.fit(matrix.to_numpy(), labels.to_numpy(dtype=object))
    answers = pd.DataFrame(model.predict_proba(later.to_numpy()), columns=list(model[-1].classes_), index=later.index)
    kept = answers.reindex(columns=list(LABELS), fill_value=0.0).to_numpy().clip(SMALLEST_SHARE)
    return pd.DataFrame(kept / kept.sum(axis=1, keepdims=True), index=later.index, columns=list(PROBABILITIES))
