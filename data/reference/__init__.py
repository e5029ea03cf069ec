"""What is known of marketplace categories in general: how often and how badly their products hurt people.

Convention: a higher figure is a more dangerous category; null means that no source covers it. A category that is not listed works
everywhere and has no hazard figure.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import csv

if TYPE_CHECKING:
    import pandas as pd

CATEGORIES_PATH = Path(__file__).with_name("categories.csv")

TEXT_COLUMNS = (
    "category_id",
    "category_name",
    "hospitalised_share_of",
    "incident_index_of",
    "google_taxonomy_path",
    "neiss_codes",
    "neiss_group_1998",
    "safetygate_category",
    "saferproducts_categories",
)
"""Columns read as strings; all others are numbers."""


def category_table() -> pa.Table:
    """Return the reference table of marketplace categories, one row each, written by `data.reference.derive_categories`.

    Columns (float64 unless said otherwise; null where no source covers the category):

    - `category_id`, `category_name` (string), `google_taxonomy_id` (int64, Google product taxonomy 2021-09-21)
    - `injury_rate`: emergency-room cases among 100,000 cases of the NEISS sample, 2014 and 2019 together; not by units sold
    - `severity`: hospitalised or dead among 100,000 NEISS cases: `injury_rate` times `hospitalised_share`
    - `incident_index`: mean rank, 0 to 1, over the figures that `incident_index_of` names (string)
    - `neiss_count_2014`, `neiss_count_2019`: cases of the codes in `neiss_codes` (string, separated by `|`)
    - `hospitalised_share`: share hospitalised or dead, NEISS 1998, of the group in `hospitalised_share_of` (string; `all groups`
      where no group fits)
    - `safetygate_alerts`, `safetygate_acute_alerts`, `safetygate_acute_share`: EU Safety Gate 2023 and 2024, of the broad category
      in `safetygate_category` (string)
    - `saferproducts_reports`, `saferproducts_harm_reports`: SaferProducts.gov 2011-2016, of `saferproducts_categories` (string); the
      source prints its top categories only
    - `google_taxonomy_path`, `neiss_group_1998` (string)

    >>> category_table().num_rows
    70
    """
    header = CATEGORIES_PATH.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    types = dict.fromkeys(header, pa.float64()) | dict.fromkeys(TEXT_COLUMNS, pa.string())
    types["google_taxonomy_id"] = pa.int64()
    return csv.read_csv(CATEGORIES_PATH, convert_options=csv.ConvertOptions(column_types=types, null_values=[""]))


def load_categories() -> pd.DataFrame:
    """`category_table` in pandas.

    >>> float(load_categories().set_index("category_id").loc["books", "injury_rate"])
    58.5492
    """
    table: pd.DataFrame = category_table().to_pandas()
    return table
