"""Where the texts of a chart stand, measured with the outlines of a wide font."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from xml.etree import ElementTree

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

FONT = FontProperties(family="DejaVu Sans")
"""A wide font that matplotlib brings along; browsers' own are as wide or narrower."""


@cache
def text_width(words: str, size: float) -> float:
    """Pixels from the beginning of a text to its end."""
    return sum(_letter_width(letter) for letter in words) * size


@cache
def _letter_width(letter: str) -> float:
    """How far a letter moves the next one, in sizes of the type: the measure of a letter alone leaves its space out."""
    two, one = (TextPath((0, 0), words, size=100.0, prop=FONT).get_extents().x1 for words in (letter + "|", "|"))
    return float(two - one) / 100.0


def box(node: ElementTree.Element) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a text as it is drawn, measured with the font's own outlines."""
    size = {"tick": 12.0, "legend": 12.5, "heading": 15.0}.get(node.attrib["class"], 12.0)
    width = text_width(node.text or " ", size)
    x, y = float(node.attrib["x"]), float(node.attrib["y"])
    start = {"start": 0.0, "middle": -width / 2, "end": -width}[node.attrib["text-anchor"]]
    if "transform" in node.attrib:  # turned by a quarter, upwards
        return x - 0.75 * size, y - width - start, x + 0.2 * size, y - start
    return x + start, y - 0.75 * size, x + start + width, y + 0.2 * size


def assert_apart(chart: str) -> None:
    """Every text lies inside the picture, and none over another."""
    root = ElementTree.fromstring(chart)
    width, height = (float(number) for number in root.attrib["viewBox"].split()[2:])
    texts = [(node.text, box(node)) for node in root.iter() if node.tag.endswith("text") and node.text]
    for text, (left, top, right, bottom) in texts:
        inside = left >= -1.0 and top >= -1.0 and right <= width + 1.0 and bottom <= height + 1.0
        assert inside, (
            f"{text!r} at {left:.0f} to {right:.0f}, {top:.0f} to {bottom:.0f} leaves {width:.0f} x {height:.0f}"
        )
    for (one, a), (other, b) in combinations(texts, 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, f"{one!r} at {a} lies over {other!r} at {b}"
