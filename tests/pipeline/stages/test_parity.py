"""Features in a file are built anew for a sample of claims; one that scoring would not see is named."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from claimvet.data.contract.dataset import DataSet
from claimvet.data.marketplace import generate
from claimvet.features.batch.build import build_features
from claimvet.pipeline.stages.parity import Parity, feature_parity

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    folder = tmp_path_factory.mktemp("parity") / "market"
    generate(folder, 300, seed=8)
    return DataSet.open(folder)


@pytest.fixture(scope="module")
def features(market: DataSet) -> Path:
    build_features(market, market.folder / "built.parquet")
    return market.folder / "built.parquet"


def test_a_value_from_the_future_and_a_missing_column_are_named_and_nothing_else(
    market: DataSet, features: Path, tmp_path: Path
) -> None:
    outcomes = pd.read_parquet(market.tables["outcomes"].path).groupby("claim_id")["label"].last()
    table = pd.read_parquet(features)
    abusive = table["claim_id"].map(outcomes).eq("abusive").astype("float64")
    leaking = table.assign(customer_abusive_outcomes_count_365d=abusive).drop(columns="claim_weekday")
    leaking.to_parquet(tmp_path / "leaking.parquet")
    found = feature_parity(market, tmp_path / "leaking.parquet", tmp_path)
    assert found.claims == 200
    assert set(found.differing) == {"customer_abusive_outcomes_count_365d", "claim_weekday"}
    assert Parity(3, ("a",)).to_json() == '{"claims": 3, "differing": ["a"]}\n'
