"""Plots of money: what each way of deciding costs over capacities and cost ratios, with intervals."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from claimvet.models.policy.alternatives import COST_RATIOS, USUAL_CAPACITY

COLOURS = {
    "policy": "#0b5c6b",
    "present everything": "#8a949a",
    "rules": "#dd9a1f",
    "best single threshold": "#7b5ea7",
    "random referral": "#c9483b",
    "oracle": "#1b9e77",
}
"""Colour by way of deciding."""


def money_plot(money: pd.DataFrame) -> Figure:
    """Two panels of `models.policy.alternatives.money_table`: dollars per 1,000 claims by capacity, and by cost ratio; logarithmic
    upwards.
    """
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _panel(left, money[money["cost_ratio"] == 1.0], "capacity", "reviews, as a share of the claims")
    _panel(
        right,
        money[money["capacity"] == USUAL_CAPACITY],
        "cost_ratio",
        f"harm of a wrong denial, times the default (reviews: {USUAL_CAPACITY:.0%})",
    )
    left.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    right.set_xscale("log", base=2)
    right.set_xticks(sorted(COST_RATIOS), [f"{ratio:g}" for ratio in sorted(COST_RATIOS)])
    left.set_ylabel("US dollars per 1,000 claims")
    left.set_yscale("log")
    left.yaxis.set_major_formatter(_dollars)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=len(COLOURS), frameon=False)
    figure.suptitle("What each way of deciding costs, with 95 % intervals")
    return figure


def write_money_plot(money: pd.DataFrame, folder: Path) -> Path | None:
    """Writes `money.png` into `folder`; None where there is nothing to draw."""
    if money["usd_per_1000"].notna().sum() == 0:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "money.png"
    money_plot(money).savefig(path, dpi=110, metadata={"Software": None})
    return path


def _dollars(value: float, _: object = None) -> str:
    """A tick in dollars; mathematics must not take the sign for its own."""
    return rf"\${value:,.0f}"


def _panel(axes: object, rows: pd.DataFrame, x: str, title: str) -> None:
    for way, part in rows.groupby("way", sort=False):
        part = part.sort_values(x)
        colour = COLOURS.get(str(way), "#444444")
        axes.plot(part[x], part["usd_per_1000"], marker="o", markersize=3, color=colour, label=str(way))  # type: ignore[attr-defined]
        axes.fill_between(part[x], part["low"].clip(lower=1.0), part["high"], color=colour, alpha=0.12)  # type: ignore[attr-defined]
    axes.set_xlabel(title)  # type: ignore[attr-defined]
