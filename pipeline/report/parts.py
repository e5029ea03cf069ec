"""What a report is made of: sections of cards, a card with a chart or a table; and how figures are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from claimvet.models.charts.titled import TitledChart


@dataclass(frozen=True)
class Table:
    """A table: its header, its rows as text; columns after the first are aligned right, but for the places in `words`, which hold text."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Card:
    """A box of a section: a title, a chart or a table or both, and a note under them."""

    title: str
    chart: Markup | None = None
    table: Table | None = None
    note: str = ""
    wide: bool = False


def chart_card(drawn: TitledChart) -> Card:
    """Return a box with a chart, its title and its caption."""
    return Card(drawn.title, drawn.chart, note=drawn.caption)


@dataclass(frozen=True)
class Section:
    """A chapter of the report."""

    anchor: str
    title: str
    lead: str
    cards: Sequence[Card] = ()


def shortened(text: str, most: int = 150) -> str:
    """Return the text, cut where it is longer than `most` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def share(part: float, whole: float) -> str:
    """Return a percentage with one decimal; `none` of nothing.

    >>> share(1, 8), share(0, 0)
    ('12.5%', 'none')
    """
    return f"{part / whole:.1%}" if whole else "none"


def figure(value: float) -> str:
    """Three decimals; `n/a` for nan."""
    return "n/a" if np.isnan(value) else f"{value:.3f}"


def dollars(value: float) -> str:
    """Return whole dollars."""
    return f"${value:,.0f}"
