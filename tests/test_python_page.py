"""The Python page runs as it is printed, and gives what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "python.md"
CODE = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.slow
def test_the_page_runs_as_it_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in CODE:
        exec(block, names)
    scores, why = names["scores"], names["why"]
    assert len(scores) == 3000  # type: ignore[arg-type]
    assert scores[["p_valid", "p_frivolous", "p_abusive"]].sum(axis=1).round(9).eq(1.0).all()  # type: ignore[index]
    assert isinstance(why, list)
    assert all(isinstance(text, str) for text in why)
    assert why


def test_what_is_imported_first_is_all_that_the_ten_lines_need() -> None:
    lines = [line for line in CODE[0].splitlines() if line and not line.startswith(("from ", "import "))]
    assert len(lines) <= 11
