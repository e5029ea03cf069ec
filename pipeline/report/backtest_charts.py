"""The axes and lines that the backtest's page draws periods with."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from markupsafe import Markup

from claimvet.pipeline.report.charts import Axis, Line, line_chart, round_axis


def over_time(label: str, periods: pd.DataFrame, names: dict[str, str], colours: Sequence[str]) -> Markup:
    """Figures of each period as lines; `label` names their axis, `names` is legend to column, `colours` the classes."""
    lines = [
        Line(title, places(periods), periods[name].tolist(), colour, True)
        for (title, name), colour in zip(names.items(), colours, strict=True)
    ]
    values = [value for line in lines for value in line.y if value == value]
    low = min(values) if label.startswith("area") else 0.0
    return line_chart(label, lines, across(periods), round_axis(label, low, max(values)))


def places(periods: pd.DataFrame) -> list[float]:
    """Where each period stands on the axis."""
    return [float(place) for place in range(len(periods))]


def across(periods: pd.DataFrame) -> Axis:
    """The axis of periods."""
    starts = [f"{start:%Y-%m}" for start in periods["from"]]
    return Axis(
        "period, by its first month", 0, max(len(starts) - 1, 1), places(periods), lambda place: starts[round(place)]
    )
