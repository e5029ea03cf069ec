"""The reference table of categories: what its script derives, and nothing typed in."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from claimvet.data.contract.errors import InvalidDataError
from claimvet.data.reference import CATEGORIES_PATH, derive_categories, load_categories

FIGURES = ("injury_rate", "severity", "incident_index")


@pytest.fixture(scope="session")
def source() -> Path:
    """The hazard files, where they are at hand."""
    folder = derive_categories.source_directory()
    if not (folder / "hazard").is_dir():
        pytest.skip(f"the hazard files are not at {folder}; set {derive_categories.SOURCE_VARIABLE}")
    return folder


def test_the_table_is_exactly_what_the_script_derives(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derive_categories, "CATEGORIES_PATH", tmp_path / "categories.csv")
    derive_categories.main()
    assert (tmp_path / "categories.csv").read_bytes() == CATEGORIES_PATH.read_bytes()


def test_a_code_that_no_source_lists_is_an_error(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = derive_categories.read_map().assign(neiss_codes="99999")
    monkeypatch.setattr(derive_categories, "read_map", lambda: wrong)
    with pytest.raises(
        InvalidDataError, match=r"category_map.csv names '99999', which the source of count_2014 does not list"
    ):
        derive_categories.derive(source)


def test_a_category_that_google_does_not_list_is_an_error(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = derive_categories.read_map().assign(google_taxonomy_path="Media > Scrolls")
    monkeypatch.setattr(derive_categories, "read_map", lambda: wrong)
    with pytest.raises(
        InvalidDataError, match="names the Google category 'Media > Scrolls', which the taxonomy does not list"
    ):
        derive_categories.derive(source)


def test_the_injury_rate_of_books_follows_from_the_counts(source: Path) -> None:
    counts = derive_categories.neiss_counts(source)
    expected = 100_000 * counts.loc["4047"].sum() / counts.to_numpy().sum()
    books = load_categories().set_index("category_id").loc["books"]
    assert books["injury_rate"] == pytest.approx(expected, rel=1e-5)


def test_there_are_at_least_forty_categories_with_all_three_figures() -> None:
    assert len(load_categories().dropna(subset=list(FIGURES))) >= 40


def test_category_and_google_ids_are_unique() -> None:
    table = load_categories()
    assert table["category_id"].is_unique
    assert table["google_taxonomy_id"].is_unique


@pytest.mark.parametrize("harmless", ["books", "music_cds"])
@pytest.mark.parametrize("figure", FIGURES)
def test_books_and_cds_are_among_the_most_harmless(harmless: str, figure: str) -> None:
    figures = load_categories().set_index("category_id")[figure]
    assert figures[harmless] < figures.quantile(0.1)


def test_every_figure_names_its_source() -> None:
    table = load_categories()
    assert (table.loc[table["injury_rate"].notna(), "neiss_codes"] != "").all()
    assert (table.loc[table["severity"].notna(), "hospitalised_share_of"] != "").all()
    assert (table.loc[table["incident_index"].notna(), "incident_index_of"] != "").all()
    assert (table.loc[table["safetygate_alerts"].notna(), "safetygate_category"] != "").all()


def test_what_no_source_covers_is_null_and_not_zero() -> None:
    table = load_categories().set_index("category_id")
    assert pd.isna(table.loc["e_cigarettes", "injury_rate"])
    assert pd.isna(table.loc["books", "safetygate_alerts"])


def test_figures_are_floats_and_shares_lie_between_zero_and_one() -> None:
    table = load_categories()
    assert (table[list(FIGURES)].dtypes == "float64").all()
    shares = table[["incident_index", "hospitalised_share", "safetygate_acute_share"]]
    assert ((shares >= 0) & (shares <= 1) | shares.isna()).all(axis=None)
