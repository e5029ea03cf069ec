"""The same rows and columns, asked of a plain LightGBM, a logistic regression and CatBoost."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import lightgbm as lgb
import pandas as pd

from benchmarks.feature_speed.contenders import PEERS, ROOT
from claimvet.data.contract.errors import UsageError
from claimvet.models.metrics.baselines import logistic
from claimvet.models.scoring.schema import InputSchema

TREES = 200
"""Of the plain LightGBM and of CatBoost, both at a learning rate of 0.05 and otherwise as they come."""


@dataclass(frozen=True)
class Task:
    """Rows that train and rows that evaluate, with the same columns, and whether each training row is a case (1 or 0)."""

    train: pd.DataFrame
    target: pd.Series
    test: pd.DataFrame


def peer_scores(task: Task) -> dict[str, pd.Series]:
    """P(case) of the test rows by each peer; raises `UsageError` where the environment of the peers is missing."""
    return {"plain LightGBM": plain(task), "logistic regression": linear(task), "CatBoost": catboost(task)}


def plain(task: Task) -> pd.Series:
    """LightGBM with its own way with categories."""
    train, test = _categories(task)
    settings = {"objective": "binary", "learning_rate": 0.05, "verbosity": -1, "seed": 1, "num_threads": 2}
    booster = lgb.train(settings, lgb.Dataset(train, label=task.target.to_numpy()), num_boost_round=TREES)
    return pd.Series(booster.predict(test), index=test.index)


def linear(task: Task) -> pd.Series:
    """Logistic regression on ranks of the columns (`models.metrics.baselines`), categories by how frequent they are."""
    schema = InputSchema.fit(task.train, {})
    labels = task.target.map({1: "abusive", 0: "valid"})
    return logistic(schema.conform(task.train), labels, schema.conform(task.test), 1)["p_abusive"]


def catboost(task: Task) -> pd.Series:
    """CatBoost, in the environment that has it."""
    if not PEERS.exists():
        raise UsageError(".venv-bench is missing, expected make bench-quality to build it")
    with tempfile.TemporaryDirectory(prefix="claimvet-peers-") as scratch:
        folder = Path(scratch)
        _texts(task.train).assign(target=task.target.to_numpy()).to_parquet(folder / "train.parquet", index=False)
        _texts(task.test).to_parquet(folder / "test.parquet", index=False)
        command = [str(PEERS), "-m", "benchmarks.with_catboost", str(folder), str(TREES)]
        subprocess.run(command, cwd=ROOT, check=True)
        return pd.Series(pd.read_parquet(folder / "scores.parquet")["score"].to_numpy(), index=task.test.index)


def _numeric(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values.dtype)


def _texts(rows: pd.DataFrame) -> pd.DataFrame:
    columns = {
        str(name): values.astype("float64") if _numeric(values) else values.astype("str").fillna("")
        for name, values in rows.items()
    }
    return pd.DataFrame(columns)


def _categories(task: Task) -> tuple[pd.DataFrame, pd.DataFrame]:
    columns: dict[str, tuple[pd.Series, pd.Series]] = {}
    for name, values in task.train.items():
        later = task.test[name]
        if _numeric(values):
            columns[str(name)] = values.astype("float64"), later.astype("float64")
        else:
            kind = pd.CategoricalDtype(sorted(values.dropna().astype("str").unique()))
            known = later.astype("str").where(later.isin(kind.categories))
            columns[str(name)] = values.astype("str").astype(kind), known.astype(kind)
    return tuple(  # type: ignore[return-value]
        pd.DataFrame({name: pair[side] for name, pair in columns.items()}) for side in (0, 1)
    )
