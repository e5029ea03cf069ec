"""A chart with its title and its caption, and as a file that needs no page around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from textwrap import wrap
from xml.etree import ElementTree

from markupsafe import Markup

from claimvet.models.charts.charts import LETTER_WIDTH

STYLE = Markup((Path(__file__).parent / "chart.css").read_text(encoding="utf-8"))
"""Colours in light and dark, and how lines and texts look; a page with charts includes it."""
MARGIN, HEADING, LINE = 14, 40, 17
"""Of a chart's file, pixels: around everything, of the title, and of each line of the caption."""
SCALE = 1.6
"""Pixels of a file's picture for each pixel of the chart."""


@dataclass(frozen=True)
class TitledChart:
    """A chart, what it is called, and a caption that says what a person should see in it."""

    title: str
    chart: Markup
    caption: str

    def file(self) -> str:
        """Return the text of an SVG file: title, chart and caption, with the colours of light and dark screens."""
        width, height = (float(size) for size in ElementTree.fromstring(self.chart).attrib["viewBox"].split()[2:])
        lines = wrap(self.caption, int(width / LETTER_WIDTH))
        size = width + 2 * MARGIN, HEADING + height + LINE * len(lines) + 2 * MARGIN
        placed = str(self.chart).replace(
            "<svg ", f'<svg x="{MARGIN}" y="{HEADING}" width="{width:g}" height="{height:g}" ', 1
        )
        below = "".join(
            f'<text class="tick" text-anchor="start" x="{MARGIN}" y="{HEADING + height + LINE * (place + 1):g}">{escape(line)}</text>'
            for place, line in enumerate(lines)
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]:g} {size[1]:g}" width="{SCALE * size[0]:g}" '
            f'height="{SCALE * size[1]:g}" role="img" aria-label="{escape(self.title, quote=True)}"><style>{STYLE}</style>'
            f'<rect class="ground" width="100%" height="100%"/>'
            f'<text class="heading" text-anchor="start" x="{MARGIN}" y="26">{escape(self.title)}</text>'
            f"{placed}{below}</svg>\n"
        )


def write_charts(charts: Mapping[str, TitledChart], directory: Path) -> list[Path]:
    """Write each chart as `<name>.svg` into `directory`, which is made where it is missing; return the files."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{name}.svg" for name in charts]
    for path, chart in zip(paths, charts.values(), strict=True):
        path.write_text(chart.file(), encoding="utf-8")
    return paths
