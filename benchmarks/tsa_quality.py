"""The whole path on real claims: validate, features, train, score; AUC of paid against denied in the year after training.

Run by `make bench-tsa`. Beside it stands a plain LightGBM on the raw columns, in the same run and on the same claims.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import lightgbm as lgb
import pandas as pd
from sklearn.metrics import roc_auc_score

from benchmarks.page import table, write_section
from benchmarks.tsa import DECISION_DELAY, Mended, claims_table, mend, outcomes_table, products_table, read_raw
from claimvet.models.registry.own_store import own_store
from claimvet.pipeline.params import Params, load_params
from claimvet.pipeline.progress import step
from claimvet.pipeline.stages.score import score
from claimvet.pipeline.stages.train import train

YEARS = ((2012, 2013), (2014, 2015))
"""Last year of training, year that evaluates: the splits of the figures known."""
TARGETS = {2013: 0.706, 2015: 0.692}
"""AUC of a quick LightGBM on these data and splits (`tsa_claims/SOURCE.md`)."""
PLAIN_COLUMNS = ("x_airport", "x_airline", "x_claim_type", "x_site", "x_item", "x_items_count", "x_filed_month")

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Result:
    """One evaluated year: findings that trained, findings evaluated, and the area under the ROC curve of Claimvet and of a plain
    LightGBM.
    """

    trained_until: int
    evaluated: int
    training_claims: int
    evaluated_claims: int
    auc: float
    plain_auc: float
    seconds: float


def contract_tables(mended: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The three tables that the agency's claims fill."""
    claims = claims_table(mended)
    return {"claims": claims, "products": products_table(claims), "outcomes": outcomes_table(mended)}


def filed_by(tables: Tables, last_year: int) -> dict[str, pd.DataFrame]:
    """The same tables with the claims filed up to the end of `last_year`, and their outcomes."""
    claims = tables["claims"][tables["claims"]["filed_at"].dt.year <= last_year]
    outcomes = tables["outcomes"][tables["outcomes"]["claim_id"].isin(claims["claim_id"])]
    return {**tables, "claims": claims, "outcomes": outcomes}


def write_tables(tables: Tables, folder: Path) -> Path:
    """Write each table as a Parquet file into `folder`, which is made, and return it."""
    folder.mkdir(parents=True)
    for name, rows in tables.items():
        rows.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def decided_claims(tables: Tables) -> pd.DataFrame:
    """The claims with an outcome, indexed by claim_id, with `paid` (1 or 0) and `year` of filing beside the contract's columns."""
    claims = tables["claims"].set_index("claim_id")
    label = tables["outcomes"].set_index("claim_id")["label"]
    decided = claims.loc[label.index]
    return decided.assign(paid=(label == "valid").astype("int64"), year=decided["filed_at"].dt.year)


def claimvet_scores(tables: Tables, last_year: int, year: int, scratch: Path, params: Params) -> pd.Series:
    """P(valid) of the claims filed in `year`, by claim_id, from a model trained on those filed up to `last_year`.

    Every stage runs: validate, features, train, score. An evaluated claim sees what was known before it was filed, no more.
    """
    claims = tables["claims"]
    known = write_tables(filed_by(tables, last_year), scratch / "known")
    whole = write_tables(filed_by(tables, year), scratch / "whole")
    claims[claims["filed_at"].dt.year == year].to_parquet(scratch / "evaluated.parquet", index=False)
    with own_store(scratch), step(f"Training until {last_year}"):
        model = train(known, params.split, params.train, params.policy).training.model
    score(whole, scratch / "evaluated.parquet", scratch / "scores.parquet", model, now=datetime.now(UTC))
    return pd.read_parquet(scratch / "scores.parquet", columns=["claim_id", "p_valid"]).set_index("claim_id")["p_valid"]


