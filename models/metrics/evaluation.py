"""How good is it? Figures of probabilities against findings, over all and in every slice that somebody may ask for.

`evaluated` frames hold one row a claim: `label` (valid, frivolous, abusive), `p_valid`, `p_frivolous`, `p_abusive`, `found_valid`,
`found_frivolous`, `found_abusive`, and the columns that slices are cut by. What ranks claims is asked of the probabilities; what
measures them against findings (log loss, Brier, calibration) is asked of the `found_` ones, which reckon with findings that are wrong
(`models.metrics.label_noise`). A figure that cannot be (an area under a curve where one label is missing) is NaN, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.tables import CONCESSION_LIMIT_USD, GROUP_COLUMN_PREFIX, LABELS, PROBABILITIES
from claimvet.models.bootstrap import resamples
from claimvet.models.metrics.label_noise import found_probabilities
from claimvet.models.policy.policy import Policy

Metric = Callable[[Floats, npt.NDArray[np.intp]], float]
"""Probabilities (n, 3) in the order of the labels, and the position of each claim's label, to one figure."""

BINS = 10
"""Bins of equal width of P(valid) in the calibration error (Guo et al., ICML 2017, use 15 on far larger test sets)."""
RESAMPLES = 200
"""Bootstrap resamples of an interval: each counts all figures anew."""
MIN_SLICE = 30
"""A slice with fewer findings says nothing; it is left out."""
SLICES = ("month", "lane", "claim_type", "amount_band", "category_id", "is_new_customer")
"""Columns of an evaluated frame that the report cuts by."""
AMOUNT_BANDS = (50.0, 200.0, CONCESSION_LIMIT_USD, 5000.0)
"""Where bands of the amount claimed end, US dollars."""
CARRIED = (
    "evidence_count",
    "seller_policies_count",
    "seller_orders_count",
    "seller_sales_30d",
    "seller_sales_365d",
    "cluster_customers",
    "cluster_expected",
    "customer_account_age_days",
)
"""Columns that an evaluated frame takes over from the claims where they are there, and all that begin with `group_`."""


def auc_valid_metric(p: Floats, y: npt.NDArray[np.intp]) -> float:
    """Return the area under the ROC curve of valid against the rest."""
    return auc(p[:, 0], y == 0)


def auc_abusive_metric(p: Floats, y: npt.NDArray[np.intp]) -> float:
    """Return the area under the ROC curve of abusive against the rest."""
    return auc(p[:, 2], y == 2)


def average_precision_valid_metric(p: Floats, y: npt.NDArray[np.intp]) -> float:
    """Return the area under the precision-recall curve of valid against the rest."""
    return _average_precision(p[:, 0], y == 0)


def average_precision_abusive_metric(p: Floats, y: npt.NDArray[np.intp]) -> float:
    """Return the area under the precision-recall curve of abusive against the rest."""
    return _average_precision(p[:, 2], y == 2)


def log_loss_metric(p: Floats, y: npt.NDArray[np.intp]) -> float:
    """Return the mean negative log probability of the label that was found, in nats."""
    return float(-np.log(p[np.arange(len(y)), y]).mean())


def brier_metric(p: Floats, y: npt.NDArray[np.intp]) -> float:
    """Return the mean squared distance of the three probabilities from the label, 0 to 2."""
    return float(((p - np.eye(len(LABELS))[y]) ** 2).sum(axis=1).mean())


def calibration_error_metric(p: Floats, y: npt.NDArray[np.intp]) -> float:
    """Return the expected calibration error of P(valid): mean distance from the share of valid claims, over `BINS` bins."""
    return float(calibration_errors(p[:, 0], (y == 0)[None, :])[0])


def calibration_errors(p_valid: Floats, are_valid: npt.NDArray[np.bool_]) -> Floats:
    """Return the same for many outcomes of the same claims: `are_valid` (m, n), answer (m,)."""
    inside = np.minimum((p_valid * BINS).astype(np.intp), BINS - 1)[:, None] == np.arange(BINS)
    off = (p_valid @ inside)[None, :] - are_valid.astype(np.float64) @ inside.astype(np.float64)
    errors: Floats = np.abs(off).sum(axis=1) / len(p_valid)
    return errors


