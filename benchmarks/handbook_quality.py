"""The handbook's four weeks: Claimvet and its peers on features that earlier weeks chose, beside the published figures."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from benchmarks import handbook
from benchmarks.handbook_choice import Choice, Figures, all_features, choose, weeks_that_choose
from benchmarks.page import table
from benchmarks.quality_peers import Task, peer_scores
from benchmarks.tsa_quality import write_tables
from claimvet.data.contract.dataset import DataSet
from claimvet.features.batch.build import build_features
from claimvet.models.learning.boosters import grow
from claimvet.models.learning.training import train_model
from claimvet.models.learning.training_data import TrainingData
from claimvet.models.parameters import TrainParams
from claimvet.models.scoring.claim_model import raw_scores
from claimvet.pipeline.params import Params
from claimvet.pipeline.progress import say, step
from claimvet.pipeline.validate import require_valid

OURS = "**Claimvet**"
WEEKS = tuple(range(handbook.FOLDS))
PUBLISHED: Mapping[str, Figures] = MappingProxyType(
    {
        "XGBoost, tuned (published)": (0.869, 0.687, 0.303),
        "random forest (published)": (0.870, 0.678, 0.299),
    }
)
"""Mean over four weeks, chapter 5; AUC, average precision, card precision at 100."""


@dataclass(frozen=True)
class Weeks:
    """All weeks that choose or are evaluated, by number, the contract's tables, and every feature of their transactions."""

    folds: Mapping[int, handbook.Fold]
    tables: Mapping[str, pd.DataFrame]
    features: pd.DataFrame

    def task(self, choice: Choice, week: int) -> Task:
        """The week with the features of the choice."""
        fold, names = self.folds[week], [feature.name for feature in choice.features()]
        train, test = (self.features[names].loc[rows.index] for rows in (fold.train, fold.test))
        return Task(train, fold.train["TX_FRAUD"], test)


def handbook_section(params: Params, folder: Path) -> str:
    """Chooses on the weeks before each of the four, evaluates each once, and answers the page's section."""
    weeks = _read(folder)
    with step("Choosing features and parameters on earlier weeks"):
        chosen = choose(WEEKS, _evaluate(weeks, params.train), params.train.threads)
    found: dict[str, list[Figures]] = {}
    for week, choice in chosen.items():
        say(f"handbook: week {week + 1} of {len(WEEKS)}, {choice}")
        task = weeks.task(choice, week)
        scores = {OURS: our_scores(task, weeks.tables, params, choice), **peer_scores(task)}
        for name, values in scores.items():
            found.setdefault(name, []).append(handbook.figures(weeks.folds[week].test, values))
    return section(found, chosen)


def _read(folder: Path) -> Weeks:
    transactions = handbook.read_transactions(folder)
    tables = handbook.contract_tables(transactions)
    numbers = range(weeks_that_choose(WEEKS[0])[0], WEEKS[-1] + 1)
    folds = dict(zip(numbers, handbook.folds(transactions, numbers), strict=True))
    asked = np.concatenate([rows.index for fold in folds.values() for rows in (fold.train, fold.test)])
    with tempfile.TemporaryDirectory(prefix="claimvet-handbook-") as scratch:
        return Weeks(folds, tables, _built(tables, pd.Index(np.unique(asked)), Path(scratch)))


def _built(tables: Mapping[str, pd.DataFrame], asked: pd.Index, scratch: Path) -> pd.DataFrame:
    claims = tables["claims"]
    data = write_tables(tables, scratch / "data")
    claims[claims["claim_id"].isin(asked)].to_parquet(scratch / "asked.parquet", index=False)
    with step("Checking the transactions against the contract"):
        require_valid(data)
    with step("Building their features") as tell:
        built = scratch / "features.parquet"
        build_features(
            DataSet.open(data), built, claims=scratch / "asked.parquet", features=all_features(), progress=tell
        )
    return pd.read_parquet(built).set_index("claim_id")


def _evaluate(weeks: Weeks, usual: TrainParams) -> Callable[[Choice, int], Figures]:
    """Figures of one booster against valid: enough to choose by, in a fraction of a whole training's time."""

    def evaluate(choice: Choice, week: int) -> Figures:
        task, params = weeks.task(choice, week), replace(choice.params(usual), averaged=1)
        target = task.target.to_numpy(dtype=np.float64)
        booster = grow(task.train, target, [0] * task.train.shape[1], params.num_boost_round, params)
        score = pd.Series(raw_scores(booster, task.test), index=task.test.index)
        return handbook.figures(weeks.folds[week].test, score)

    return evaluate


def our_scores(task: Task, tables: Mapping[str, pd.DataFrame], params: Params, choice: Choice) -> pd.Series:
    """P(abusive) from the pipeline's own training on the week's claims and outcomes."""
    week = task.train.index
    claims = tables["claims"].set_index("claim_id").loc[week].assign(category_id=None)
    outcomes = tables["outcomes"][tables["outcomes"]["claim_id"].isin(week)]
    data = TrainingData(task.train, {}, claims, outcomes, {"claims": len(week)})
    model = train_model(data, params.split, choice.params(params.train), params.policy).model
    return model.probabilities(task.test)["p_abusive"]


def section(found: Mapping[str, list[Figures]], chosen: Mapping[int, Choice]) -> str:
    """The benchmark's part of the page."""
    rows: list[list[object]] = []
    for name, weeks in found.items():
        mean, error = np.mean(weeks, axis=0), np.std(weeks, axis=0, ddof=1) / np.sqrt(len(weeks))
        rows.append([name, *(f"{value:.3f} ± {spread:.3f}" for value, spread in zip(mean, error, strict=True))])
    rows += [[name, *(f"{value:.3f}" for value in values)] for name, values in PUBLISHED.items()]
    choices: list[list[object]] = [
        [week + 1, len(choice.features()), ", ".join(choice.families) or "none", choice.windows, choice.growth]
        for week, choice in chosen.items()
    ]
    return TEXT.format(
        table=table(["model", "AUC", "average precision", "card precision at 100"], rows),
        chosen=table(["week", "features", "families beside the handbook's own", "windows", "growth"], choices),
    )


TEXT = """## Simulated card fraud: the Fraud Detection Handbook

`make bench-quality`. Transactions as claims, terminals as sellers, labels known after seven days. A model learns from one week (67,000
transactions, 600 frauds) and is evaluated on the week after next, without cards known to be compromised; mean of four weeks and its
standard
error. The command chose features and parameters (`benchmarks/handbook_choice.py` declares what there is to choose from) on four earlier
weeks, all of whose labels were known when the evaluated days began, and asked about each evaluated week once. All models here have the
same features, of which fifteen are the handbook's; the published figures are of those fifteen.

{table}

What was chosen before each week:

{chosen}

The mapping is `benchmarks/handbook.py`. The peers have their parameters as they come. What there is to choose from was declared by
people who had seen an earlier run of these weeks.
"""
