"""The pages can be read: by everybody's eyes, on a small screen, to the end of every name."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from claimvet.features.catalogue.features import FEATURES
from claimvet.models.charts.charts import Bar, bar_chart
from claimvet.models.explain.reference_ranges import describe
from claimvet.pipeline.report.page import template
from claimvet.pipeline.report.parts import Card, Section, Table
from claimvet.pipeline.report.plain import write_page
from claimvet.pipeline.report.tiles import Tile

STYLE = template("style.css.j2").render()
LEAST_CONTRAST = 4.5
"""Of text, by WCAG 2.1, success criterion 1.4.3."""
LETTER = 7.3
"""Pixels that a letter takes at most on average, of 12.5 pixels of type in the widest of the page's fonts."""


def colours() -> tuple[dict[str, str], dict[str, str]]:
    """The variables of the light and of the dark page."""
    light, dark, more_light, more_dark = re.findall(r":root \{([^}]*)\}", STYLE)[:4]
    found = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in (light + more_light, dark + more_dark)
    ]
    return found[0], found[1]


def brightness(colour: str) -> float:
    """Relative luminance, as WCAG 2.1 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((brightness(one), brightness(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_counted_as_the_standard_counts_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["card", "paper"])
@pytest.mark.parametrize("text", ["ink", "soft", "accent", "valid-ink", "frivolous-ink", "abusive-ink"])
def test_text_stands_out_from_its_ground(text: str, ground: str, theme: int) -> None:
    colour = colours()[theme]
    assert contrast(colour[text], colour[ground]) >= LEAST_CONTRAST


def test_both_themes_have_the_same_colours() -> None:
    light, dark = colours()
    assert light.keys() == dark.keys()


def test_no_text_has_a_colour_that_only_areas_may_have() -> None:
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", STYLE)
    for selector, body in rules:
        found = re.search(r"(?:^|;|\s)color: var\(--([a-z-]+)\)", body)
        assert found is None or found.group(1) in {
            "ink",
            "soft",
            "accent",
            "valid-ink",
            "frivolous-ink",
            "abusive-ink",
        }, selector


@pytest.mark.parametrize("place", range(0, len(FEATURES), 9))
def test_every_word_of_a_features_name_is_inside_its_chart(place: int) -> None:
    name = describe(FEATURES[place].name)
    chart = bar_chart("Reasons", [Bar(name, [("c-valid", 1.0)], "100%"), Bar("short", [("c-valid", 0.5)])])
    root = ElementTree.fromstring(str(chart))
    width, height = (float(number) for number in root.attrib["viewBox"].split()[2:])
    texts = [node for node in root.iter() if node.attrib.get("class") == "legend"]
    assert " ".join(str(node.text) for node in texts) == f"{name} short"
    assert all(len(str(node.text)) * LETTER <= width for node in texts)
    bars = [node for node in root.iter() if node.tag.endswith("rect")]
    assert len(bars) == 2
    lowest = max(float(node.attrib["y"]) + float(node.attrib["height"]) for node in bars)
    assert lowest <= height
    heights = [float(node.attrib["y"]) for node in texts]
    assert heights == sorted(heights)
    if texts[0].attrib["text-anchor"] == "start":  # above, not beside
        assert float(bars[0].attrib["y"]) > heights[-2]
        assert float(bars[1].attrib["y"]) > heights[-1]


def test_words_of_a_table_stand_on_the_left_and_may_wrap(tmp_path: Path) -> None:
    table = Table(["column", "index", "meaning"], [["a", "0.1", "what <it> is"]], frozenset({2}))
    sections = [Section("one", "One", "First.", [Card("Columns", table=table)])]
    tiles = [Tile("figure", "1", "of 2", True)]
    write_page(
        tmp_path / "page.html",
        "Title",
        "Opening.",
        tiles,
        sections,
        footer="End.",
        written_at=datetime(2026, 11, 24, tzinfo=UTC),
    )
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '<th class="words">meaning</th>' in page
    assert '<td class="words">what &lt;it&gt; is</td>' in page
    assert "<td>0.1</td>" in page
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in page