def accuracy_metric(p: Floats, y: npt.NDArray[np.intp]) -> float:
    """Return the share of claims whose most likely label is the one that was found."""
    return float((p.argmax(axis=1) == y).mean())


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "auc_valid": auc_valid_metric,
        "auc_abusive": auc_abusive_metric,
        "average_precision_valid": average_precision_valid_metric,
        "average_precision_abusive": average_precision_abusive_metric,
        "log_loss": log_loss_metric,
        "brier": brier_metric,
        "calibration_error": calibration_error_metric,
        "accuracy": accuracy_metric,
    }
)
"""Every figure by name."""
RANKING = frozenset({"auc_valid", "auc_abusive", "average_precision_valid", "average_precision_abusive", "accuracy"})
"""Figures that are asked of the probabilities themselves."""
FOUND = ("found_valid", "found_frivolous", "found_abusive")
"""Columns of an evaluated frame: how likely its decider finds each label, errors included."""


def figures(evaluated: pd.DataFrame) -> dict[str, float]:
    """Return all `METRICS` of an evaluated frame; NaN throughout where it is empty.

    >>> p = {"p_valid": [0.8, 0.2], "p_frivolous": [0.1, 0.7], "p_abusive": [0.1, 0.1]}
    >>> found = {f"found_{name.removeprefix('p_')}": values for name, values in p.items()}
    >>> measured = figures(pd.DataFrame({"label": ["valid", "frivolous"], **p, **found}))
    >>> measured["auc_valid"], measured["accuracy"], round(measured["log_loss"], 3)
    (1.0, 1.0, 0.29)
    """
    return _figures(*arrays(evaluated))


def intervals(evaluated: pd.DataFrame, seed: int, level: float = 0.95) -> pd.DataFrame:
    """Return bootstrap intervals: index metric, columns `low` and `high` (percentiles of `RESAMPLES` resamples of claims)."""
    p, found, y = arrays(evaluated)
    drawn = (np.repeat(np.arange(len(y)), counts) for counts in resamples(len(y), seed, RESAMPLES))
    values = pd.DataFrame([_figures(p[rows], found[rows], y[rows]) for rows in drawn], columns=list(METRICS))
    tail = (1 - level) / 2
    return pd.DataFrame({"low": values.quantile(tail), "high": values.quantile(1 - tail)})


def by_slice(evaluated: pd.DataFrame) -> pd.DataFrame:
    """Return all figures in every slice of at least `MIN_SLICE` findings: columns `slice`, `value`, `findings`, then the metrics."""
    rows = []
    for name in (name for name in SLICES if name in evaluated):
        for value, part in evaluated.groupby(name, sort=True):
            if len(part) >= MIN_SLICE:
                rows.append({"slice": name, "value": str(value), "findings": len(part), **figures(part)})
    return pd.DataFrame(rows, columns=["slice", "value", "findings", *METRICS])


def calibration_curve(probability: Floats, is_so: npt.NDArray[np.bool_], bins: int = BINS) -> pd.DataFrame:
    """Return one row a bin of equal width that is not empty: `claims` (number), `p_mean`, `share` (of those that are so).

    >>> curve = calibration_curve(np.array([0.1, 0.2, 0.7, 0.9]), np.array([False, True, True, True]), bins=2)
    >>> [(int(row.claims), round(row.p_mean, 2), row.share) for row in curve.itertuples()]
    [(2, 0.15, 0.5), (2, 0.8, 1.0)]
    """
    position = np.minimum((probability * bins).astype(np.intp), bins - 1)
    frame = pd.DataFrame({"bin": position, "p": probability, "so": is_so.astype(np.float64)}).groupby("bin")
    return pd.DataFrame({"claims": frame["p"].size(), "p_mean": frame["p"].mean(), "share": frame["so"].mean()})


def confusion(evaluated: pd.DataFrame) -> pd.DataFrame:
    """Return the number of claims by label found (rows) and most likely label (columns).

    >>> p = {"p_valid": [0.8, 0.2], "p_frivolous": [0.1, 0.7], "p_abusive": [0.1, 0.1]}
    >>> found = {f"found_{name.removeprefix('p_')}": values for name, values in p.items()}
    >>> confusion(pd.DataFrame({"label": ["valid", "abusive"], **p, **found})).to_numpy().tolist()
    [[1, 0, 0], [0, 0, 0], [0, 1, 0]]
    """
    p, _, y = arrays(evaluated)
    counts = np.zeros((len(LABELS), len(LABELS)), dtype=np.int64)
    np.add.at(counts, (y, p.argmax(axis=1)), 1)
    return pd.DataFrame(counts, index=pd.Index(LABELS, name="found"), columns=pd.Index(LABELS, name="most likely"))


