"""What validation passes runs to the end: features, training, scores, backtest and monitor, on data at the contract's bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.reading.options import ReadOptions
from claimvet.features.batch.build import build_features
from claimvet.models.learning.training import train_model
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.pipeline.stages.backtest import backtest
from claimvet.pipeline.stages.monitor import monitor
from claimvet.pipeline.stages.score import score
from claimvet.pipeline.stages.train import read_training_data
from claimvet.pipeline.validate import validate_data_set
from tests.pipeline.extreme_data import NOW, OWN, Extremes
from tests.pipeline.stages.test_backtest import PARAMS
from tests.pipeline.validate.good_data import write_csv, write_parquet
from tests.scoring_service.endpoint.small_model import saved, small_model

READ = ReadOptions(latest=NOW)


def drawn(seed: int, claims: int, folder: Path, own: Mapping[str, Sequence[Any]] = OWN) -> Path:
    """A data set that validation passes; of odd seeds as CSV."""
    data = (write_csv if seed % 2 else write_parquet)(Extremes(seed, claims, own).tables(), folder / "data")
    report = validate_data_set(data, read=READ)
    assert report.violations == (), str(report)
    return data


def learned(data: Path, features: Path) -> ClaimModel:
    return train_model(
        read_training_data(DataSet.open(data), features), PARAMS.split, PARAMS.train, PARAMS.policy
    ).model


def expect_sums_to_be_sums(features: pd.DataFrame) -> None:
    """Nothing of what is never negative is: money, counts and rates of it."""
    sums = [name for name in features.columns if "_sum" in name or "_count" in name or "_rate" in name]
    assert (features[sums].fillna(0.0) >= 0.0).all().all()
    numbers = features.select_dtypes("number")
    assert np.isfinite(numbers.to_numpy(np.float64, na_value=0.0)).all()


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "claims"), [(0, 1), (1, 2), (2, 9)])
def test_few_extreme_claims_run_to_the_end(seed: int, claims: int, tmp_path: Path) -> None:
    data = drawn(seed, claims, tmp_path, own={})
    model = small_model()
    report = score(data, next(data.glob("claims.*")), tmp_path / "scores.parquet", model, now=NOW, read=READ)
    assert report.rows == claims
    if claims > 2:
        monitor(
            data, tmp_path / "moved", PARAMS.monitor, model=str(saved(model, tmp_path / "model")), now=NOW, read=READ
        )


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11])
def test_enough_extreme_claims_teach_score_and_replay(seed: int, tmp_path: Path) -> None:
    data, out = drawn(seed, 300, tmp_path), tmp_path / "features.parquet"
    build_features(DataSet.open(data), out)
    expect_sums_to_be_sums(pd.read_parquet(out))
    model = learned(data, out)
    report = score(data, next(data.glob("claims.*")), tmp_path / "scores.parquet", model, now=NOW, read=READ)
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert report.rows == len(scores) == 300
    assert scores[["p_valid", "p_frivolous", "p_abusive"]].sum(axis=1).to_numpy() == pytest.approx(
        np.ones(300), abs=1e-6
    )
    backtest(data, tmp_path / "replayed", PARAMS, now=NOW, read=READ)
    monitor(data, tmp_path / "moved", PARAMS.monitor, model=str(saved(model, tmp_path / "model")), now=NOW, read=READ)
