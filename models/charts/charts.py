"""Charts as inline SVG: sharp on every screen, printable, coloured by the page's own variables so that light and dark both work.

A chart is a string of markup; colours are CSS classes (`c-valid`, `c-policy`, …) of `chart.css`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from math import isfinite
from textwrap import wrap

from markupsafe import Markup

from claimvet.models.charts.axes import Axis, round_axis

WIDTH, HEIGHT = 400, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 26, 12, 42
TITLE_WIDTH = 18
"""Pixels that the turned title of an axis takes."""
LETTER_WIDTH = 7.8
"""Pixels that a letter takes at most, on average: a digit of DejaVu Sans, a wide font, has 7.6 at the 12 pixels of a tick."""
WIDE_LETTERS = frozenset("%@MWmw")
"""Letters that are half as wide again."""
BARS, BESIDE = 440, 0.45
"""Width of a chart of bars, pixels, and the share of it that names beside them may take."""
LINE = 18
"""Height of a line of a name above its bar, pixels."""


@dataclass(frozen=True)
class Line:
    """One curve: points in data units, its name in the legend, its colour class, dots at the points or not."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str
    dots: bool = False
    intervals: Sequence[tuple[float, float]] = ()
    """Lower and upper end of a vertical interval at each point, in data units."""


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart: its name, parts as (colour class, value), and the text at its end."""

    name: str
    parts: Sequence[tuple[str, float]]
    text: str = ""


@dataclass(frozen=True)
class IntervalRow:
    """One row of an interval chart: its name, its value and both ends of the interval, in data units."""

    name: str
    low: float
    middle: float
    high: float


@dataclass
class _Canvas:
    width: int
    height: int
    marks: list[str] = field(default_factory=list)

    def add(self, tag: str, body: str = "", **attributes: object) -> None:
        written = " ".join(
            f'{name.rstrip("_").replace("_", "-")}="{_written(value)}"' for name, value in attributes.items()
        )
        self.marks.append(f"<{tag} {written}>{body}</{tag}>")

    def text(self, x: float, y: float, words: str, kind: str = "tick", anchor: str = "middle") -> None:
        self.add("text", escape(words), x=x, y=y, class_=kind, text_anchor=anchor)

    def markup(self, label: str) -> Markup:
        view = f'viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape(label, quote=True)}"'
        return Markup(f'<svg xmlns="http://www.w3.org/2000/svg" {view}>{"".join(self.marks)}</svg>')


def _written(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else escape(str(value), quote=True)


def line_chart(label: str, lines: Sequence[Line], x: Axis, y: Axis, *, diagonal: bool = False) -> Markup:
    """Return curves in one frame with a legend; `diagonal` draws where x equals y."""
    left, names = _left_margin(y), [line.name for line in lines]
    canvas = _Canvas(WIDTH, _height(names, left))
    across = _scale(x, left, WIDTH - RIGHT)
    up = _scale(y, HEIGHT - BOTTOM, TOP)
    _frame(canvas, x, y, across, up, left)
    if diagonal:
        canvas.add("line", x1=across(x.low), y1=up(y.low), x2=across(x.high), y2=up(y.high), class_="guide")
    for line in lines:
        _curve(canvas, line, across, up)
    _legend(canvas, [(line.name, line.colour) for line in lines], left)
    return canvas.markup(label)


def bar_chart(label: str, bars: Sequence[Bar], *, highest: float | None = None) -> Markup:
    """Return horizontal stacked bars, one row each; `highest` is the value of the full width.

    Names stand beside their bars where all are short, else each above its bar, in as many lines as it needs.
    """
    beside = max((text_width(bar.name) for bar in bars), default=0.0) + 8
    above = beside > BESIDE * BARS
    start = 0.0 if above else beside
    lines = [wrap(bar.name, int(BARS / LETTER_WIDTH)) if above else [] for bar in bars]
    thick, room = 9 if above else 18, BARS - start - max((text_width(bar.text) for bar in bars), default=0.0) - 8
    canvas = _Canvas(BARS, sum(26 + LINE * len(each) for each in lines) + 4)
    full = highest or max((sum(value for _, value in bar.parts) for bar in bars), default=0.0) or 1.0
    y = 4
    for name, bar in zip(lines, bars, strict=True):
        for line in name:
            y += LINE
            canvas.text(0, y - 5, line, "legend", "start")
        if not above:
            canvas.text(start - 8, y + 13, bar.name, "legend", "end")
        x = start
        for colour, value in bar.parts:
            length = room * value / full
            if length > 0:
                title = f"<title>{escape(bar.name)}: {value:,.4g}</title>"
                canvas.add("rect", title, x=x, y=y, width=length, height=thick, class_=f"fill {colour}")
            x += length
        canvas.text(x + 6, y + 4 + thick // 2, bar.text, "tick", "start")
        y += 26
    return canvas.markup(label)


def interval_chart(label: str, rows: Sequence[IntervalRow], x: Axis, colour: str) -> Markup:
    """Return one row a value: its name above, below it a dot with its interval; dashed where x is 0."""
    canvas = _Canvas(WIDTH, 36 * len(rows) + BOTTOM + TOP)
    across, bottom = _scale(x, RIGHT, WIDTH - RIGHT), 36 * len(rows) + TOP
    for tick in _apart(x, across):
        kind = "guide" if tick == 0.0 else "grid"
        canvas.add("line", x1=across(tick), x2=across(tick), y1=TOP, y2=bottom, class_=kind)
        canvas.text(across(tick), bottom + 14, x.write(tick))
    canvas.text(WIDTH / 2, bottom + 34, x.title, "title")
    for place, row in enumerate(rows):
        y = 36 * place + TOP + 26
        canvas.text(0, y - 10, row.name, "legend", "start")
        canvas.add("line", x1=across(row.low), x2=across(row.high), y1=y, y2=y, class_=f"interval {colour}")
        canvas.add("circle", cx=across(row.middle), cy=y, r=3.5, class_=f"fill {colour}")
    return canvas.markup(label)


def histogram(label: str, parts: Sequence[tuple[str, str, Sequence[float]]], x: Axis) -> Markup:
    """Return stacked columns over equal bins; `parts` are (name, colour class, share of all per bin), drawn from the bottom up."""
    bins = len(parts[0][2])
    totals = [sum(values[place] for _, _, values in parts) for place in range(bins)]
    highest = max(totals, default=0.0) or 1.0
    y = round_axis("share of claims", 0.0, highest, lambda tick: f"{100 * tick:.3g}%")
    margin = _left_margin(y)
    canvas = _Canvas(WIDTH, _height([name for name, _, _ in parts], margin))
    across, up = _scale(x, margin, WIDTH - RIGHT), _scale(y, HEIGHT - BOTTOM, TOP)
    _frame(canvas, x, y, across, up, margin)
    for place in range(bins):
        left = across(x.low + (x.high - x.low) * place / bins)
        width = (WIDTH - margin - RIGHT) / bins - 1.5
        stacked = 0.0
        for _, colour, values in parts:
            height = up(0.0) - up(values[place])
            canvas.add("rect", x=left, y=up(stacked) - height, width=width, height=height, class_=f"fill {colour}")
            stacked += values[place]
    _legend(canvas, [(name, colour) for name, colour, _ in parts], margin)
    return canvas.markup(label)


def text_width(words: str) -> float:
    """Return the pixels that a text takes at most."""
    return LETTER_WIDTH * (len(words) + 0.5 * sum(letter in WIDE_LETTERS for letter in words))


def _left_margin(y: Axis) -> float:
    """Room for the turned title of an axis and, beside it, its longest tick."""
    return max(float(LEFT), TITLE_WIDTH + max(text_width(y.write(tick)) for tick in y.ticks) + 8)


def _height(names: Sequence[str], left: float) -> int:
    """Return the height of a frame and of the rows of its legend."""
    return HEIGHT + 20 * max(2, len(_legend_rows(names, left)))


def _legend_rows(names: Sequence[str], left: float) -> list[list[int]]:
    """Places of the names that stand in one row each, as many as fit into the chart's width."""
    rows: list[list[int]] = [[]]
    free = WIDTH - left
    for place, name in enumerate(names):
        if rows[-1] and free < _entry_width(name):
            rows.append([])
            free = WIDTH - left
        rows[-1].append(place)
        free -= _entry_width(name)
    return rows


