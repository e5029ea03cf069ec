"""CatBoost, in the environment of requirements-bench.lock: `python -m benchmarks.with_catboost FOLDER TREES`."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from catboost import CatBoostClassifier


def main(folder: Path, trees: int) -> None:
    """Learn from train.parquet (`target` and columns), write scores.parquet (`score`) for the rows of test.parquet."""
    train, test = (pd.read_parquet(folder / f"{name}.parquet") for name in ("train", "test"))
    columns = [name for name in train.columns if name != "target"]
    texts = [name for name in columns if not pd.api.types.is_numeric_dtype(train[name].dtype)]
    model = CatBoostClassifier(
        iterations=trees, learning_rate=0.05, random_seed=1, thread_count=2, verbose=False, allow_writing_files=False
    )
    model.fit(train[columns], train["target"], cat_features=texts)
    pd.DataFrame({"score": model.predict_proba(test[columns])[:, 1]}).to_parquet(folder / "scores.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
