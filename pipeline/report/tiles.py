"""The figures at the top of a page, and those that several pages have."""

from __future__ import annotations

from dataclasses import dataclass

from claimvet.pipeline.report.parts import dollars


@dataclass(frozen=True)
class Tile:
    """One figure at the top: its name, its value, and what to hold it against; `good` colours it."""

    name: str
    value: str
    note: str
    good: bool | None = None


def cost_tile(cost: float, beside: float, way: str) -> Tile:
    """US dollars per 1,000 claims, held against those of another way of deciding."""
    return Tile("cost per 1,000 claims", dollars(cost), f"{way}: {dollars(beside)}", cost < beside)


def injuries_tile(denied: int, note: str, may_deny: bool = False) -> Tile:
    """Return how many claims of injury a machine denied: good where none, or where the policy lets it."""
    return Tile("injuries denied", f"{denied}", note, denied == 0 or may_deny)
