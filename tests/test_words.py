"""One vocabulary: words that this project once used for itself, and that the field has others for, do not come back."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RETIRED = {
    r"\bDesk\b|\bdesk_|\b(event|write) desk\b": "write queue",
    r"\bdecider_|\bDecider\b|\bsurroundings\b": "decision service, context",
    r"held[ _]model|HeldModel|ModelSlot": "loaded model, reloader",
    r"\bJournal[A-Z(]|\bjournalled\b|\bjournal_(?!mode)": "outage queue",
    r"\bside[ _]by[ _]side\(|side_by_side": "parallel map",
    r"written[ _]aside": "atomic write",
    r"label[ _]basis|taken[ _]at[ _]their[ _]word": "soft labels",
    r"\brivals?\b": "baselines",
    r"\bcareless_|_CARELESS|carelessness": "label noise, lapse rate",
    r"\bpractise": "calibration slice",
    r"share[sd]?[ _]out": "reviews are allocated",
    r"\bsurely (below|above|beaten|off)": "significantly",
    r"counts as broken": "is violated",
    r"wrongly suspect": "false positive rate by group",
    r"\b(most_trees|ridge|column_share|row_share|least_claims_in_leaf)\b": "LightGBM's own names",
    r"\b_?(most|fewest|longest)_(?!likely|common)[a-z]": "max_, min_",
    r"\b_?(MOST|FEWEST|LONGEST)_[A-Z]": "MAX_, MIN_",
    r"row_by_row|features\.one_claim": "interpreter, features.online",
}
ALLOWED = {
    "pipeline/params.py",  # names the old parameters to refuse them
    "models/scoring/claim_model.py",  # reads records of the first format
    "tests/models/scoring/test_claim_model.py",
    "tests/pipeline/test_params.py",
    "tests/test_words.py",
    "CHANGELOG.md",
}
"""Files that have to name a retired word."""


def _files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    kept = (name for name in listed if name.endswith((".py", ".md", ".yaml", ".toml", ".j2", "Makefile")))
    return [ROOT / name for name in kept if not name.startswith("docs/decisions/") and name not in ALLOWED]


@pytest.mark.parametrize("pattern", RETIRED, ids=RETIRED.values())
def test_a_retired_word_does_not_come_back(pattern: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in _files()
        if path.is_file()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert found == [], f"the field says: {RETIRED[pattern]}"
