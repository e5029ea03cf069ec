"""Contenders take turns, each run in a process of its own, and their values are compared."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.feature_speed.contenders import BY_HAND, OURS, ROOT, Contender
from benchmarks.feature_speed.work import feature_names

TOLERANCE = 1e-6
"""Largest relative difference of two values that count as equal."""

Tell = Callable[[str], None]


@dataclass
class Figures:
    """What one contender took at one size: a number per run; seconds of the work, of the whole process, and peak memory in MiB.

    `differing` is the number of values, out of 72 a claim, that differ from ours by more than `TOLERANCE`; None where ours did not run.
    """

    contender: str
    claims: int
    seconds: list[float] = field(default_factory=list)
    process: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    differing: int | None = None

    @property
    def fastest(self) -> float:
        """Seconds of the fastest run: what is left when the machine does nothing else."""
        return min(self.seconds)

    @property
    def usual(self) -> float:
        """Median of the seconds."""
        return median(self.seconds)

    @property
    def peak(self) -> float:
        """Median of the peak memory in MiB."""
        return median(self.peaks)


def repeats(claims: int) -> int:
    """Runs at a size: the shorter they are, the more a moment's disturbance weighs."""
    return 5 if claims <= 10_000 else 3 if claims <= 300_000 else 2


def measure_size(data: Path, claims: int, contenders: Sequence[Contender], scratch: Path, tell: Tell) -> list[Figures]:
    """Figures of all contenders that take part at this size, runs interleaved."""
    taking_part = [each for each in contenders if claims <= each.largest]
    figures = {each.name: Figures(each.name, claims) for each in taking_part}
    for turn in range(repeats(claims)):
        for each in taking_part:
            if turn == 0 or not each.slow:
                if each.prepared and turn == 0:
                    run_contender(each, "prepare", data, answer_path(scratch, BY_HAND))
                _take_turn(each, figures[each.name], data, answer_path(scratch, each.name))
                tell(f"{claims:,} claims, turn {turn + 1}: {each.name} {figures[each.name].seconds[-1]:.2f} s")
    ours = answer_path(scratch, OURS)
    for each in taking_part:
        figures[each.name].differing = (
            differing_values(ours, answer_path(scratch, each.name)) if ours.exists() else None
        )
    return list(figures.values())


def answer_path(scratch: Path, name: str) -> Path:
    """Where a contender writes."""
    return scratch / f"{name.split(' (')[0].replace(' ', '_')}.parquet"


def _take_turn(contender: Contender, figures: Figures, data: Path, out: Path) -> None:
    start = time.perf_counter()
    measured = run_contender(contender, "run", data, out)
    figures.process.append(time.perf_counter() - start)
    figures.seconds.append(measured["seconds"])
    figures.peaks.append(int(measured["peak"]))


def run_contender(contender: Contender, function: str, data: Path, out: Path) -> dict[str, float]:
    """`seconds` and `peak` (MiB) of a function of the contender, in a process of its own.

    Raises:
        RuntimeError: where the process fails; with the last line that it said.
    """
    command = [contender.interpreter, "-m", "benchmarks.feature_speed.contender", contender.module, function]
    ended = subprocess.run([*command, str(data), str(out)], cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        said = ended.stderr.strip().splitlines() or [f"nothing, exit status {ended.returncode}"]
        raise RuntimeError(f"{contender.name} failed to {function}; it said: {said[-1]}")
    figures: dict[str, float] = json.loads(ended.stdout.strip().splitlines()[-1])
    return figures


def differing_values(ours: Path, theirs: Path) -> int:
    """How many of the features' values differ by more than `TOLERANCE`, relative; nulls equal nulls only.

    Raises:
        ValueError: where the two do not have the same claims.
    """
    claims = [pq.read_table(path, columns=["claim_id"]).column(0).to_pandas() for path in (ours, theirs)]
    orders = [np.argsort(ids.to_numpy()) for ids in claims]
    if not claims[0].iloc[orders[0]].reset_index(drop=True).equals(claims[1].iloc[orders[1]].reset_index(drop=True)):
        raise ValueError(f"{theirs.name} has other claims than {ours.name}")
    return sum(_differing_in(name, ours, theirs, orders) for name in feature_names())


def _differing_in(name: str, ours: Path, theirs: Path, orders: Sequence[np.ndarray]) -> int:
    first, second = (
        pd.to_numeric(pq.read_table(path, columns=[name]).column(0).to_pandas()).to_numpy("float64")[order]
        for path, order in zip((ours, theirs), orders, strict=True)
    )
    return int((~np.isclose(first, second, rtol=TOLERANCE, atol=0, equal_nan=True)).sum())
