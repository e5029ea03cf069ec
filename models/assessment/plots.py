"""Charts of an evaluated frame and of its money: the report draws them into its page, training writes them beside the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import Markup
from sklearn.metrics import precision_recall_curve, roc_curve

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.tables import LABELS, PROBABILITIES
from claimvet.models.charts.axes import Axis, named_axis, round_axis, short_dollars
from claimvet.models.charts.charts import Bar, IntervalRow, Line, bar_chart, interval_chart, line_chart
from claimvet.models.charts.titled import TitledChart, write_charts
from claimvet.models.metrics.evaluation import FOUND, MIN_SLICE, arrays, auc, by_slice, calibration_curve, confusion
from claimvet.models.metrics.intervals import proportion_interval
from claimvet.models.policy.alternatives import USUAL_CAPACITY

CALIBRATION_SLICES = ("lane", "decided_by", "claim_type", "amount_band", "month")
"""Columns of an evaluated frame by which calibration is checked."""
MAX_POINTS = 160
"""Points of a curve that are drawn."""
SMALLEST_BIN = 0.01
"""Bins with a smaller share of the claims are left out of a calibration curve: their intervals hide the rest."""
WAYS = MappingProxyType(
    {
        "policy": "c-policy",
        "present everything": "c-other",
        "rules": "c-frivolous",
        "best single threshold": "c-threshold",
        "random referral": "c-abusive",
        "oracle": "c-valid",
    }
)
"""Colour class by way of deciding."""
DOLLARS = "US dollars per 1,000 claims"


def roc_plot(evaluated: pd.DataFrame) -> TitledChart:
    """Return the ROC curve of each label against the rest, with its area."""
    p, _, y = arrays(evaluated)
    lines = []
    for number in _present(y):
        others, found, _ = roc_curve(y == number, p[:, number])
        area = auc(p[:, number], y == number)
        lines.append(_curve(f"{LABELS[number]}, area {area:.3f}", others, found, LABELS[number]))
    x, y_axis = Axis("share of the others suspected with them"), Axis("share of the label caught")
    caption = "The nearer to the top left, the better. The area is how often a claim of the label ranks above another; a coin gets 0.5."
    return TitledChart("ROC curves", line_chart("ROC curves", lines, x, y_axis, diagonal=True), caption)


def precision_recall_plot(evaluated: pd.DataFrame) -> TitledChart:
    """Return the precision-recall curve of each label against the rest."""
    p, _, y = arrays(evaluated)
    lines = []
    for number in _present(y):
        precision, recall, _ = precision_recall_curve(y == number, p[:, number])
        lines.append(_curve(LABELS[number], recall[::-1], precision[::-1], LABELS[number]))
    x, y_axis = Axis("recall: share of the label caught"), Axis("precision: share that is so")
    caption = "The nearer to the top right, the better: catching more of a label takes in more claims that are none."
    return TitledChart("Precision and recall", line_chart("Precision and recall", lines, x, y_axis), caption)


def calibration_plot(evaluated: pd.DataFrame) -> TitledChart:
    """Return the probability that a label is found against the share of it, with 95 % intervals."""
    _, found, y = arrays(evaluated)
    lines = []
    for number in _present(y):
        curve = calibration_curve(found[:, number], y == number)
        curve = curve[curve["claims"] >= SMALLEST_BIN * len(y)]
        cases = (curve["share"] * curve["claims"]).round().astype("int64")
        ends = [proportion_interval(*pair) for pair in zip(cases.tolist(), curve["claims"].tolist(), strict=True)]
        points = curve["p_mean"].tolist(), curve["share"].tolist()
        lines.append(Line(LABELS[number], *points, f"c-{LABELS[number]}", dots=True, intervals=ends))
    chart = line_chart("Calibration", lines, Axis("probability given"), Axis("share that is so"), diagonal=True)
    caption = (
        "Of claims that are given 0.7, seven in ten should be so: points on the dashed line. Bars are 95 % intervals."
    )
    return TitledChart("Calibration", chart, caption)


def calibration_slices_plot(evaluated: pd.DataFrame) -> TitledChart:
    """Return, for each slice with enough findings, the share found valid less P(valid is found) on average, with its 95 % interval."""
    rows = [
        IntervalRow(
            f"{row['slice']}: {row['value']} ({row['findings']:,})".replace("_", " "),
            *(float(row[name] - row["p_mean"]) for name in ("low", "share", "high")),
        )
        for row in calibration_slices(evaluated).to_dict("records")
    ]
    ends = [end for row in rows for end in (row.low, row.high)]
    x = round_axis("share found valid less the probability given", min([0.0, *ends]), max([0.0, *ends]))
    caption = (
        "An interval should reach the dashed line. One left of it: fewer claims of that slice are valid than the model says. In brackets, "
        "findings."
    )
    return TitledChart("Calibration of P(valid) by slice", interval_chart("Slices", rows, x, "c-valid"), caption)


def calibration_slices(evaluated: pd.DataFrame) -> pd.DataFrame:
    """Return one row a slice of at least `MIN_SLICE` findings: `slice`, `value`, `findings`, `p_mean`, `share`, `low`, `high` (95 %)."""
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


def confusion_plot(evaluated: pd.DataFrame) -> TitledChart:
    """Return the share of claims by most likely label, one bar a label found."""
    bars = []
    for label, row in confusion(evaluated).iterrows():
        claims = int(row.sum())
        parts = [(f"c-{called}", float(row[called]) / max(claims, 1)) for called in LABELS]
        bars.append(Bar(f"found {label}", parts, f"{claims:,} claims"))
    caption = "Each bar should have one colour, that of its own label. Called by the model: green valid, amber frivolous, red abusive."
    return TitledChart("Confusion", bar_chart("Confusion", bars, highest=1.0), caption)


def month_plot(evaluated: pd.DataFrame) -> TitledChart:
    """Return the areas under the ROC curves by month of filing, for months with enough findings."""
    caption = "Both lines should stay level: one that falls says that the model ages."
    return TitledChart("Ranking by month of filing", areas_over(*_months(evaluated)), caption)


def month_errors_plot(evaluated: pd.DataFrame) -> TitledChart:
    """Return log loss and calibration error by month of filing, for months with enough findings."""
    caption = "The lower, the better, and level: a line that rises says that the model ages. Log loss in nats."
    return TitledChart("Errors by month of filing", errors_over(*_months(evaluated)), caption)


def areas_over(x: Axis, table: pd.DataFrame) -> Markup:
    """Return the columns `auc_valid` and `auc_abusive` as lines over the rows of `table`, in their order along `x`."""
    lines = _lines(table, {"AUC valid": "auc_valid", "AUC abusive": "auc_abusive"}, ("c-valid", "c-abusive"))
    values = _drawn(lines)
    y = round_axis("area under the ROC curve", min(values, default=0.5), max(values, default=1.0))
    return line_chart("Areas under the ROC curves", lines, x, y)


def errors_over(x: Axis, table: pd.DataFrame) -> Markup:
    """Return the columns `log_loss` and `calibration_error` as lines over the rows of `table`, in their order along `x`."""
    names = {"log loss": "log_loss", "calibration error": "calibration_error"}
    lines = _lines(table, names, ("c-policy", "c-threshold"))
    return line_chart("Errors", lines, x, round_axis("nats, and share", 0.0, max(_drawn(lines), default=1.0)))


def money_plots(money: pd.DataFrame) -> dict[str, TitledChart]:
    """Return what each way of deciding costs, by capacity and by the harm of a wrong denial, by name of the plot's file.

    `money` is that of `models.policy.alternatives.money_table`; nothing is drawn where it knows no cost.
    """
    if money["usd_per_1000"].notna().sum() == 0:
        return {}
    by_capacity = money[money["cost_ratio"] == 1.0]
    by_ratio = money[money["capacity"] == USUAL_CAPACITY].sort_values("cost_ratio")
    harm = f"harm, times the default (reviews: {100 * USUAL_CAPACITY:.0f} %)"
    return {
        "money_by_capacity": TitledChart(
            "Cost by the experts' capacity",
            _ways(by_capacity, "capacity", sorted(set(by_capacity["capacity"])), "reviews, as a share of the claims"),
            "The lower, the better: the policy should lie nearest the oracle, and more so with more reviews. Presenting everything is "
            "left out, since it would hide the rest. Bars are 95 % intervals.",
        ),
        "money_by_harm": TitledChart(
            "Cost by the harm of a wrong denial",
            _ways(by_ratio, "cost_ratio", sorted(set(by_ratio["cost_ratio"])), harm),
            "The dearer a wrong denial, the more every way costs; the policy should stay the cheapest but the oracle. Bars are 95 % "
            "intervals.",
        ),
    }


PLOTS: Mapping[str, Callable[[pd.DataFrame], TitledChart]] = MappingProxyType(
    {
        "roc": roc_plot,
        "precision_recall": precision_recall_plot,
        "calibration": calibration_plot,
        "calibration_slices": calibration_slices_plot,
        "confusion": confusion_plot,
        "month": month_plot,
        "month_errors": month_errors_plot,
    }
)
"""Every plot of an evaluated frame by the name of its file."""


def write_plots(evaluated: pd.DataFrame, directory: Path) -> list[Path]:
    """Write every plot as SVG into `directory`, which is made where it is missing; nothing where `evaluated` is empty."""
    return write_charts({name: plot(evaluated) for name, plot in PLOTS.items()} if len(evaluated) else {}, directory)


def _ways(table: pd.DataFrame, x: str, values: Sequence[float], title: str) -> Markup:
    shown = table[table["way"] != "present everything"]
    places = {value: float(place) for place, value in enumerate(values)}
    lines = [
        Line(
            str(way),
            [places[value] for value in part[x]],
            part["usd_per_1000"].tolist(),
            WAYS[str(way)],
            True,
            list(zip(part["low"], part["high"], strict=True)),
        )
        for way, part in shown.groupby("way", sort=False)
    ]
    y = round_axis(DOLLARS, 0.0, float(shown["high"].max()), short_dollars)
    return line_chart(title, lines, named_axis(title, [f"{value:g}" for value in values]), y)


def _months(evaluated: pd.DataFrame) -> tuple[Axis, pd.DataFrame]:
    """Return the axis of the months with enough findings, and their figures."""
    rows = by_slice(evaluated[["month", "label", *PROBABILITIES, *FOUND]])
    return named_axis("month of filing", rows["value"].tolist()), rows


def _lines(table: pd.DataFrame, names: Mapping[str, str], colours: Sequence[str]) -> list[Line]:
    places = range(len(table))
    return [
        Line(name, places, table[column].tolist(), colour, True)
        for (name, column), colour in zip(names.items(), colours, strict=True)
    ]


def _drawn(lines: Sequence[Line]) -> list[float]:
    return [value for line in lines for value in line.y if value == value]


def _curve(name: str, x: Floats, y: Floats, label: str) -> Line:
    """Return a line of at most `MAX_POINTS` points of a curve."""
    keep = np.unique(np.linspace(0, len(x) - 1, min(MAX_POINTS, len(x))).astype(np.intp))
    return Line(name, x[keep].tolist(), y[keep].tolist(), f"c-{label}")


def _present(y: npt.NDArray[np.intp]) -> list[int]:
    """Return the labels that some claims have and some have not: a curve needs both."""
    return [number for number in range(len(LABELS)) if 0 < (y == number).sum() < len(y)]
