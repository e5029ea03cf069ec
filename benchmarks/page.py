"""`docs/benchmarks.md`: one section a benchmark, each rewritten by its own command and by nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"


def replace_section(page: str, name: str, text: str) -> str:
    r"""The page with the section of that name set to `text`; added at the end where there is none yet.

    >>> page = replace_section("# Benchmarks\n", "speed", "fast")
    >>> replace_section(page, "speed", "faster")
    '# Benchmarks\n\n<!-- speed -->\nfaster\n<!-- end of speed -->\n'
    """
    section = f"<!-- {name} -->\n{text.strip()}\n<!-- end of {name} -->\n"
    place = re.compile(rf"<!-- {re.escape(name)} -->\n.*?<!-- end of {re.escape(name)} -->\n", re.DOTALL)
    return place.sub(lambda _: section, page) if place.search(page) else f"{page.rstrip()}\n\n{section}"


def write_section(name: str, text: str, page: Path = PAGE) -> None:
    """Replace the section on disk, the page aside and then renamed."""
    aside = page.with_name(f".{page.name}.part")
    aside.write_text(replace_section(page.read_text(encoding="utf-8"), name, text), encoding="utf-8")
    os.replace(aside, page)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table.

    >>> print(table(["year", "AUC"], [[2013, 0.5]]))
    | year | AUC |
    |---|---|
    | 2013 | 0.5 |
    """
    lines = [" | ".join(map(str, line)) for line in (header, *rows)]
    return "\n".join([f"| {lines[0]} |", "|---" * len(header) + "|", *(f"| {line} |" for line in lines[1:])])
