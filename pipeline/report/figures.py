"""Curves and costs of evaluated claims; `models.metrics.evaluation` has the figures themselves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from claimvet.models.metrics.evaluation import calibration_curve
from claimvet.models.policy.alternatives import chosen_costs, realised_of, settled
from claimvet.models.policy.policy import Disposition, Policy, most_likely

Floats = npt.NDArray[np.float64]

MAX_POINTS = 160
"""Points of a curve that are drawn."""
NORMAL_95 = 1.6449
"""Quantile 0.95 of the normal distribution: 90 % intervals."""


def area(evaluated: pd.DataFrame, label: str) -> float:
    """Area under the ROC curve of `label` against the rest; both must be there."""
    return float(roc_auc_score(evaluated["label"] == label, evaluated[f"p_{label}"]))


def roc(evaluated: pd.DataFrame, label: str) -> tuple[list[float], list[float]]:
    """False and true positive rate of `label` against the rest, thinned to be drawn."""
    false, true, _ = roc_curve(evaluated["label"] == label, evaluated[f"p_{label}"])
    return _thinned(false), _thinned(true)


def precision_recall(evaluated: pd.DataFrame, label: str) -> tuple[list[float], list[float]]:
    """Recall and precision of `label` against the rest, thinned to be drawn."""
    precision, recall, _ = precision_recall_curve(evaluated["label"] == label, evaluated[f"p_{label}"])
    return _thinned(recall[::-1]), _thinned(precision[::-1])


def reliability(evaluated: pd.DataFrame, label: str) -> pd.DataFrame:
    """The calibration curve of `label` with the 90 % interval of each share, `low` to `high` (Wilson's)."""
    curve = calibration_curve(evaluated[f"p_{label}"].to_numpy(), (evaluated["label"] == label).to_numpy())
    n, share, z = curve["claims"], curve["share"], NORMAL_95
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return curve.assign(low=centre - half, high=centre + half)


def money(evaluated: pd.DataFrame, policy: Policy) -> dict[str, float]:
    """US dollars per 1,000 claims that each way of deciding cost, now that the truth is known; the policy's own first."""
    realised = realised_of(evaluated, policy)
    ways = {
        "this policy": evaluated["disposition"],
        "settle what is labelled valid, ask the rest": _by_label(evaluated, policy),
        "pay or present everything": settled(evaluated, policy),
        "an expert for every claim": _always(evaluated, Disposition.REFER_TO_EXPERT),
        "knowing the truth": settled(evaluated, policy).where(evaluated["label"] == "valid", Disposition.DENY.value),
    }
    return {name: dollars(realised, chosen) / len(evaluated) * 1000 for name, chosen in ways.items()}


def dollars(realised: pd.DataFrame, chosen: pd.Series[str]) -> float:
    """Sum of what the chosen dispositions cost, US dollars."""
    return float(chosen_costs(realised, chosen).sum())


def _by_label(evaluated: pd.DataFrame, policy: Policy) -> pd.Series[str]:
    return settled(evaluated, policy).where(most_likely(evaluated) == "valid", Disposition.REQUEST_EVIDENCE.value)


def _always(evaluated: pd.DataFrame, disposition: Disposition) -> pd.Series[str]:
    return pd.Series(disposition.value, index=evaluated.index, dtype="str")


def _thinned(values: Floats) -> list[float]:
    keep = np.unique(np.linspace(0, len(values) - 1, min(MAX_POINTS, len(values))).astype(np.intp))
    thinned: list[float] = values[keep].tolist()
    return thinned
