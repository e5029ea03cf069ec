"""The page about the tables says what the declaration says."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimvet.data.contract.rules import RELATIONS
from claimvet.data.contract.tables import TABLES
from claimvet.pipeline.validate import reference_page


def test_the_page_is_up_to_date() -> None:
    assert reference_page.main(["--check"]) == 0, "run python -m claimvet.pipeline.validate.reference_page"


def test_the_page_names_every_table_column_and_relation() -> None:
    text = reference_page.page()
    for table in TABLES.values():
        section = text.split(f"\n## {table.name}\n")[1].split("\n## ")[0]
        assert all(f"| `{column.name}` |" in section for column in table.columns)
    assert all(f"| {relation.rule} |" in text for relation in RELATIONS)


def test_a_stale_page_is_noticed_and_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_page, "PAGE", tmp_path / "contract.md")
    assert reference_page.main(["--check"]) == 1
    assert reference_page.main([]) == 0
    assert reference_page.main(["--check"]) == 0
    assert list(tmp_path.iterdir()) == [tmp_path / "contract.md"]
