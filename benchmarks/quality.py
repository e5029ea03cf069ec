"""Published tables, side by side: `make bench-quality` runs all and writes their sections of `docs/benchmarks.md`.

Each task is put through the contract, and its own peers (a plain LightGBM, a logistic regression, CatBoost) get the same features in the
same run. `python -m benchmarks.quality handbook vehicle` runs some of them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from benchmarks import tsa_quality, vehicle
from benchmarks.handbook_quality import OURS, handbook_section
from benchmarks.page import table, write_section
from benchmarks.quality_peers import Task, peer_scores
from benchmarks.tsa import mend, read_raw
from benchmarks.tsa_quality import write_tables
from claimvet.models.registry.own_store import own_store
from claimvet.pipeline.params import Params, load_params
from claimvet.pipeline.progress import step
from claimvet.pipeline.stages.score import score
from claimvet.pipeline.stages.train import train

RESAMPLES = 500
VEHICLE_TO_BEAT = (0.755, 0.149)
"""AUC and average precision of a quick LightGBM that came with the data."""


def folder_of_data() -> Path:
    """Where the foreign data lie."""
    return Path(os.environ.get("CLAIMVET_BENCH_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def vehicle_section(params: Params) -> str:
    """Train on 1994 and 1995, evaluate on 1996."""
    rows = vehicle.read_rows(folder_of_data())
    tables = vehicle.contract_tables(rows)
    claims = tables["claims"].set_index("claim_id")
    fraud = (tables["outcomes"].set_index("claim_id")["label"] == "abusive").astype("int64")
    year = rows.set_index("v" + rows["PolicyNumber"].astype("str").str.zfill(5))["Year"].loc[claims.index]
    known, asked = claims.index[year <= vehicle.LAST_TRAINING_YEAR], claims.index[year == vehicle.JUDGING_YEAR]
    columns = [str(name) for name in claims if str(name).startswith("x_")]
    task = Task(claims.loc[known, columns], fraud[known], claims.loc[asked, columns])
    with tempfile.TemporaryDirectory(prefix="claimvet-vehicle-") as scratch:
        ours = _pipeline_scores(tables, known, asked, Path(scratch), params)
    scores = {OURS: ours, **peer_scores(task)}
    share = float(fraud[known].mean())
    return VEHICLE_TEXT.format(
        resamples=RESAMPLES,
        gains=_gains(scores, fraud[asked]),
        table=_vehicle_table(scores, fraud[asked]),
        base=f"{log_loss(fraud[asked], np.full(len(asked), share)):.4f}",
        known=f"{len(known):,}",
        asked=f"{len(asked):,}",
        frauds=int(fraud[asked].sum()),
    )


def _pipeline_scores(
    tables: Mapping[str, pd.DataFrame], known: pd.Index, asked: pd.Index, scratch: Path, params: Params
) -> pd.Series:
    """1 - P(valid) of the claims `asked`, from a model trained through the command's own stages on those `known`."""
    parts = {name: rows[rows["claim_id"].isin(known)] for name, rows in tables.items()}
    folder, whole = write_tables(parts, scratch / "known"), write_tables(tables, scratch / "whole")
    claims = tables["claims"]
    claims[claims["claim_id"].isin(asked)].to_parquet(scratch / "asked.parquet", index=False)
    with own_store(scratch), step("Training"):
        model = train(folder, params.split, params.train, params.policy).training.model
    score(whole, scratch / "asked.parquet", scratch / "scores.parquet", model, now=datetime.now(UTC))
    scores = pd.read_parquet(scratch / "scores.parquet", columns=["claim_id", "p_valid"]).set_index("claim_id")
    return 1.0 - scores["p_valid"].loc[asked]


def _resamples(claims: int) -> list[npt.NDArray[np.int64]]:
    random = np.random.default_rng(1)
    return [random.integers(0, claims, claims) for _ in range(RESAMPLES)]


