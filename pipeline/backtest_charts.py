"""The axes and lines that the backtest's page draws periods with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from pipeline.report.charts import Axis, Line, line_chart


def over_time(label: str, periods: pd.DataFrame, names: dict[str, str], colours: Sequence[str]) -> Markup:
    """Figures of each period as lines; `names` is legend to column, `colours` the classes."""
    lines = [
        Line(title, places(periods), periods[name].tolist(), colour, True)
        for (title, name), colour in zip(names.items(), colours, strict=True)
    ]
    values = [value for line in lines for value in line.y if value == value]
    low = float(np.floor(min(values) * 20) / 20) if label == "AUC" else 0.0
    return line_chart(label, lines, across(periods), span(low, max(values), label))


def places(periods: pd.DataFrame) -> list[float]:
    """Where each period stands on the axis."""
    return [float(place) for place in range(len(periods))]


def across(periods: pd.DataFrame) -> Axis:
    """The axis of periods."""
    starts = [f"{start:%y-%m}" for start in periods["from"]]
    return Axis(
        "period, by its first month", 0, max(len(starts) - 1, 1), places(periods), lambda place: starts[round(place)]
    )


def up(values: Sequence[float], title: str, write: object) -> Axis:
    """An axis from 0 to the greatest value."""
    top = float(max(values)) or 1.0
    return Axis(title, 0.0, top, [top * part for part in (0.0, 0.25, 0.5, 0.75, 1.0)], write)  # type: ignore[arg-type]


def span(low: float, high: float, title: str) -> Axis:
    """An axis between two values."""
    high = high if high > low else low + 1.0
    return Axis(title, low, high, np.linspace(low, high, 5).tolist(), "{:.3g}".format)
