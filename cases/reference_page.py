"""Writes docs/cases-reference.md: the transition table, its diagram and every sentence; run as a module with the directory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from claimvet.cases.sentences import OF_EVENT, OF_STATUS
from claimvet.cases.transitions import MONEY_MEANINGS, TABLE, Money, Transition
from claimvet.cases.vocabulary import Party, Status

PAGE = "cases-reference.md"


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Cases: transitions and sentences"
    yield ""
    yield "Written from `cases/transitions.py` and `cases/sentences.py` by `python -m claimvet.cases.reference_page docs`."
    yield "[The lifecycle](cases.md) says what it means. Of the rows for an event and a status the first whose condition holds is taken."
    yield from ("", "```mermaid", *diagram(), "```", "")
    yield from _table()
    yield from ("", "## What money does", "")
    yield from (f"- `{money}`: {MONEY_MEANINGS[money]}" for money in Money)
    yield from ("", "## What each party is told", "", "| when | seller | claimant |", "|---|---|---|")
    for status in Status:
        yield f"| `{status}` | {OF_STATUS[status, Party.SELLER]} | {OF_STATUS[status, Party.CLAIMANT]} |"
    for kind in dict.fromkeys(kind for kind, _ in OF_EVENT):
        told = (OF_EVENT.get((kind, party), "–") for party in (Party.SELLER, Party.CLAIMANT))
        yield f"| {_words(kind)} | {' | '.join(told)} |"


def diagram() -> Iterator[str]:
    """Yield the lines of a Mermaid state diagram: one arrow for each pair of statuses, with the events that lead along it."""
    yield "stateDiagram-v2"
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in TABLE:
        for source in row.sources if row.to is not None else ():
            start = "[*]" if source is None else source.value
            arrows.setdefault((start, str(row.to)), []).append(_words(row.event))
    for (start, end), events in arrows.items():
        yield f"    {start} --> {end}: {', '.join(dict.fromkeys(events))}"


def _table() -> Iterator[str]:
    yield "| event | from | if | to | opens | clock | money | told |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in TABLE:
        yield f"| {' | '.join(_cells(row))} |"


def _cells(row: Transition) -> Iterator[str]:
    everywhere = tuple(Status)
    yield _words(row.event)
    yield (
        "any" if row.sources == everywhere else ", ".join("new" if status is None else status for status in row.sources)
    )
    yield (row.condition.__doc__ or "").strip()
    yield "stays" if row.to is None else row.to
    yield "–" if row.opens is None else f"{row.opens} review"
    yield "–" if row.period is None else f"`{row.period}`"
    yield "–" if row.money is None else f"`{row.money}`"
    yield ", ".join(row.told) or "–"


def _words(kind: str) -> str:
    return kind.replace("_", " ")


if __name__ == "__main__":
    (Path(sys.argv[1]) / PAGE).write_text(page(), encoding="utf-8")
