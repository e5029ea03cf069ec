"""Charts as inline SVG: sharp on every screen, printable, coloured by the page's own variables so that light and dark both work.

A chart is a string of markup; colours are CSS classes (`c-valid`, `c-deny`, …) that the page's template defines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from math import ceil, floor, log10
from textwrap import wrap

from markupsafe import Markup

WIDTH, HEIGHT = 460, 320
LEFT, RIGHT, TOP, BOTTOM = 58, 26, 12, 42
MAX_TICKS = 5
"""Spaces between ticks, at most."""
TITLE_WIDTH = 18
"""Pixels that the turned title of an axis takes."""
LETTER_WIDTH = 7.8
"""Pixels that a letter takes at most, on average: a digit of DejaVu Sans, a wide font, has 7.6 at the 12 pixels of a tick."""
LINE, LETTERS = 18, 80
"""Height of a line of a name above its bar, pixels, and the letters that fit into it."""


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
class Axis:
    """An axis from `low` to `high` with ticks; `write` turns a tick into text."""

    title: str
    low: float = 0.0
    high: float = 1.0
    ticks: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0)
    write: Callable[[float], str] = "{:g}".format


def round_axis(title: str, low: float, high: float, write: Callable[[float], str] = "{:g}".format) -> Axis:
    """An axis that holds `low` to `high` and begins, ticks and ends at round numbers: multiples of 1, 2 or 5 times a power of ten.

    >>> round_axis("dollars", 0, 1_127_441, short_dollars).ticks
    [0.0, 500000.0, 1000000.0, 1500000.0]
    """
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** floor(log10(span / MAX_TICKS))
    step = next(power * part for part in (1, 2, 5, 10) if span / (power * part) <= MAX_TICKS)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    ticks = [round(step * place, 12) for place in range(first, max(last, first + 1) + 1)]
    return Axis(title, ticks[0], ticks[-1], ticks, write)


def short_dollars(value: float) -> str:
    """US dollars as short as an axis needs them.

    >>> short_dollars(-1500), short_dollars(250), short_dollars(80_000), short_dollars(1_200_000)
    ('-$1.5k', '$250', '$80k', '$1.2M')
    """
    size, sign = abs(value), "-" if value < 0 else ""
    unit, name = next(((unit, name) for unit, name in ((1e6, "M"), (1e3, "k")) if size >= unit), (1.0, ""))
    return f"{sign}${size / unit:.4g}{name}"


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart: its name, parts as (colour class, value), and the text at its end."""

    name: str
    parts: Sequence[tuple[str, float]]
    text: str = ""


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
    """Curves in one frame with a legend; `diagonal` draws where x equals y."""
    left, names = _left_margin(y), [line.name for line in lines]
    canvas = _Canvas(WIDTH, HEIGHT + 20 * max(2, len(_legend_rows(names, left))))
    across = _scale(x, left, WIDTH - RIGHT)
    up = _scale(y, HEIGHT - BOTTOM, TOP)
    _frame(canvas, x, y, across, up, left)
    if diagonal:
        canvas.add("line", x1=across(x.low), y1=up(y.low), x2=across(x.high), y2=up(y.high), class_="guide")
    for line in lines:
        _curve(canvas, line, across, up)
    _legend(canvas, [(line.name, line.colour) for line in lines], left)
    return canvas.markup(label)


def bar_chart(
    label: str, bars: Sequence[Bar], *, highest: float | None = None, names: int = 150, texts: int = 70
) -> Markup:
    """Horizontal stacked bars, one row each; `highest` is the value of the full width.

    `names` and `texts` are the widths in pixels left for names and for the texts at the end; with `names` 0 each name stands above its
    bar, in as many lines as it needs.
    """
    width, thick = 560, 9 if names == 0 else 18
    written = [wrap(bar.name, LETTERS) if names == 0 else [] for bar in bars]
    canvas = _Canvas(width, sum(26 + LINE * len(lines) for lines in written) + 4)
    full = highest or max((sum(value for _, value in bar.parts) for bar in bars), default=0.0) or 1.0
    y = 4
    for lines, bar in zip(written, bars, strict=True):
        for line in lines:
            y += LINE
            canvas.text(0, y - 5, line, "legend", "start")
        if not lines:
            canvas.text(names - 8, y + 13, bar.name, "legend", "end")
        x = float(names)
        for colour, value in bar.parts:
            length = (width - names - texts) * value / full
            if length > 0:
                title = f"<title>{escape(bar.name)}: {value:,.4g}</title>"
                canvas.add("rect", title, x=x, y=y, width=length, height=thick, class_=f"fill {colour}")
            x += length
        canvas.text(x + 6, y + 4 + thick // 2, bar.text, "tick", "start")
        y += 26
    return canvas.markup(label)


def histogram(label: str, parts: Sequence[tuple[str, str, Sequence[float]]], x: Axis) -> Markup:
    """Stacked columns over equal bins; `parts` are (name, colour class, share of all per bin), drawn from the bottom up."""
    bins = len(parts[0][2])
    totals = [sum(values[place] for _, _, values in parts) for place in range(bins)]
    highest = max(totals) or 1.0
    canvas = _Canvas(WIDTH, HEIGHT + 40)
    y = round_axis("share of claims", 0.0, highest, lambda tick: f"{100 * tick:.3g}%")
    margin = _left_margin(y)
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
    """Pixels that a text takes at most."""
    return LETTER_WIDTH * len(words)


def _left_margin(y: Axis) -> float:
    """Room for the turned title of an axis and, beside it, its longest tick."""
    return max(float(LEFT), TITLE_WIDTH + max(text_width(y.write(tick)) for tick in y.ticks) + 8)


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
    """Those ticks whose texts stand apart: each that begins after the end of the one before it."""
    kept: list[float] = []
    free = -float("inf")
    for tick in x.ticks:
        half = text_width(x.write(tick)) / 2
        if across(tick) - half >= free:
            kept.append(tick)
            free = across(tick) + half + 4
    return kept


def _curve(canvas: _Canvas, line: Line, across: Callable[[float], float], up: Callable[[float], float]) -> None:
    points = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in zip(line.x, line.y, strict=True))
    canvas.add("polyline", points=points, class_=f"curve {line.colour}")
    for a, (low, high) in zip(line.x, line.intervals, strict=False):
        canvas.add("line", x1=across(a), x2=across(a), y1=up(low), y2=up(high), class_=f"interval {line.colour}")
    if line.dots:
        for a, b in zip(line.x, line.y, strict=True):
            canvas.add(
                "circle",
                f"<title>{a:.3g}, {b:.3g}</title>",
                cx=across(a),
                cy=up(b),
                r=3.5,
                class_=f"fill {line.colour}",
            )