def plain_scores(decided: pd.DataFrame, last_year: int, year: int) -> pd.Series:
    """What a LightGBM with default settings but for 200 small trees says of the same claims, from the raw columns."""
    columns = decided[list(PLAIN_COLUMNS)].copy()
    for name in PLAIN_COLUMNS:
        if not pd.api.types.is_numeric_dtype(columns[name].dtype):
            columns[name] = columns[name].astype("category")
    columns["days_to_report"] = (decided["filed_at"] - decided["incident_at"]).dt.days
    columns["weekday"] = decided["filed_at"].dt.day_of_week
    trains, tests = decided["year"] <= last_year, decided["year"] == year
    settings = {
        "objective": "binary",
        "learning_rate": 0.05,
        "verbosity": -1,
        "seed": 1,
        "num_threads": 2,
        "deterministic": True,
    }
    booster = lgb.train(settings, lgb.Dataset(columns[trains], label=decided.loc[trains, "paid"]), num_boost_round=200)
    return pd.Series(booster.predict(columns[tests]), index=columns.index[tests])


def evaluate_year(tables: Tables, last_year: int, year: int, params: Params) -> Result:
    """Train up to `last_year`, score `year`, and compare with what was decided."""
    decided = decided_claims(tables)
    paid = decided.loc[decided["year"] == year, "paid"]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="claimvet-tsa-") as scratch:
        scores = claimvet_scores(tables, last_year, year, Path(scratch), params)
    seconds = time.perf_counter() - start
    plain = plain_scores(decided, last_year, year)
    auc, plain_auc = (float(roc_auc_score(paid, scored.loc[paid.index])) for scored in (scores, plain))
    return Result(last_year, year, int((decided["year"] <= last_year).sum()), len(paid), auc, plain_auc, seconds)


def section(results: list[Result], mended: Mended) -> str:
    """The benchmark's part of the page."""
    rows = [
        [
            f"up to {result.trained_until}",
            result.evaluated,
            f"{result.training_claims:,}",
            f"{result.evaluated_claims:,}",
            f"**{result.auc:.4f}**",
            f"{result.plain_auc:.4f}",
            f"{TARGETS[result.evaluated]:.3f}",
            f"{result.seconds:.0f}",
        ]
        for result in results
    ]
    header = [
        "trained on",
        "evaluated on",
        "findings trained",
        "findings evaluated",
        "AUC",
        "plain LightGBM",
        "to beat",
        "seconds",
    ]
    return SECTION.format(
        table=table(header, rows),
        days=DECISION_DELAY.days,
        mended="; ".join(f"{count:,} {MENDED[name]}" for name, count in asdict(mended).items()),
    )


MENDED = {
    "without_date": "without a date of receipt are left out",
    "repeated": "appear again in a later file and are taken once",
    "number_shared": "share a damaged number and get one of their own",
    "incident_impossible": "have an incident after filing or more than ten years before, which counts as not stated",
    "amount_absurd": "claim more than a million dollars, which counts as not stated",
}
"""How the page speaks of each count of `Mended`."""

SECTION = """## Real claims: TSA, 2007 to 2017

`make bench-tsa`. Area under the ROC curve of paid (approved or settled) against denied claims of a later year, from the whole path:
validate, features, train, score. Everything used was known at filing; an airport's and a category's earlier outcomes count {days} days
after filing, the longest that the agency allows itself. A plain LightGBM on the raw columns ran beside it on the same claims; "to beat"
is the figure of a quick LightGBM that came with the data.

{table}

The mapping is `benchmarks/tsa.py`. Of 115,450 rows: {mended}. Denied is not fraud: the model learns what the agency decides.
"""


def main() -> None:
    """Run both splits and write the section of `docs/benchmarks.md`."""
    argparse.ArgumentParser(
        prog="python -m benchmarks.tsa_quality", description=(__doc__ or "").splitlines()[0]
    ).parse_args()
    folder = Path(os.environ.get("CLAIMVET_BENCH_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    mended, counts = mend(read_raw(folder))
    tables = contract_tables(mended)
    results = [evaluate_year(tables, last_year, year, load_params()) for last_year, year in YEARS]
    text = section(results, counts)
    print(text)
    write_section("tsa", text)


if __name__ == "__main__":
    main()