def _gains(scores: Mapping[str, pd.Series], fraud: pd.Series) -> str:
    """Claimvet's average precision less each peer's, on the same resamples of the evaluated claims."""
    y, drawn = fraud.to_numpy(), _resamples(len(fraud))
    reached = {
        name: np.array([average_precision_score(y[rows], values.loc[fraud.index].to_numpy()[rows]) for rows in drawn])
        for name, values in scores.items()
    }
    ours = reached.pop(OURS)
    others = {name: ours - theirs for name, theirs in reached.items()} | {
        "the quick LightGBM's figure": ours - VEHICLE_TO_BEAT[1]
    }
    parts = [
        f"{gain.mean():+.3f} ({low:+.3f} to {high:+.3f}) over {name}"
        for name, gain in others.items()
        for low, high in [np.quantile(gain, [0.025, 0.975])]
    ]
    return "; ".join(parts)


def _vehicle_table(scores: Mapping[str, pd.Series], fraud: pd.Series) -> str:
    y, drawn = fraud.to_numpy(), _resamples(len(fraud))
    rows: list[list[object]] = []
    for name, values in scores.items():
        p = values.loc[fraud.index].to_numpy()
        cells = [
            f"{figure(y, p):.4f} ± {np.std([figure(y[rows], p[rows]) for rows in drawn]):.3f}"
            for figure in (roc_auc_score, average_precision_score)
        ]
        rows.append([name, *cells, f"{log_loss(y, p):.4f}"])
    rows.append(["a quick LightGBM, to beat", *(f"{value:.3f}" for value in VEHICLE_TO_BEAT), ""])
    return table(["model", "AUC", "average precision", "log loss"], rows)


VEHICLE_TEXT = """## Vehicle claims, 1994 to 1996

`make bench-quality`. {known} claims of 1994 and 1995 train, {asked} of 1996 evaluate ({frauds} frauds); all columns known at filing as `x_`
columns. ± is the standard deviation of {resamples} resamples of the evaluated claims. Log loss of the shares of the labels alone: {base}.

{table}

Claimvet's average precision is, with 95 % intervals from resamples of the same claims, {gains}.

The mapping is `benchmarks/vehicle.py`. Another seed of the same model moves average precision by some 0.003.
"""


def tsa_section(params: Params) -> str:
    """The splits of `benchmarks.tsa_quality`, and all peers on the raw columns."""
    mended, counts = mend(read_raw(folder_of_data()))
    tables = tsa_quality.contract_tables(mended)
    results = [tsa_quality.evaluate_year(tables, last, year, params) for last, year in tsa_quality.YEARS]
    decided = tsa_quality.decided_claims(tables)
    rows: list[list[object]] = []
    for result in results:
        known = decided["year"] <= result.trained_until
        asked = decided["year"] == result.evaluated
        columns = list(tsa_quality.PLAIN_COLUMNS)
        scores = peer_scores(Task(decided.loc[known, columns], decided.loc[known, "paid"], decided.loc[asked, columns]))
        paid = decided.loc[asked, "paid"]
        cells = [f"{roc_auc_score(paid, scores[name]):.4f}" for name in ("logistic regression", "CatBoost")]
        rows.append([result.evaluated, f"**{result.auc:.4f}**", f"{result.plain_auc:.4f}", *cells])
    peers = table(["evaluated on", "Claimvet", "plain LightGBM", "logistic regression", "CatBoost"], rows)
    return (
        f"{tsa_quality.section(results, counts).strip()}\n\nAUC beside the peers of `make bench-quality`:\n\n{peers}\n"
    )


SECTIONS: Mapping[str, Callable[[Params], str]] = MappingProxyType(
    {
        "handbook": lambda params: handbook_section(params, folder_of_data()),
        "vehicle": vehicle_section,
        "tsa": tsa_section,
    }
)
"""Sections of the page by name."""


def main(names: list[str]) -> None:
    """Run the sections of these names, or all, and write each to `docs/benchmarks.md`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)}; default all")
    chosen = parser.parse_args(names).sections
    unknown = [name for name in chosen if name not in SECTIONS]
    if unknown:
        parser.error(f"the section is {unknown[0]!r}, expected one of {', '.join(SECTIONS)}")
    params = load_params()
    for name in chosen or SECTIONS:
        text = SECTIONS[name](params)
        print(text)
        write_section(name, text)


if __name__ == "__main__":
    main(sys.argv[1:])
