"""Axes hold what is drawn and tick at round numbers, whatever the numbers are."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from claimvet.pipeline.report.charts import MAX_TICKS, Axis, Line, histogram, line_chart, round_axis, short_dollars
from tests.examples import examples

VALUES = st.floats(-1e7, 1e7, allow_subnormal=False).filter(lambda value: value == 0.0 or abs(value) > 1e-6)


@given(VALUES, VALUES)
def test_an_axis_holds_its_ends_and_ticks_evenly_at_round_numbers(one: float, other: float) -> None:
    low, high = sorted((one, other))
    if high - low < 1e-6 * max(abs(low), abs(high)):
        high = low
    axis = round_axis("figure", low, high)
    span = (high - low) or abs(high) or 1.0
    assert axis.low <= low + 1e-6 * span
    assert axis.high >= high - 1e-6 * span
    assert axis.low < axis.high
    assert (axis.ticks[0], axis.ticks[-1]) == (axis.low, axis.high)
    assert 2 <= len(axis.ticks) <= MAX_TICKS + 3
    steps = [b - a for a, b in zip(axis.ticks, axis.ticks[1:], strict=False)]
    assert max(steps) == pytest.approx(min(steps), rel=1e-6)
    leading = steps[0] / 10.0 ** math.floor(math.log10(steps[0]) + 1e-9)
    assert any(leading == pytest.approx(part, rel=1e-6) for part in (1, 2, 5, 10))


@given(st.floats(0.001, 1e7))
def test_an_axis_from_nothing_begins_at_nothing(high: float) -> None:
    assert round_axis("figure", 0.0, high).low == 0.0


@given(st.floats(-9.9e8, 9.9e8).map(lambda value: round(value, 2)))
def test_dollars_on_an_axis_are_short_and_right_to_four_digits(value: float) -> None:
    text = short_dollars(value)
    assert len(text) <= 10
    number = float(text.replace("$", "").rstrip("kM")) * {"k": 1e3, "M": 1e6}.get(text[-1], 1.0)
    assert number == pytest.approx(value, rel=6e-4, abs=1e-12)


@given(st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=2, max_size=12))
def test_every_point_of_a_line_is_inside_its_frame(values: list[float]) -> None:
    x = round_axis("place", 0.0, float(len(values) - 1))
    y = round_axis("figure", min(0.0, *values), max(values), short_dollars)
    chart = line_chart("A line", [Line("one", list(range(len(values))), values, "c-policy", dots=True)], x, y)
    root = ElementTree.fromstring(str(chart))
    width, height = (float(number) for number in root.attrib["viewBox"].split()[2:])
    dots = [node for node in root.iter() if node.tag.endswith("circle")]
    assert len(dots) == len(values)
    for node in dots:
        assert 0.0 <= float(node.attrib["cx"]) <= width
        assert 0.0 <= float(node.attrib["cy"]) <= height


FONT = FontProperties(family="DejaVu Sans")
"""A wide font that matplotlib brings along; browsers' own are as wide or narrower."""
NAMES = st.lists(
    st.sampled_from(["model", "presenting everything", "valid", "the one before", "AUC"]),
    min_size=1,
    max_size=5,
)


@cache
def width_of(text: str, size: float) -> float:
    """How wide a text is drawn; measuring one costs a hundred times what the rest of a test's example does."""
    return float(TextPath((0, 0), text, size=size, prop=FONT).get_extents().x1)


def box(node: ElementTree.Element) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a text as it is drawn, measured with the font's own outlines."""
    size = {"tick": 12.0, "legend": 12.5}.get(node.attrib["class"], 12.0)
    width = width_of(node.text or " ", size)
    x, y = float(node.attrib["x"]), float(node.attrib["y"])
    start = {"start": 0.0, "middle": -width / 2, "end": -width}[node.attrib["text-anchor"]]
    if "transform" in node.attrib:  # turned by a quarter, upwards
        return x - 0.75 * size, y - width - start, x + 0.2 * size, y - start
    return x + start, y - 0.75 * size, x + start + width, y + 0.2 * size


def assert_apart(chart: str) -> None:
    texts = [
        (node.text, box(node))
        for node in ElementTree.fromstring(chart).iter()
        if node.tag.endswith("text") and node.text
    ]
    for (one, a), (other, b) in combinations(texts, 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, f"{one!r} at {a} lies over {other!r} at {b}"


@settings(max_examples=examples(40))
@given(
    st.floats(0.001, 1e9),
    st.integers(2, 14),
    NAMES,
    st.sampled_from(["US dollars per 1,000 claims", "share", "area under the curve"]),
    st.sampled_from([short_dollars, "{:g}".format, "${:,.2f}".format]),
)
def test_no_text_of_a_chart_lies_over_another(
    high: float, periods: int, names: list[str], title: str, write: Callable[[float], str]
) -> None:
    starts = [f"2025-{1 + place % 12:02}" for place in range(periods)]
    places = [float(place) for place in range(periods)]
    x = Axis("period, by its first month", 0, max(periods - 1, 1), places, lambda place: starts[round(place)])
    y = round_axis(title, 0.0, high, write)
    lines = [Line(name, places, [high] * periods, "c-policy") for name in names]
    assert_apart(str(line_chart("Money", lines, x, y)))
    assert_apart(str(histogram("Shares", [(name, "c-valid", [high] * 20) for name in names], x)))