def _entry_width(name: str) -> float:
    return 36.0 + text_width(name)


def _legend(canvas: _Canvas, entries: Sequence[tuple[str, str]], left: float) -> None:
    """Names beside patches of colour, below the frame."""
    for row, places in enumerate(_legend_rows([name for name, _ in entries], left)):
        x, top = left, HEIGHT + 12 + 20 * row
        for name, colour in (entries[place] for place in places):
            canvas.add("rect", x=x, y=top - 9, width=14, height=10, rx=2, class_=f"fill {colour}")
            canvas.text(x + 20, top, name, "legend", "start")
            x += _entry_width(name)


def _scale(axis: Axis, start: float, end: float) -> Callable[[float], float]:
    span = (axis.high - axis.low) or 1.0
    return lambda value: start + (end - start) * (value - axis.low) / span


def _frame(
    canvas: _Canvas, x: Axis, y: Axis, across: Callable[[float], float], up: Callable[[float], float], left: float
) -> None:
    for tick in y.ticks:
        canvas.add("line", x1=left, y1=up(tick), x2=WIDTH - RIGHT, y2=up(tick), class_="grid")
        canvas.text(left - 6, up(tick) + 4, y.write(tick), "tick", "end")
    for tick in _apart(x, across):
        canvas.text(across(tick), HEIGHT - BOTTOM + 16, x.write(tick))
    canvas.text((left + WIDTH - RIGHT) / 2, HEIGHT - 10, x.title, "title")
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turned = f"rotate(-90 12 {middle:.0f})"
    canvas.add("text", escape(y.title), x=12, y=middle, class_="title", text_anchor="middle", transform=turned)


def _apart(x: Axis, across: Callable[[float], float]) -> list[float]:
    """Return those ticks whose texts stand apart: each that begins after the end of the one before it."""
    kept: list[float] = []
    free = -float("inf")
    for tick in x.ticks:
        half = text_width(x.write(tick)) / 2
        if across(tick) - half >= free:
            kept.append(tick)
            free = across(tick) + half + 4
    return kept


def _curve(canvas: _Canvas, line: Line, across: Callable[[float], float], up: Callable[[float], float]) -> None:
    drawn = [(a, b) for a, b in zip(line.x, line.y, strict=True) if isfinite(b)]
    points = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in drawn)
    canvas.add("polyline", points=points, class_=f"curve {line.colour}")
    for a, (low, high) in zip(line.x, line.intervals, strict=False):
        if isfinite(low) and isfinite(high):
            canvas.add("line", x1=across(a), x2=across(a), y1=up(low), y2=up(high), class_=f"interval {line.colour}")
    for a, b in drawn if line.dots else ():
        title = f"<title>{a:.3g}, {b:.3g}</title>"
        canvas.add("circle", title, cx=across(a), cy=up(b), r=3.5, class_=f"fill {line.colour}")
