"""How fast reasons are: tables against LightGBM's `pred_contrib`, on the same rows in one run: `python -m benchmarks.reasons_speed`."""

from __future__ import annotations

import argparse
import time

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks.page import table, write_section
from claimvet.models.explain.tree_shap import MANY_ROWS, contributions, exact
from claimvet.models.learning.boosters import grow
from claimvet.models.parameters import TrainParams
from claimvet.models.scoring.claim_model import raw_scores
from claimvet.pipeline.progress import say

COLUMNS = 117
"""As many inputs as the catalogue gives a model."""
SIZES = (MANY_ROWS, 4_000, 10_000, 100_000)
WALKED = 4_000
"""Rows that `pred_contrib` is timed on at most; its time is proportional to rows."""


def booster(params: TrainParams) -> tuple[lgb.Booster, pd.DataFrame]:
    """A booster of as many trees as a model's may have, and the largest batch to ask it about."""
    random = np.random.default_rng(0)
    matrix = random.normal(size=(max(SIZES), COLUMNS)).round(2)
    matrix[random.random(matrix.shape) < 0.1] = np.nan
    frame = pd.DataFrame(matrix, columns=[f"f{number}" for number in range(COLUMNS)])
    target = (np.nan_to_num(matrix[:6_000, :25]).sum(axis=1) + 3 * random.normal(size=6_000) > 0).astype(np.float64)
    return grow(frame.iloc[:6_000], target, [0] * COLUMNS, params.num_boost_round, params), frame


def measure(rows: int, grown: lgb.Booster, frame: pd.DataFrame) -> list[object]:
    """Rows a second of either way and of prediction alone, the ratio, and the largest difference."""
    asked, walked = frame.iloc[:rows], frame.iloc[: min(rows, WALKED)]
    begin = time.perf_counter()
    scores = raw_scores(grown, asked)
    start = time.perf_counter()
    walk = exact(grown, walked.to_numpy())
    middle = time.perf_counter()
    fast = contributions(grown, asked.to_numpy(), scores)
    end = time.perf_counter()
    predicted, by_walk, by_tables = rows / (start - begin), len(walked) / (middle - start), rows / (end - middle)
    difference = float(np.abs(walk - fast[: len(walked)]).max())
    say(f"{rows:,} rows: {by_tables / by_walk:.1f} times")
    return [
        f"{rows:,}",
        f"{by_walk:,.0f}",
        f"{by_tables:,.0f}",
        f"**{by_tables / by_walk:.1f}**",
        f"{predicted:,.0f}",
        f"{difference:.0e}",
    ]


TEXT = """## Speed of reasons

`make bench-reasons`. Contributions of {columns} inputs to the score of {trees} trees of depth {depth}, rows a second, with
the check of every row's sum against its score, which a batch has anyway, and of 64 rows value by value against `pred_contrib`; both ways on
all cores. Below {many:,} rows `pred_contrib` itself is used.

{table}
"""


def main() -> None:
    """Run and write the section."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    params = TrainParams()
    grown, frame = booster(params)
    header = ["rows", "pred_contrib", "Claimvet", "ratio", "prediction alone", "largest difference"]
    rows = [measure(size, grown, frame) for size in SIZES]
    text = TEXT.format(
        columns=COLUMNS,
        trees=params.num_boost_round * params.averaged,
        depth=params.max_depth,
        many=MANY_ROWS,
        table=table(header, rows),
    )
    print(text)
    write_section("reasons", text)


if __name__ == "__main__":
    main()
