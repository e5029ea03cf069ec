"""Pictures of an evaluated frame, drawn without a screen: each function answers a matplotlib `Figure`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_curve

from claimvet.data.contract.tables import LABELS
from claimvet.models.metrics.evaluation import (
    MIN_SLICE,
    arrays,
    calibration_curve,
    calibration_error_metric,
    confusion,
    log_loss_metric,
)
from claimvet.models.metrics.intervals import proportion_interval

COLOURS = ("#2a7f62", "#d08c2e", "#b03a48")
"""Of valid, frivolous and abusive; told apart by eyes that do not see red and green, too (lightness differs)."""
SIZE_INCHES = (6.0, 4.5)
CALIBRATION_SLICES = ("lane", "decided_by", "claim_type", "amount_band", "month")
"""Columns of an evaluated frame by which calibration is checked."""
FloatArray = npt.NDArray[np.float64]


def roc_plot(evaluated: pd.DataFrame) -> Figure:
    """ROC curve of each label against the rest."""
    figure, axes = _canvas("share of the others taken along", "share of the label found", "ROC curves")
    p, _, y = arrays(evaluated)
    for number in _present(y):
        others, found, _ = roc_curve(y == number, p[:, number])
        axes.plot(others, found, color=COLOURS[number], label=LABELS[number])
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, label="chance")
    axes.legend()
    return figure


def precision_recall_plot(evaluated: pd.DataFrame) -> Figure:
    """Precision-recall curve of each label against the rest."""
    figure, axes = _canvas("recall", "precision", "Precision and recall")
    p, _, y = arrays(evaluated)
    for number in _present(y):
        precision, recall, _ = precision_recall_curve(y == number, p[:, number])
        axes.plot(recall, precision, color=COLOURS[number], label=LABELS[number])
    if _present(y):
        axes.legend()
    return figure


def calibration_plot(evaluated: pd.DataFrame) -> Figure:
    """Probability that a label is found against the share of it, with 95 % intervals; the area of a dot is its number of claims."""
    figure, axes = _canvas("probability answered", "share found", "Do probabilities mean what they say?")
    _, found, y = arrays(evaluated)
    for number, label in enumerate(LABELS):
        curve = calibration_curve(found[:, number], y == number)
        axes.plot(curve["p_mean"], curve["share"], color=COLOURS[number], label=label)
        axes.scatter(curve["p_mean"], curve["share"], s=400 * curve["claims"] / max(len(y), 1), color=COLOURS[number])
        cases = (curve["share"] * curve["claims"]).round().astype("int64")
        ends = [proportion_interval(*pair) for pair in zip(cases.tolist(), curve["claims"].tolist(), strict=True)]
        axes.vlines(curve["p_mean"], *zip(*ends, strict=True), color=COLOURS[number], linewidth=0.8)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    axes.legend()
    return figure


def calibration_slices_plot(evaluated: pd.DataFrame) -> Figure:
    """P(valid is found) on average against the share found valid, for each slice with enough findings, with 95 % intervals."""
    slices = calibration_slices(evaluated)
    figure, axes = _canvas("share found valid less what was answered", "", "P(valid) by lane, type, amount and month")
    places = np.arange(len(slices))[::-1]
    middle = slices["share"] - slices["p_mean"]
    spread = np.vstack([slices["share"] - slices["low"], slices["high"] - slices["share"]])
    axes.errorbar(middle, places, xerr=spread, fmt="o", color=COLOURS[0], markersize=3, linewidth=1.0)
    axes.axvline(0.0, color="grey", linewidth=0.8)
    names = [f"{row['slice']}: {row['value']} ({row['findings']:,})" for _, row in slices.iterrows()]
    # dollars are no mathematics
    axes.set_yticks(places, [name.replace("_", " ").replace("$", r"\$") for name in names])
    axes.tick_params(axis="y", labelsize=6)
    figure.set_size_inches(SIZE_INCHES[0], max(SIZE_INCHES[1], 0.22 * len(slices)))
    return figure


def calibration_slices(evaluated: pd.DataFrame) -> pd.DataFrame:
    """One row a slice of at least `MIN_SLICE` findings: `slice`, `value`, `findings`, `p_mean`, `share`, `low`, `high` (95 %)."""
    rows = []
    for name in (name for name in CALIBRATION_SLICES if name in evaluated):
        for value, part in evaluated.groupby(name, sort=True):
            if len(part) >= MIN_SLICE:
                _, found, y = arrays(part)
                valid = int((y == 0).sum())
                low, high = proportion_interval(valid, len(y))
                share = valid / len(y)
                rows.append([name, str(value), len(y), float(found[:, 0].mean()), share, low, high])
    return pd.DataFrame(rows, columns=["slice", "value", "findings", "p_mean", "share", "low", "high"])


def confusion_plot(evaluated: pd.DataFrame) -> Figure:
    """Number of claims by label found and most likely label."""
    figure, axes = _canvas("most likely", "found", "Confusion")
    counts = confusion(evaluated).to_numpy()
    axes.imshow(counts, cmap="Greys", vmax=2 * max(counts.max(), 1))
    for (row, column), count in np.ndenumerate(counts):
        axes.text(column, row, f"{count:,}", ha="center", va="center")
    axes.set_xticks(range(len(LABELS)), LABELS)
    axes.set_yticks(range(len(LABELS)), LABELS)
    return figure


def month_plot(evaluated: pd.DataFrame) -> Figure:
    """Log loss and calibration error by month of filing, for months with enough findings."""
    figure, axes = _canvas("filed in", "the lower, the better", "By month")
    months = {str(month): arrays(part)[1:] for month, part in evaluated.groupby("month") if len(part) >= MIN_SLICE}
    axes.plot(
        list(months),
        [log_loss_metric(*part) for part in months.values()],
        color=COLOURS[0],
        marker="o",
        label="log loss",
    )
    errors = [calibration_error_metric(*part) for part in months.values()]
    axes.plot(list(months), errors, color=COLOURS[2], marker="o", label="calibration error of P(valid)")
    axes.tick_params(axis="x", rotation=45)
    axes.set_ylim(bottom=0.0)
    axes.legend()
    return figure


PLOTS: Mapping[str, Callable[[pd.DataFrame], Figure]] = MappingProxyType(
    {
        "roc": roc_plot,
        "precision_recall": precision_recall_plot,
        "calibration": calibration_plot,
        "calibration_slices": calibration_slices_plot,
        "confusion": confusion_plot,
        "month": month_plot,
    }
)
"""Every plot by the name of its file."""


def write_plots(evaluated: pd.DataFrame, directory: Path) -> list[Path]:
    """Writes every plot as PNG into `directory`, which is made where it is missing; nothing where `evaluated` is empty."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, plot in PLOTS.items() if len(evaluated) else ():
        paths.append(directory / f"{name}.png")
        plot(evaluated).savefig(paths[-1], dpi=120, metadata={"Software": None})
    return paths


def _canvas(x: str, y: str, title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y, title=title)
    return figure, axes


def _present(y: npt.NDArray[np.intp]) -> list[int]:
    """Labels that some claims have and some have not: a curve needs both."""
    return [number for number in range(len(LABELS)) if 0 < (y == number).sum() < len(y)]
