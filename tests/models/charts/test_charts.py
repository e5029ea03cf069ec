"""Axes hold what is drawn and tick at round numbers, whatever the numbers are."""

from __future__ import annotations

import math
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.models.charts.axes import MAX_TICKS, named_axis, round_axis, short_dollars
from claimvet.models.charts.charts import Bar, IntervalRow, Line, bar_chart, histogram, interval_chart, line_chart
from claimvet.models.charts.titled import TitledChart
from tests.examples import examples
from tests.models.charts.text_boxes import assert_apart, box

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


NAMES = st.lists(
    st.sampled_from(["model", "presenting everything", "valid", "the one before", "AUC"]),
    min_size=1,
    max_size=5,
)


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
    places = range(periods)
    x = named_axis("period, by its first month", [f"2025-{1 + place % 12:02}" for place in places])
    y = round_axis(title, 0.0, high, write)
    lines = [Line(name, places, [high] * periods, "c-policy") for name in names]
    assert_apart(str(line_chart("Money", lines, x, y)))
    assert_apart(str(histogram("Shares", [(name, "c-valid", [high] * 20) for name in names], x)))


WORDS = st.lists(st.sampled_from(["an", "order", "returns", "identity", "customers"]), min_size=1, max_size=12)


@settings(max_examples=examples(40))
@given(
    st.lists(st.tuples(WORDS, st.floats(0.0, 1e6)), min_size=1, max_size=8),
    st.sampled_from(["{:,.0f} (100.0%)".format, "{:.0%}".format, "${:,.0f}".format]),
)
def test_no_text_of_bars_or_intervals_lies_over_another(
    rows: list[tuple[list[str], float]], write: Callable[[float], str]
) -> None:
    bars = [Bar(" ".join(words), [("c-valid", value), ("c-other", value)], write(value)) for words, value in rows]
    assert_apart(str(bar_chart("Bars", bars)))
    drawn = [IntervalRow(" ".join(words)[:50], -value, 0.0, value) for words, value in rows]
    x = round_axis("difference", -max(value for _, value in rows), max(value for _, value in rows))
    assert_apart(str(interval_chart("Intervals", drawn, x, "c-valid")))


def test_a_bar_begins_right_of_every_name_beside_it_and_ends_left_of_its_text() -> None:
    root = ElementTree.fromstring(
        bar_chart("Bars", [Bar("short", [("c-valid", 1.0)], "1 claim"), Bar("longer name", [])])
    )
    names = [box(node)[2] for node in root.iter() if node.attrib.get("class") == "legend"]
    (bar,) = [node for node in root.iter() if node.tag.endswith("rect")]
    (text,) = [box(node)[0] for node in root.iter() if node.text == "1 claim"]
    assert max(names) < float(bar.attrib["x"])
    assert float(bar.attrib["x"]) + float(bar.attrib["width"]) < text


def test_what_is_no_number_is_left_out_of_a_line() -> None:
    chart = line_chart(
        "A line", [Line("one", [0, 1, 2], [1.0, math.nan, 2.0], "c-policy", True)], *2 * [round_axis("figure", 0, 2)]
    )
    assert "nan" not in str(chart)
    assert str(chart).count("<circle") == 2


def test_a_chart_as_a_file_has_its_title_its_caption_and_its_colours_for_both_themes() -> None:
    chart = bar_chart("Bars", [Bar("one", [("c-valid", 1.0)], "1")])
    drawn = TitledChart("Cost & harm", chart, "The lower, the better: " + "a long caption is wrapped. " * 6)
    root = ElementTree.fromstring(drawn.file())
    heading, *caption = [node for node in root if node.tag.endswith("text")]
    assert heading.text == "Cost & harm"
    assert " ".join(str(node.text) for node in caption) == drawn.caption.strip()
    assert len(caption) > 2
    assert "prefers-color-scheme: dark" in drawn.file()
    width = float(root.attrib["viewBox"].split()[2])
    assert all(box(node)[2] <= width for node in (heading, *caption))
