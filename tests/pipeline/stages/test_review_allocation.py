"""A scored file keeps to the experts' capacity on every day, audits at its rate, and does not hang on order or wording."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

import claimvet.pipeline.stages.score as stage
from claimvet.models.policy.capacity import REFER, audit_draws
from claimvet.models.policy.policy import Policy
from claimvet.models.scoring.calibration import Calibration
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.models.scoring.schema import InputSchema
from claimvet.pipeline.stages.score import ScoreReport, alerts_path, score

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAYS, DAILY = 4, 60
POLICY = Policy(expert_reviews_per_day=5, audit_share=0.02, deny_threshold=0.02)


@pytest.fixture(scope="module")
def model() -> ClaimModel:
    """One that doubts large claims and hardly knows anything else."""
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(
        {"claim_amount": rng.lognormal(5, 1.2, 800), "claim_category": rng.choice(["toys", "chairs"], 800)}
    )
    schema = InputSchema.fit(rows, {})
    target = (rows["claim_amount"] * rng.lognormal(0, 1, 800) > 250).astype(float)
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "max_depth": 3, "seed": 1}
    booster = lgb.train(settings, lgb.Dataset(schema.conform(rows).to_numpy(), target), 15)
    return ClaimModel(schema, booster, booster, Calibration(), Calibration(), POLICY, reference_ranges={})


def claims(category: str = "p1") -> pd.DataFrame:
    rng = np.random.default_rng(2)
    filed = pd.date_range("2026-03-01", periods=DAYS * DAILY, freq=f"{24 * 60 // DAILY}min", tz="UTC", unit="us")
    count = len(filed)
    return pd.DataFrame(
        {
            "claim_id": [f"k{place:04}" for place in rng.permutation(count)],
            "order_id": pd.Series([None] * count, dtype="str"),
            "customer_id": [f"u{place}" for place in range(count)],
            "seller_id": "s1",
            "product_id": category,
            "incident_at": filed - pd.Timedelta(days=2),
            "filed_at": filed,
            "claim_type": rng.choice(["property_damage", "personal_injury"], count),
            "amount_claimed": rng.lognormal(5, 1.2, count).round(2),
            "narrative": "The handle broke.",
        }
    )


def scored(table: pd.DataFrame, model: ClaimModel, folder: Path) -> tuple[pd.DataFrame, ScoreReport]:
    (folder / "history").mkdir(parents=True)
    table.to_parquet(folder / "history" / "new.parquet")
    report = score(folder / "history", folder / "history" / "new.parquet", folder / "scores.parquet", model, now=NOW)
    return pd.read_parquet(folder / "scores.parquet").set_index("claim_id"), report


def test_no_day_has_more_reviews_than_experts_and_audits_are_among_them(
    model: ClaimModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "BATCH_ROWS", 50)  # a day lies in several batches
    table = claims()
    scores, report = scored(table, model, tmp_path)
    day = table.set_index("claim_id")["filed_at"].dt.date.reindex(scores.index)
    referred = scores["disposition"] == REFER
    assert referred.groupby(day).sum().tolist() == [5] * DAYS
    assert scores.index.tolist() == table["claim_id"].tolist()
    drawn = audit_draws(scores.index, POLICY.audit_seed) < POLICY.audit_share
    assert (scores["audited"] == drawn).all()
    assert referred[scores["audited"]].all()
    assert (scores["audit_probability"] == POLICY.audit_share).all()
    assert report.audits == drawn.sum() > 1
    assert (scores["expert_saving_usd"] > 0).sum() > 5 * DAYS
    for _, part in scores[~scores["audited"]].groupby(day):
        refused = part[(part["disposition"] != REFER) & (part["expert_saving_usd"] > 0)]
        assert part.loc[part["disposition"] == REFER, "expert_saving_usd"].min() >= refused["expert_saving_usd"].max()
        assert (refused["disposition"] == refused["otherwise"]).all()


@pytest.mark.slow
def test_order_wording_and_an_unseen_category_move_no_score(model: ClaimModel, tmp_path: Path) -> None:
    table = claims()
    scores, _ = scored(table, model, tmp_path / "one")
    told_otherwise = table.assign(narrative=[f"Dear all, {place}: it fell apart!" for place in range(len(table))])
    shuffled = told_otherwise.sample(frac=1.0, random_state=3).reset_index(drop=True)
    again, _ = scored(shuffled, model, tmp_path / "other")
    columns = ["p_valid", "p_frivolous", "p_abusive", "label", "disposition", "audited"]
    pd.testing.assert_frame_equal(again.loc[scores.index, columns], scores[columns])
    elsewhere, _ = scored(table.assign(product_id="never seen"), model, tmp_path / "third")
    pd.testing.assert_frame_equal(elsewhere[columns], scores[columns])


def test_without_a_capacity_every_claim_that_is_worth_a_review_gets_one(model: ClaimModel, tmp_path: Path) -> None:
    unlimited = replace(model, policy=replace(POLICY, expert_reviews_per_day=None))
    scores, _ = scored(claims(), unlimited, tmp_path)
    wanted = (scores["expert_saving_usd"] > 0) | scores["audited"]
    assert ((scores["disposition"] == REFER) == wanted).all()


def test_alerts_lie_beside_the_scores_even_where_there_are_none(model: ClaimModel, tmp_path: Path) -> None:
    _, report = scored(claims(), model, tmp_path)
    assert report.alerts == alerts_path(tmp_path / "scores.parquet")
    assert pd.read_csv(report.alerts).columns[0] == "product_id"
    assert f"safety alerts: {report.alarmed}" in str(report)
