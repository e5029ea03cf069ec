"""Spark gives what one machine gives: the same scores in the same order, the same experts, the same alerts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claimvet.data.contract.errors import ModelError
from claimvet.features.catalogue.features import FEATURES
from claimvet.models.policy.capacity import REFER
from claimvet.models.policy.safety import CLUSTER_FEATURES
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.pipeline.stages.review_allocation import DECIDED, with_experts_shared
from claimvet.pipeline.stages.score import alerts_path, score
from claimvet.pipeline.stages.scores import SCORES
from claimvet.pipeline.stages.spark_score import changes, model_files, model_of_files
from tests.pipeline.stages.small_scoring import INPUTS, claims_file, few_inputs_model

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAILY = 2
"""Reviews a day, audits among them."""


@pytest.fixture(scope="module")
def model() -> ClaimModel:
    """Experts are scarce for it, and every fifth claim is audited."""
    made = few_inputs_model()
    policy = replace(made.policy, expert_reviews_per_day=DAILY, audit_share=0.2, cluster_p_value=1e-3)
    return replace(made, policy=policy)


@pytest.fixture
def market(tmp_path: Path) -> Path:
    """A folder with a lamp that hurts one customer after the other, a chair that three customers claim on, and what was sold of both."""
    new, rng = claims_file(tmp_path / "market", rows=60), np.random.default_rng(4)
    filed_at = pd.date_range("2026-03-01", periods=60, freq="4h", tz="UTC", unit="us")
    claims = pd.read_parquet(new).assign(
        customer_id=[f"u{place}" if 20 <= place < 34 else f"u{place % 3}" for place in range(60)],
        product_id=["lamp" if 20 <= place < 34 else "chair" for place in range(60)],
        incident_at=filed_at - pd.Timedelta(days=1),
        filed_at=filed_at,
        amount_claimed=rng.lognormal(6, 1.2, 60).round(2),
    )
    claims.to_parquet(new.rename(tmp_path / "market" / "claims.parquet"))
    sold = pd.date_range("2025-05-01", periods=900, freq="7h", tz="UTC", unit="us")
    orders = pd.DataFrame({"order_id": [f"o{place}" for place in range(900)], "customer_id": "u0", "seller_id": "s1"})
    orders = orders.assign(product_id=["lamp" if place % 30 == 0 else "chair" for place in range(900)])
    orders.assign(ordered_at=sold, amount=20.0).to_parquet(tmp_path / "market" / "orders.parquet")
    products = pd.DataFrame({"product_id": ["lamp", "chair"], "seller_id": "s1", "category_id": "home", "price": 20.0})
    products.assign(listed_at=sold[0]).to_parquet(tmp_path / "market" / "products.parquet")
    return tmp_path / "market"


ON_SPARK = [pytest.mark.spark, pytest.mark.slow, pytest.mark.usefixtures("spark")]


def on_spark(test: Callable[..., None]) -> Callable[..., None]:
    for mark in ON_SPARK:
        test = mark(test)
    return test


def knows(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Builds these features only, which takes seconds instead of minutes on Spark."""
    monkeypatch.setattr(
        "claimvet.pipeline.stages.spark_score.FEATURES", [feature for feature in FEATURES if feature.name in names]
    )


@on_spark
def test_spark_shares_experts_out_and_raises_alarms_as_one_machine_does(
    model: ClaimModel, market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knows(monkeypatch, *INPUTS, *CLUSTER_FEATURES)
    here, claims = tmp_path / "scores.parquet", market / "claims.parquet"
    report = score(market, claims, here, model, now=NOW)
    # a path with a scheme gets a directory of parts, which no machine sees as a whole
    remote = [Path(f"file://{path}") for path in (market, claims, tmp_path / "parts")]
    spark_report = score(*remote, model, engine="spark", now=NOW)
    parts = [pq.read_table(part) for part in sorted((tmp_path / "parts").glob("part-*.parquet"))]
    scores = pq.read_table(here)
    assert pa.concat_tables(parts).cast(SCORES) == scores
    alerts = (tmp_path / "parts.safety_alerts.csv").read_text()
    assert alerts == alerts_path(here).read_text()
    assert pd.read_csv(alerts_path(here))["product_id"].tolist() == ["lamp"]
    assert spark_report.notes[0].endswith(
        "was not checked against the contract, which `claimvet data validate` does on this machine"
    )
    assert replace(spark_report, notes=report.notes, alerts=report.alerts) == report
    referred = scores.to_pandas()["disposition"] == REFER
    assert referred.groupby(pd.read_parquet(claims)["filed_at"].dt.date).sum().max() == DAILY
    assert report.audits > 3


@on_spark
def test_spark_gives_the_same_file_on_this_machine(
    model: ClaimModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knows(monkeypatch, *INPUTS)
    name = "scores.csv"
    claims = claims_file(tmp_path / "history", rows=40)
    reports = {
        engine: score(tmp_path / "history", claims, tmp_path / engine / name, model, engine=engine, now=NOW)
        for engine in ("duckdb", "spark")
    }
    assert replace(reports["spark"], alerts=reports["duckdb"].alerts) == reports["duckdb"]
    made = sorted(path.name for path in (tmp_path / "spark").iterdir())
    assert made == [name, "scores.safety_alerts.csv"]
    for one in made:
        assert (tmp_path / "spark" / one).read_bytes() == (tmp_path / "duckdb" / one).read_bytes()


@on_spark
def test_executors_say_which_feature_does_not_fit_the_model(
    model: ClaimModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knows(monkeypatch, "claim_type")
    claims = claims_file(tmp_path / "history")
    with pytest.raises(ModelError, match=r"^these features do not fit the model: missing claim_amount"):
        score(tmp_path / "history", claims, tmp_path / "made" / "scores.parquet", model, engine="spark", now=NOW)
    assert list(tmp_path.glob("made/*")) == []


def test_the_model_arrives_as_it_left(model: ClaimModel) -> None:
    assert model_of_files(model_files(model)).version == model.version


def test_only_claims_that_come_out_otherwise_travel_back_and_the_rest_keep_what_they_have() -> None:
    first = pd.DataFrame(
        {"disposition": [REFER, REFER, "deny"], "audited": [True, False, False], "audit_probability": 0.01},
        index=pd.Index(["a", "b", "c"], name="claim_id"),
    )
    shared = first.assign(disposition=[REFER, "request_evidence", "deny"], expert_price_usd=3.0)
    changed = changes(first, shared)
    assert changed.index.tolist() == ["b"]
    columns = {field.name: pa.nulls(3, field.type) for field in SCORES}
    columns |= {name: pa.array(values) for name, values in first.reset_index().items()}
    scores = with_experts_shared(pa.table(columns, schema=SCORES), changed)
    pd.testing.assert_frame_equal(
        scores.select(["claim_id", *DECIDED]).to_pandas().set_index("claim_id"),
        shared[list(DECIDED)],
        check_index_type=False,
        check_dtype=False,
    )
    assert with_experts_shared(scores, changed.head(0)) == scores
