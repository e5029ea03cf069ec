"""The section of docs/benchmarks.md about the endpoint: the servers side by side, the parts of a claim, and how far the limits are."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from benchmarks.page import table
from benchmarks.serving_speed.client import Timings
from benchmarks.serving_speed.work import FEATURES, TREES

PARTS = ("parse", "wait", "features", "predict", "explain", "write", "commit")
"""Parts of a claim as the endpoint's own metrics tell them, in order; what is left is HTTP and the way between the threads."""

WANTED_RATIO, WANTED_P99_MS, WANTED_START_S, WANTED_MEMORY_MB, WANTED_LOAD = 10.0, 10.0, 5.0, 400.0, 50_000.0
"""What was asked of the endpoint: times `mlflow models serve`, at one connection, from its start to ready, and rows a second."""


@dataclass(frozen=True)
class Measured:
    """One server: how it did at each number of connections, its start in seconds and its memory in megabytes."""

    name: str
    timings: dict[int, Timings]
    start: float
    memory: float


@dataclass(frozen=True)
class Figures:
    """All that was measured; `parts` in milliseconds a claim by number of connections, `write` one durable write in milliseconds.

    `loaded` are rows a second of `claimvet events load`, `history` the claims of the marketplace in the store.
    """

    mine: Measured
    theirs: Measured
    limit: Measured
    parts: Mapping[int, Mapping[str, float]]
    write: float
    loaded: float
    history: int

    @property
    def most(self) -> int:
        """The larger number of connections."""
        return max(self.mine.timings)

    def ratio(self, connections: int) -> float:
        """How many times as many requests as `mlflow models serve`."""
        return self.mine.timings[connections].rate / self.theirs.timings[connections].rate


def report(found: Figures, plot: str) -> str:
    """The section, Markdown; `plot` is the name of the file that `draw` wrote."""
    mine, most = found.mine, found.most
    limit = found.limit.timings[most].rate / mine.timings[most].rate
    return "\n\n".join(
        [
            "## The endpoint",
            f"`make bench-serving`: {TREES} trees in two boosters over {FEATURES} features, the same model for all, served on loopback "
            f"with the client on the same {os.cpu_count()} cores; a store with the history of {found.history:,} claims. Claimvet reads "
            "that history, computes the features, scores, explains, and answers when the decision is on the disk; `mlflow models serve` is "
            "sent the features and only predicts. The two were asked in turns.",
            table(["server", "connections", "requests/s", "p50 ms", "p99 ms", "failed"], _rows(found)),
            f"At {most} connections Claimvet answers **{found.ratio(most):.1f} times** as many requests as `mlflow models serve`, at one "
            f"connection {found.ratio(1):.1f} times.",
            f"![Requests a second, and where the time of a claim goes]({plot})",
            table(["wanted", "measured", "holds"], _wanted(found)),
            table(["part of a claim, ms", *(_connections(count) for count in found.parts)], _parts(found)),
            f"The limits: an empty route of the same framework answers {limit:.0f} times as many requests at {most} connections; one "
            f"durable write takes {found.write:.2f} ms here, which at one connection every claim waits for, and which the claims of a "
            "moment share.",
            table(
                ["server", "start to ready, s", "memory, MB"],
                [[m.name, f"{m.start:.1f}", f"{m.memory:.0f}"] for m in (mine, found.theirs, found.limit)],
            ),
        ]
    )


def _rows(found: Figures) -> list[list[object]]:
    return [
        [m.name, connections, f"{t.rate:,.0f}", f"{t.quantile(0.5):.1f}", f"{t.quantile(0.99):.1f}", t.failed]
        for m in (found.mine, found.theirs, found.limit)
        for connections, t in m.timings.items()
    ]


def _wanted(found: Figures) -> list[list[object]]:
    p99 = found.mine.timings[1].quantile(0.99)
    return [
        [
            f"at least {WANTED_RATIO:g} times `mlflow models serve` at {found.most} connections",
            f"{found.ratio(found.most):.1f} times",
            _holds(found.ratio(found.most) >= WANTED_RATIO),
        ],
        [f"p99 at one connection at most {WANTED_P99_MS:g} ms", f"{p99:.1f} ms", _holds(p99 <= WANTED_P99_MS)],
        [f"ready within {WANTED_START_S:g} s", f"{found.mine.start:.1f} s", _holds(found.mine.start < WANTED_START_S)],
        [
            f"memory under {WANTED_MEMORY_MB:g} MB",
            f"{found.mine.memory:.0f} MB",
            _holds(found.mine.memory < WANTED_MEMORY_MB),
        ],
        [
            f"`events load` {WANTED_LOAD:,.0f} rows/s",
            f"{found.loaded:,.0f} rows/s",
            _holds(found.loaded >= WANTED_LOAD),
        ],
    ]


def _holds(holds: bool) -> str:
    return "yes" if holds else "no"


def _connections(count: int) -> str:
    return "1 connection" if count == 1 else f"{count} connections"


def rest(found: Figures, connections: int) -> float:
    """Milliseconds a claim that none of its parts explains, but for its wait: HTTP, and the way between the threads; 0 at least."""
    shares = sum(share for name, share in found.parts[connections].items() if name != "wait")
    return max(1000.0 / found.mine.timings[connections].rate - shares, 0.0)


def _parts(found: Figures) -> list[list[object]]:
    rows: list[list[object]] = [[name, *(f"{parts[name]:.2f}" for parts in found.parts.values())] for name in PARTS]
    return [*rows, ["HTTP and the rest", *(f"{rest(found, count):.2f}" for count in found.parts)]]


def draw(found: Figures, path: Path) -> None:
    """Write the plot, SVG: requests a second of each server, logarithmic, and the parts of a claim one above the other."""
    with plt.rc_context({"svg.hashsalt": "serving", "font.size": 9}):
        figure, (rates, parts) = plt.subplots(1, 2, figsize=(9.5, 3.6), layout="constrained")
        servers = (found.mine, found.theirs, found.limit)
        for place, count in enumerate(found.mine.timings):
            heights = [server.timings[count].rate for server in servers]
            bars = rates.bar([number + 0.4 * place for number in range(3)], heights, 0.38, label=_connections(count))
            rates.bar_label(bars, [f"{height:,.0f}" for height in heights], fontsize=8)
        rates.set(yscale="log", title="requests a second")
        rates.set_xticks([number + 0.2 for number in range(3)], ["Claimvet", "mlflow models serve", "empty route"])
        rates.legend(frameon=False)
        _draw_parts(parts, found)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def _draw_parts(axis: Axes, found: Figures) -> None:
    """What a claim costs; how long it waits for others is left out, because that is theirs."""
    counts: Sequence[int] = list(found.parts)
    left = [0.0] * len(counts)
    for name in (name for name in PARTS if name != "wait"):
        widths = [found.parts[count][name] for count in counts]
        axis.barh([_connections(count) for count in counts], widths, 0.5, left=left, label=name)
        left = [one + other for one, other in zip(left, widths, strict=True)]
    axis.set(title="parts of a claim but its wait, ms")
    axis.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.12))
