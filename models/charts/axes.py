"""Axes of charts: where they begin and end, where they tick, and how a tick is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

MAX_TICKS = 5
"""Spaces between ticks, at most."""


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high` with ticks; `write` turns a tick into text."""

    title: str
    low: float = 0.0
    high: float = 1.0
    ticks: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0)
    write: Callable[[float], str] = "{:g}".format


def round_axis(title: str, low: float, high: float, write: Callable[[float], str] = "{:g}".format) -> Axis:
    """Return an axis that holds `low` to `high` and begins, ticks and ends at round numbers: multiples of 1, 2 or 5 times a power of ten.

    >>> round_axis("dollars", 0, 1_127_441, short_dollars).ticks
    [0.0, 500000.0, 1000000.0, 1500000.0]
    """
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** floor(log10(span / MAX_TICKS))
    step = next(power * part for part in (1, 2, 5, 10) if span / (power * part) <= MAX_TICKS)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    ticks = [round(step * place, 12) for place in range(first, max(last, first + 1) + 1)]
    return Axis(title, ticks[0], ticks[-1], ticks, write)


def named_axis(title: str, names: Sequence[str]) -> Axis:
    """Return an axis of names one after the other, at 0, 1, 2, …

    >>> axis = named_axis("month", ["2026-01", "2026-02"])
    >>> [axis.write(tick) for tick in axis.ticks]
    ['2026-01', '2026-02']
    """
    places = [float(place) for place in range(len(names))]
    return Axis(title, 0.0, max(len(names) - 1.0, 1.0), places, lambda place: names[round(place)])


def short_dollars(value: float) -> str:
    """Return US dollars as short as an axis needs them.

    >>> short_dollars(-1500), short_dollars(250), short_dollars(80_000), short_dollars(1_200_000)
    ('-$1.5k', '$250', '$80k', '$1.2M')
    """
    size, sign = abs(value), "-" if value < 0 else ""
    unit, name = next(((unit, name) for unit, name in ((1e6, "M"), (1e3, "k")) if size >= unit), (1.0, ""))
    return f"{sign}${size / unit:.4g}{name}"
