"""A page of tiles and sections alone, in the style of the report: the backtest and the monitor write theirs with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from claimvet.data.contract.writing.atomic_write import atomic_write
from claimvet.pipeline.report.page import template
from claimvet.pipeline.report.parts import Section
from claimvet.pipeline.report.tiles import Tile


def write_page(
    out: Path,
    title: str,
    opening: str,
    tiles: Sequence[Tile],
    sections: Sequence[Section],
    *,
    footer: str,
    written_at: datetime,
) -> None:
    """Write one self-contained HTML file; `opening` says in a sentence what the page is about."""
    html = template("plain.html.j2").render(
        title=title, opening=opening, tiles=tiles, sections=sections, footer=footer, written_at=written_at
    )
    with atomic_write(out) as aside:
        aside.write_text(html, encoding="utf-8")
