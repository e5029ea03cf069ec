"""Pictures of a judged frame, drawn without a screen: each function answers a matplotlib `Figure`."""

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

from data.contract.tables import LABELS
from models.evaluation import (
    SMALLEST_SLICE,
    arrays,
    calibration_curve,
    calibration_error_metric,
    confusion,
    log_loss_metric,
)

COLOURS = ("#2a7f62", "#d08c2e", "#b03a48")
"""Of valid, frivolous and abusive; told apart by eyes that do not see red and green, too (lightness differs)."""
SIZE_INCHES = (6.0, 4.5)


def roc_plot(judged: pd.DataFrame) -> Figure:
    """ROC curve of each label against the rest."""
    figure, axes = _canvas("share of the others taken along", "share of the label found", "ROC curves")
    p, _, y = arrays(judged)
    for number in _present(y):
        others, found, _ = roc_curve(y == number, p[:, number])
        axes.plot(others, found, color=COLOURS[number], label=LABELS[number])
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, label="chance")
    axes.legend()
    return figure


def precision_recall_plot(judged: pd.DataFrame) -> Figure:
    """Precision-recall curve of each label against the rest."""
    figure, axes = _canvas("recall", "precision", "Precision and recall")
    p, _, y = arrays(judged)
    for number in _present(y):
        precision, recall, _ = precision_recall_curve(y == number, p[:, number])
        axes.plot(recall, precision, color=COLOURS[number], label=LABELS[number])
    if _present(y):
        axes.legend()
    return figure


def calibration_plot(judged: pd.DataFrame) -> Figure:
    """Probability that a label is found against the share of it, for each label; the area of a dot is its number of claims."""
    figure, axes = _canvas("probability answered", "share found", "Do probabilities mean what they say?")
    _, found, y = arrays(judged)
    for number, label in enumerate(LABELS):
        curve = calibration_curve(found[:, number], y == number)
        axes.plot(curve["p_mean"], curve["share"], color=COLOURS[number], label=label)
        axes.scatter(curve["p_mean"], curve["share"], s=400 * curve["claims"] / max(len(y), 1), color=COLOURS[number])
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    axes.legend()
    return figure


def confusion_plot(judged: pd.DataFrame) -> Figure:
    """Number of claims by label found and most likely label."""
    figure, axes = _canvas("most likely", "found", "Confusion")
    counts = confusion(judged).to_numpy()
    axes.imshow(counts, cmap="Greys", vmax=2 * max(counts.max(), 1))
    for (row, column), count in np.ndenumerate(counts):
        axes.text(column, row, f"{count:,}", ha="center", va="center")
    axes.set_xticks(range(len(LABELS)), LABELS)
    axes.set_yticks(range(len(LABELS)), LABELS)
    return figure


def month_plot(judged: pd.DataFrame) -> Figure:
    """Log loss and calibration error by month of filing, for months with enough findings."""
    figure, axes = _canvas("filed in", "figure", "By month")
    months = {str(month): arrays(part)[1:] for month, part in judged.groupby("month") if len(part) >= SMALLEST_SLICE}
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
        "confusion": confusion_plot,
        "month": month_plot,
    }
)
"""Every plot by the name of its file."""


def write_plots(judged: pd.DataFrame, directory: Path) -> list[Path]:
    """Writes every plot as PNG into `directory`, which is made where it is missing; nothing where `judged` is empty."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, plot in PLOTS.items() if len(judged) else ():
        paths.append(directory / f"{name}.png")
        plot(judged).savefig(paths[-1], dpi=120, metadata={"Software": None})
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
