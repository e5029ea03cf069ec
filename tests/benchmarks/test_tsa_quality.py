"""The benchmark trains on earlier claims only, evaluates on decided ones only, and writes what it measured."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.page import replace_section, write_section
from benchmarks.tsa import Mended
from benchmarks.tsa_quality import MENDED, Result, decided_claims, filed_by, plain_scores, section, write_tables

AIRPORTS = ("ORD", "JFK")


def _tables(claims: int = 400) -> dict[str, pd.DataFrame]:
    """Half the claims in 2012, half in 2013; ORD pays, JFK denies, every tenth is undecided."""
    number = pd.Series(range(claims))
    ids = "c" + number.astype("str")
    frame = pd.DataFrame(
        {
            "claim_id": ids,
            "filed_at": pd.to_datetime((2012 + number * 2 // claims).astype("str") + "-06-01", utc=True),
            "incident_at": pd.to_datetime((2012 + number * 2 // claims).astype("str") + "-05-01", utc=True),
            "x_airport": number.map(lambda each: AIRPORTS[each % 2]),
            **dict.fromkeys(("x_airline", "x_claim_type", "x_site", "x_item"), "same"),
            "x_items_count": 1,
            "x_filed_month": 6,
        }
    )
    decided = frame[number % 10 != 9]
    labels = decided["x_airport"].map({"ORD": "valid", "JFK": "frivolous"})
    outcomes = pd.DataFrame({"claim_id": decided["claim_id"], "label": labels, "decided_at": decided["filed_at"]})
    return {"claims": frame, "outcomes": outcomes, "products": pd.DataFrame({"product_id": ["p"]})}


def test_training_sees_no_claim_of_the_evaluated_year_and_no_outcome_of_one() -> None:
    known = filed_by(_tables(), 2012)
    assert set(known["claims"]["filed_at"].dt.year) == {2012}
    assert set(known["outcomes"]["claim_id"]) <= set(known["claims"]["claim_id"])
    assert len(known["outcomes"]) == 180


def test_only_decided_claims_evaluate() -> None:
    tables = _tables()
    decided = decided_claims(tables)
    assert set(decided.index) == set(tables["outcomes"]["claim_id"])
    assert decided.loc[decided["x_airport"] == "ORD", "paid"].eq(1).all()
    assert decided.loc[decided["x_airport"] == "JFK", "paid"].eq(0).all()


def test_the_plain_model_learns_from_earlier_years_and_answers_for_the_evaluated_one() -> None:
    decided = decided_claims(_tables())
    scores = plain_scores(decided, 2012, 2013)
    paid = decided.loc[decided["year"] == 2013, "paid"]
    assert list(scores.index) == list(paid.index)
    assert scores[paid == 1].min() > scores[paid == 0].max()


def test_tables_are_written_as_files_of_the_contract(tmp_path: Path) -> None:
    tables = _tables()
    folder = write_tables(tables, tmp_path / "data")
    assert {path.name for path in folder.iterdir()} == {"claims.parquet", "outcomes.parquet", "products.parquet"}
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "products.parquet"), tables["products"])


def test_the_page_shows_both_areas_the_bar_and_every_fault() -> None:
    text = section([Result(2012, 2013, 72_677, 6_233, 0.7123, 0.7037, 99.6)], Mended(11, 22, 33, 44, 55))
    assert "| up to 2012 | 2013 | 72,677 | 6,233 | **0.7123** | 0.7037 | 0.706 | 100 |" in text
    assert all(f"{count} {MENDED[name]}" in text for name, count in zip(MENDED, (11, 22, 33, 44, 55), strict=True))


def test_a_section_takes_the_place_of_its_former_self_and_leaves_the_others(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(replace_section(replace_section("# Page\n", "one", "first"), "two", "second"))
    write_section("one", "changed \\1", page)
    assert page.read_text() == (
        "# Page\n\n<!-- one -->\nchanged \\1\n<!-- end of one -->\n\n<!-- two -->\nsecond\n<!-- end of two -->\n"
    )


def test_a_page_that_does_not_exist_is_not_made_up(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.md"):
        write_section("one", "text", tmp_path / "nowhere.md")
