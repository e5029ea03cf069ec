"""Derives `categories.csv`: what the hazard files say about each marketplace category.

    python -m claimvet.data.reference.derive_categories

`category_map.csv` holds the only judgement: which NEISS codes, Safety Gate category and SaferProducts categories a marketplace
category means. All figures are computed from it and from `../shared/data` (or the directory that CLAIMVET_BENCH_DATA names).
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from claimvet.data.contract.errors import InvalidDataError
from claimvet.data.reference import CATEGORIES_PATH

MAP_PATH = Path(__file__).with_name("category_map.csv")
SOURCE_VARIABLE = "CLAIMVET_BENCH_DATA"
PER = 100_000
"""Injury figures are cases among this many cases of the whole NEISS sample."""

ACUTE_RISKS = (
    "Breathing Obstruction",
    "Burns",
    "Drowning",
    "Electric Shock",
    "Entrapment",
    "Fire",
    "Injuries",
    "burns, fire, injuries, explosion",
    "cuts, damage to sight, electric shock",
    "drowning, strangulation",
)
"""Safety Gate risks that hurt at once; chemical, environmental, microbiological and hearing risks work slowly."""


def source_directory() -> Path:
    """Return where the real data lies: $CLAIMVET_BENCH_DATA, or `../shared/data` beside the checkout."""
    named = os.environ.get(SOURCE_VARIABLE)
    return Path(named) if named else Path(__file__).resolve().parents[3] / "shared" / "data"


def _split(cell: str) -> list[str]:
    return [part for part in cell.split("|") if part]


def read_map() -> pd.DataFrame:
    """Return the reviewed mapping, every column a string, empty where a source does not cover the category."""
    return pd.read_csv(MAP_PATH, dtype="str", keep_default_na=False)


def taxonomy_ids(source: Path) -> dict[str, int]:
    """Google's id of each category path."""
    lines = (source / "google_taxonomy" / "taxonomy-with-ids.en-US.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(" - ", 1) for line in lines if not line.startswith("#") and " - " in line)
    return {path.strip(): int(number) for number, path in pairs}


def neiss_counts(source: Path) -> pd.DataFrame:
    """NEISS sample cases by product code: index code (string), columns count_2014 and count_2019 (int64)."""
    raw = pd.read_csv(source / "hazard" / "neiss" / "product_counts_2014_2019" / "increase.csv")
    raw.index = pd.Index(raw["product"].str.split(" - ", n=1).str[0], name="code")
    return raw[["count_2014", "count_2019"]]


def hospitalised_shares(source: Path) -> tuple[dict[str, float], float]:
    """Share of emergency-room cases that ended in hospital or death (NEISS 1998): by product group, and over all groups."""
    raw = pd.read_csv(source / "hazard" / "neiss" / "product_group_severity_1998.csv").set_index("product_group")
    treated = raw["rate_treated_released"] + raw["rate_hosp_doa"]
    pooled = float(raw["rate_hosp_doa"].sum() / treated.sum())
    return {str(name): float(share) for name, share in (raw["rate_hosp_doa"] / treated).items()}, pooled


def safety_gate_alerts(source: Path) -> pd.DataFrame:
    """EU alerts 2023 and 2024 by product category: columns `alerts` and `acute` (those of `ACUTE_RISKS`)."""
    folder = source / "hazard" / "safetygate"
    years = [pd.read_csv(folder / f"risk_by_product_category_{year}.csv", index_col=0) for year in (2023, 2024)]
    total = years[0].add(years[1], fill_value=0)
    acute = total[[risk for risk in ACUTE_RISKS if risk in total]]
    return pd.DataFrame({"alerts": total.sum(axis=1), "acute": acute.sum(axis=1)})


def safer_products_reports(source: Path) -> pd.DataFrame:
    """SaferProducts.gov reports 2011-2016 of the most reported categories: all, and with care or death."""
    return pd.read_csv(source / "hazard" / "saferproducts" / "top_categories.csv", index_col="category")


def _total(table: pd.DataFrame, names: list[str], column: str) -> float:
    """Sum of a column over the named rows; NaN where the source names none of them."""
    missing = [name for name in names if name not in table.index]
    if missing:
        raise InvalidDataError(f"category_map.csv names {missing[0]!r}, which the source of {column} does not list")
    return float(table.loc[names, column].sum(min_count=1)) if names else float("nan")


def _injuries(categories: pd.DataFrame, source: Path) -> pd.DataFrame:
    counts = neiss_counts(source)
    codes = categories["neiss_codes"].map(_split)
    cases = pd.DataFrame({f"neiss_{column}": codes.map(lambda c, k=column: _total(counts, c, k)) for column in counts})
    both = cases["neiss_count_2014"] + cases["neiss_count_2019"]
    return cases.assign(injury_rate=PER * both / counts.to_numpy().sum())


def _severity(categories: pd.DataFrame, source: Path, injury_rate: pd.Series) -> pd.DataFrame:
    by_group, pooled = hospitalised_shares(source)
    group = categories["neiss_group_1998"]
    share = group.map(by_group).fillna(pooled).where(injury_rate.notna())
    basis = group.where(group != "", "all groups").where(injury_rate.notna(), "")
    return pd.DataFrame({"hospitalised_share": share, "hospitalised_share_of": basis, "severity": share * injury_rate})


def _reports(categories: pd.DataFrame, source: Path) -> pd.DataFrame:
    alerts, reports = safety_gate_alerts(source), safer_products_reports(source)
    gate, safer = categories["safetygate_category"].map(_split), categories["saferproducts_categories"].map(_split)
    table = pd.DataFrame(
        {
            "safetygate_alerts": gate.map(lambda names: _total(alerts, names, "alerts")),
            "safetygate_acute_alerts": gate.map(lambda names: _total(alerts, names, "acute")),
            "saferproducts_reports": safer.map(lambda names: _total(reports, names, "all_reports")),
            "saferproducts_harm_reports": safer.map(lambda names: _total(reports, names, "reports_with_care_or_death")),
        }
    )
    return table.assign(safetygate_acute_share=table["safetygate_acute_alerts"] / table["safetygate_alerts"])


INCIDENT_FIGURES = ("injury_rate", "safetygate_acute_alerts", "saferproducts_reports")
"""What the incident index averages, each as its rank among the categories that the source covers."""


def _incident_index(figures: pd.DataFrame) -> pd.DataFrame:
    ranks = figures[list(INCIDENT_FIGURES)].rank(pct=True)
    covered = figures[list(INCIDENT_FIGURES)].notna()
    names = covered.apply(lambda row: "|".join(covered.columns[row]), axis=1)
    return pd.DataFrame({"incident_index": ranks.mean(axis=1), "incident_index_of": names})


def derive(source: Path) -> pd.DataFrame:
    """Return the reference table, one row a category in the order of the map; see `data.reference.load_categories` for its columns."""
    categories = read_map()
    ids = taxonomy_ids(source)
    unknown = [path for path in categories["google_taxonomy_path"] if path not in ids]
    if unknown:
        raise InvalidDataError(
            f"category_map.csv names the Google category {unknown[0]!r}, which the taxonomy does not list"
        )
    google = categories["google_taxonomy_path"].map(ids).rename("google_taxonomy_id")
    injuries = _injuries(categories, source)
    severity = _severity(categories, source, injuries["injury_rate"])
    figures = pd.concat([injuries, severity, _reports(categories, source)], axis=1)
    figures = pd.concat([figures, _incident_index(figures)], axis=1)
    first = ["category_id", "category_name"]
    head = [categories[first], google, figures[["injury_rate", "severity", "incident_index"]]]
    rest = [figures.drop(columns=["injury_rate", "severity", "incident_index"]), categories.drop(columns=first)]
    return pd.concat([*head, *rest], axis=1)


def main() -> None:
    """Write `categories.csv` anew."""
    aside = CATEGORIES_PATH.with_suffix(".csv.part")
    derive(source_directory()).to_csv(aside, index=False, float_format="%.6g", lineterminator="\n")
    os.replace(aside, CATEGORIES_PATH)


if __name__ == "__main__":
    main()
