"""The benchmark's section of `docs/benchmarks.md`, and its plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no screen is needed to draw into a file

import matplotlib.pyplot as plt

from benchmarks.feature_speed.contenders import BY_HAND, CONTENDERS, OURS
from benchmarks.feature_speed.measure import TOLERANCE, Figures
from benchmarks.page import table

HEADER = (
    "claims",
    "contender",
    "seconds, fastest",
    "median",
    "with start",
    "peak MiB",
    "time / by hand",
    "memory / by hand",
    "values that differ",
)
GROWTH_FROM = 100_000

SECTION = """## Speed of features: {title}

`make bench-features{option}`. Customer and seller × orders, returns, earlier claims × 7, 30, 90, 365 days × count, sum, mean: 72
features of every claim, from Parquet tables to a Parquet file. To n claims there are 33 n orders and 4 n returns; {shape}
Contenders take turns, each run in a process of its own. Seconds are of the work, without imports; "with start" is the fastest process
as a whole. Five runs up to 10,000 claims, three up to 300,000, then two; featuretools and Feast run once. Ratios are of the fastest
runs and of median memory, to the query that was written by hand (`benchmarks/feature_speed/plain_sql.py`). "Values that differ" do so
by more than {tolerance} of ours, relative.

{table}

![Seconds and peak memory by number of claims]({plot})

{growth}

Feast joins only: its aggregates were made beforehand by the hand-written query and are not timed. featuretools gets no more than
1,000 claims, since more takes too long, and Feast no more than 10,000: with 100,000, and three views
an entity instead of one, its join had taken 13 GB when it was stopped. {absent}
Run on {machine}.
"""
SHAPES = {
    "even": ("two years", "customers and sellers are heavy-tailed."),
    "hot": ("one hot seller, ten years", "one seller has a third of all orders, and history is ten years long."),
}


def section(results: Sequence[Figures], shape: str, plot: str, machine: str) -> str:
    """The section in Markdown; `plot` is the path of the plot from the page, `machine` what it ran on."""
    title, words = SHAPES[shape]
    return SECTION.format(
        title=title,
        shape=words,
        option="" if shape == "even" else f' FEATURES="--shape {shape}"',
        tolerance=f"{TOLERANCE:g}",
        table=table(HEADER, [row(each, by_hand(results, each.claims)) for each in results]),
        growth=growth(results),
        plot=plot,
        absent=absent(results),
        machine=machine,
    )


def absent(results: Sequence[Figures]) -> str:
    """Who did not take part in this run, as a sentence; nothing where all did."""
    present = {each.contender for each in results}
    names = [each.name for each in CONTENDERS if each.name not in present]
    return f"Left out of this run: {', '.join(names)}." if names else ""


def by_hand(results: Sequence[Figures], claims: int) -> Figures:
    """The figures of the hand-written query at that size."""
    return next(each for each in results if each.claims == claims and each.contender == BY_HAND)


def row(figures: Figures, reference: Figures) -> list[str]:
    """One line of the table."""
    return [
        f"{figures.claims:,}",
        f"**{figures.contender}**" if figures.contender == OURS else figures.contender,
        f"{figures.fastest:.2f}",
        f"{figures.usual:.2f}",
        f"{min(figures.process):.2f}",
        f"{figures.peak:,.0f}",
        f"{figures.fastest / reference.fastest:.2f}",
        f"{figures.peak / reference.peak:.2f}",
        "not compared" if figures.differing is None else f"{figures.differing:,}",
    ]


def growth(results: Sequence[Figures]) -> str:
    """A sentence on how time and memory grow from 100,000 claims to the most that a contender had."""
    sentences = []
    for name in dict.fromkeys(each.contender for each in results):
        sizes = {each.claims: each for each in results if each.contender == name}
        most = max(sizes)
        if GROWTH_FROM in sizes and most > GROWTH_FROM:
            small, large = sizes[GROWTH_FROM], sizes[most]
            sentences.append(
                f"{name} takes {large.fastest / small.fastest:.1f} times the time and {large.peak / small.peak:.1f} times the memory "
                f"for {most / GROWTH_FROM:g} times the claims"
            )
    return (
        f"From {GROWTH_FROM:,} claims on: {'; '.join(sentences)}."
        if sentences
        else "Growth beyond 100,000 claims was not measured."
    )


def draw(results: Sequence[Figures], path: Path) -> None:
    """Write the plot, SVG: wall time and peak memory by number of claims, both axes logarithmic, a line per contender."""
    with plt.rc_context({"svg.hashsalt": "features", "font.size": 9}):
        figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
        for name in dict.fromkeys(each.contender for each in results):
            line = [each for each in results if each.contender == name]
            style = {"label": name, "marker": "o", "markersize": 4, "linewidth": 2.4 if name == OURS else 1.2}
            axes[0].plot([each.claims for each in line], [each.fastest for each in line], **style)
            axes[1].plot([each.claims for each in line], [each.peak for each in line], **style)
        for axis, title in zip(axes, ("seconds, fastest run", "peak memory, MiB"), strict=True):
            axis.set(xscale="log", yscale="log", xlabel="claims", title=title)
            axis.xaxis.set_major_formatter("{x:,.0f}")
            axis.yaxis.set_major_formatter("{x:,g}")
            axis.grid(visible=True, which="major", alpha=0.3)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