def evaluated_frame(
    claims: pd.DataFrame,
    findings: pd.DataFrame,
    probabilities: pd.DataFrame,
    errors: Floats,
    known_customers: set[str],
    policy: Policy,
) -> pd.DataFrame:
    """Put together what the figures need, indexed by `claim_id` as `findings` (with `label` and `decided_by`) is.

    `errors` is how often each claim's decider is wrong.

    `claims` has `filed_at`, `customer_id`, `claim_type`, `amount_claimed` and `category_id`, and may have what is `CARRIED` over; a
    customer outside `known_customers` (those with a claim that trained) is new; a claim's lane is that of `policy`.
    """
    more = [name for name in claims if name in CARRIED or str(name).startswith(GROUP_COLUMN_PREFIX)]
    rows = claims.loc[findings.index, ["filed_at", "customer_id", "claim_type", "amount_claimed", "category_id", *more]]
    lane = policy.lanes(rows["amount_claimed"])
    month, new = rows["filed_at"].dt.strftime("%Y-%m"), ~rows["customer_id"].isin(known_customers)
    found = found_probabilities(
        probabilities.loc[findings.index].to_numpy(dtype=np.float64).reshape(-1, len(LABELS)), errors
    )
    answers = {**probabilities.loc[findings.index], **dict(zip(FOUND, found.T, strict=True))}
    found_by = {"label": findings["label"], "decided_by": findings["decided_by"]}
    bands = amount_bands(rows["amount_claimed"])
    return rows.assign(**found_by, **answers, lane=lane, month=month, amount_band=bands, is_new_customer=new)


def amount_bands(amounts: pd.Series) -> pd.Series:
    """Return the band of each amount in US dollars as text, `not stated` for null.

    >>> amount_bands(pd.Series([49.0, 5000.0, None])).tolist()
    ['under $50', '$5,000 and more', 'not stated']
    """
    names = ["under $50", *(f"${low:,.0f} to ${high:,.0f}" for low, high in pairwise(AMOUNT_BANDS))]
    names.append(f"${AMOUNT_BANDS[-1]:,.0f} and more")
    places = np.searchsorted(AMOUNT_BANDS, amounts.fillna(0.0).to_numpy(dtype=np.float64), side="right")
    return pd.Series(np.array(names, dtype=object)[places], index=amounts.index).where(amounts.notna(), "not stated")


def arrays(evaluated: pd.DataFrame) -> tuple[Floats, Floats, npt.NDArray[np.intp]]:
    """Return probabilities (n, 3), those of what is found (n, 3), and label positions of an evaluated frame."""
    position = {label: number for number, label in enumerate(LABELS)}
    labels = np.array([position[label] for label in evaluated["label"]], dtype=np.intp)
    p, found = (np.asarray(evaluated[list(names)], dtype=np.float64) for names in (PROBABILITIES, FOUND))
    return p, found, labels


def _figures(p: Floats, found: Floats, y: npt.NDArray[np.intp]) -> dict[str, float]:
    if not len(y):
        return dict.fromkeys(METRICS, float("nan"))
    return {name: metric(p if name in RANKING else found, y) for name, metric in METRICS.items()}


def auc(score: Floats, is_so: npt.NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve: Mann and Whitney's statistic, as `sklearn.metrics.roc_auc_score` answers it, but NaN where
    all are alike.

    Without its checks, because resampling asks often. `score` and `is_so` are (n,).
    """
    so, others = int(is_so.sum()), int((~is_so).sum())
    if not so or not others:
        return float("nan")
    return float((rankdata(score)[is_so].sum() - so * (so + 1) / 2) / (so * others))


def _average_precision(score: Floats, is_so: npt.NDArray[np.bool_]) -> float:
    """Compute as `sklearn.metrics.average_precision_score`: claims of equal score come in at once."""
    if not is_so.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    last = np.r_[np.flatnonzero(np.diff(score[order])), len(score) - 1]
    found = np.cumsum(is_so[order])[last]
    return float((np.diff(np.r_[0, found]) * found / (last + 1)).sum() / is_so.sum())
