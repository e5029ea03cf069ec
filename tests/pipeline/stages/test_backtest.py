"""The backtest knows nothing before its time, keeps to the experts' capacity, and tells what age costs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from claimvet.data.contract.errors import InvalidDataError
from claimvet.data.contract.writing.output_directory import MARKER
from claimvet.data.marketplace import generate
from claimvet.models.parameters import BacktestParams, SplitParams, TrainParams
from claimvet.models.policy.policy import Policy
from claimvet.pipeline.params import Params
from claimvet.pipeline.stages.backtest import FILES, BacktestReport, as_known, backtest, cuts
from tests.models.small_world import small_world

pytestmark = [pytest.mark.slow]

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PARAMS = Params(
    split=SplitParams(min_findings=15),
    train=TrainParams(num_boost_round=30, learning_rate=0.2, num_leaves=7, max_depth=3),
    policy=Policy(expert_reviews_per_day=1, audit_share=0.05),
    backtest=BacktestParams(first_share=0.5, retrain_days=60, max_periods=2),
)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backtest") / "market"
    generate(folder, 1000, seed=5)
    return folder


@pytest.fixture(scope="module")
def report(market: Path, tmp_path_factory: pytest.TempPathFactory) -> BacktestReport:
    challenger_params = replace(PARAMS, train=replace(PARAMS.train, num_boost_round=2))
    return backtest(market, tmp_path_factory.mktemp("replayed"), PARAMS, challenger_params=challenger_params, now=NOW)


def test_every_period_tells_quality_money_and_the_guarantee(report: BacktestReport) -> None:
    periods = report.periods
    assert len(periods) == 2
    assert (periods["until"].iloc[:-1].to_numpy() == periods["from"].iloc[1:].to_numpy()).all()
    assert periods["claims"].sum() == pytest.approx(500, abs=30)
    assert (periods["findings"] < periods["claims"]).all()
    assert periods["log_loss"].between(0.1, 1.2).all()
    assert (periods["usd_per_1000"] < periods["usd_per_1000_presenting"]).all()
    assert (periods["injuries_denied"] == 0).all()
    assert periods["guarantee_kept"].isna().all()  # with so few findings nothing can be guaranteed


def test_no_day_has_more_reviews_than_the_capacity(report: BacktestReport) -> None:
    assert report.periods["max_reviews_of_a_day"].tolist() == [1, 1]
    assert 0.0 < report.periods["audited_share"].max() < 0.12


def test_older_models_are_asked_about_the_same_claims_and_the_freshest_loses_nothing(report: BacktestReport) -> None:
    ages = report.staleness
    assert ages["age"].tolist() == [0, 0, 1]
    assert (ages.loc[ages["age"] == 0, ["log_loss_difference", "usd_difference"]] == 0).all(axis=None)
    old = ages[ages["age"] == 1].iloc[0]
    assert old["log_loss_low"] <= old["log_loss_difference"] <= old["log_loss_high"]


def test_a_much_weaker_challenger_loses_in_the_shadow_significantly(report: BacktestReport) -> None:
    assert len(report.shadow) == 2
    assert (report.shadow["log_loss_low"] > 0).all()
    assert (report.shadow["champion"] != report.shadow["challenger"]).all()


def test_page_tables_and_summary_say_the_same(report: BacktestReport) -> None:
    folder = report.page.parent
    assert {path.name for path in folder.iterdir()} == {*FILES, "summary.json", "report.html", MARKER}
    page = report.page.read_text(encoding="utf-8")
    for chapter in ("Quality over time", "Money", "The guarantee, and the experts", "Staleness", "Shadow run"):
        assert chapter in page
    assert json.loads((folder / "summary.json").read_text())["periods"] == 2
    assert pd.read_csv(folder / "periods.csv")["log_loss"].tolist() == pytest.approx(
        report.periods["log_loss"].tolist()
    )
    assert f"report: {report.page}" in str(report)
    assert "no guarantee" in str(report)


def test_training_at_a_cut_sees_nothing_that_came_later() -> None:
    data = small_world(300)
    moment = data.claims["filed_at"].iloc[150]
    known = as_known(data, moment)
    assert (known.outcomes["decided_at"] < moment).all()
    assert (known.claims["filed_at"] < moment).all()
    assert list(known.features.index) == list(known.claims.index)
    assert 0 < len(known.outcomes) < 150


@pytest.mark.parametrize("days", [1, 40, 10_000])
def test_periods_follow_one_another_until_the_last_claim(days: int) -> None:
    filed = pd.Series(pd.to_datetime(np.arange(300) * 0.7, unit="D", utc=True))
    found = cuts(filed, BacktestParams(retrain_days=days))
    assert [end for _, end in found[:-1]] == [start for start, _ in found[1:]]
    assert found[0][0] >= filed.iloc[149]
    assert found[-1][1] > filed.iloc[-1]
    assert len(found) <= BacktestParams().max_periods


def test_history_without_findings_cannot_be_replayed(market: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unseen"
    folder.mkdir()
    for name in ("claims", "outcomes"):
        table = pd.read_parquet(market / f"{name}.parquet")
        table = (
            table.assign(label="valid", decided_by="concession") if name == "outcomes" else table.assign(order_id=None)
        )
        table.to_parquet(folder / f"{name}.parquet")
    with pytest.raises(InvalidDataError, match="has no period with findings before and in it"):
        backtest(folder, tmp_path / "out", PARAMS, now=NOW)
