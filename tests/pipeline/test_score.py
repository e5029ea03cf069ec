"""Scores come in the contract's columns, in the order of the input, batch by batch, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pipeline.score as stage
from data.contract.errors import InvalidDataError, ModelError, UsageError
from features.catalogue import FEATURES
from models.calibration import Calibration
from models.claim_facts import policy_facts
from models.claim_model import ClaimModel
from models.policy import Policy, most_likely
from models.schema import InputSchema
from models.usual import usual_values
from pipeline.score import score, score_features
from pipeline.scores import SCORES
from pipeline.spark_score import model_files, model_of_files

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COLUMNS = [
    "claim_id",
    "p_valid",
    "p_frivolous",
    "p_abusive",
    "label",
    "disposition",
    "reasons",
    "model_version",
    "scored_at",
]
"""The contract's; further ones stand behind them."""
INPUTS = ["claim_amount", "claim_type", "claim_evidence_count", "customer_returns_count_365d"]


def feature_rows(count: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "claim_id": [f"c{place:05}" for place in rng.permutation(count)],
            "claim_amount": np.where(rng.random(count) < 0.1, np.nan, rng.lognormal(5, 1, count).round(2)),
            "claim_type": rng.choice(["property_damage", "personal_injury"], count),
            "claim_evidence_count": rng.poisson(1, count).astype("float64"),
            "customer_returns_count_365d": rng.poisson(2, count).astype("float64"),
        }
    )


@pytest.fixture(scope="module")
def model() -> ClaimModel:
    rows = feature_rows(1_500, seed=1)
    schema = InputSchema.fit(rows[INPUTS], {})
    suspicion = rows["customer_returns_count_365d"] + np.random.default_rng(2).normal(size=len(rows))
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "max_depth": 4, "seed": 1}
    grown = [
        lgb.train(settings, lgb.Dataset(schema.conform(rows).to_numpy(), target.astype(float)), 20)
        for target in (suspicion > 2, suspicion > 3)
    ]
    usual = usual_values(rows, {column.name: column.kind for column in schema.inputs})
    return ClaimModel(
        schema=schema,
        frivolous=grown[0],
        abusive=grown[1],
        frivolous_calibration=Calibration(),
        abusive_calibration=Calibration(),
        policy=Policy(deny_threshold=0.05),
        usual=usual,
    )


@pytest.fixture
def features(tmp_path: Path) -> Path:
    path = tmp_path / "features.parquet"
    feature_rows(250).to_parquet(path)
    return path


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "BATCH_ROWS", 100)


@pytest.mark.usefixtures("small_batches")
def test_scores_have_the_contracts_columns_in_the_order_of_the_input(
    features: Path, model: ClaimModel, tmp_path: Path
) -> None:
    report = score_features(features, tmp_path / "scores.parquet", model, now=NOW)
    table = pq.read_table(tmp_path / "scores.parquet")
    scores = table.to_pandas()
    assert table.schema.equals(SCORES)
    assert list(scores.columns)[: len(COLUMNS)] == COLUMNS
    assert scores["claim_id"].tolist() == feature_rows(250)["claim_id"].tolist()
    assert scores["label"].tolist() == most_likely(scores).tolist()
    np.testing.assert_allclose(scores[["p_valid", "p_frivolous", "p_abusive"]].sum(axis=1), 1.0, atol=1e-9)
    assert (scores["scored_at"] == pd.Timestamp(NOW)).all()
    assert set(scores["model_version"]) == {model.version}
    assert report.rows == 250
    assert report.labels == scores["label"].value_counts().to_dict()


def test_batches_change_nothing(
    features: Path, model: ClaimModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score_features(features, tmp_path / "whole.parquet", model, now=NOW)
    monkeypatch.setattr(stage, "BATCH_ROWS", 7)
    score_features(features, tmp_path / "parts.parquet", model, now=NOW)
    assert pq.read_table(tmp_path / "whole.parquet").equals(pq.read_table(tmp_path / "parts.parquet"))


def test_dispositions_are_the_policys_own(features: Path, model: ClaimModel, tmp_path: Path) -> None:
    score_features(features, tmp_path / "scores.parquet", model, now=NOW)
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    expected = model.policy.dispositions(scores, policy_facts(feature_rows(250)))
    assert scores["disposition"].tolist() == expected.where(~scores["audited"], "refer_to_expert").tolist()
    assert scores["disposition"].nunique() > 2


def test_every_claim_has_reasons_with_value_and_sentence(features: Path, model: ClaimModel, tmp_path: Path) -> None:
    score_features(features, tmp_path / "scores.parquet", model, now=NOW)
    rows = pq.read_table(tmp_path / "scores.parquet")["reasons"].to_pylist()
    values = feature_rows(250)
    assert all(1 <= len(reasons) <= 5 for reasons in rows)
    for place, reasons in enumerate(rows):
        for reason in reasons:
            value = values.loc[place, reason["feature"]]
            assert reason["value"] == (None if pd.isna(value) else str(value).removesuffix(".0"))
            assert reason["text"].endswith(".")


@pytest.mark.usefixtures("small_batches")
def test_csv_holds_the_same_with_reasons_as_json_text(features: Path, model: ClaimModel, tmp_path: Path) -> None:
    for name in ("scores.parquet", "scores.csv"):
        score_features(features, tmp_path / name, model, now=NOW)
    csv, parquet = pd.read_csv(tmp_path / "scores.csv"), pq.read_table(tmp_path / "scores.parquet")
    assert list(csv.columns) == SCORES.names
    assert [json.loads(text) for text in csv["reasons"]] == parquet["reasons"].to_pylist()
    assert csv["p_abusive"].tolist() == parquet["p_abusive"].to_pylist()
    assert set(pd.to_datetime(csv["scored_at"])) == {pd.Timestamp(NOW)}


def test_no_claims_make_an_empty_file_of_the_right_columns(model: ClaimModel, tmp_path: Path) -> None:
    feature_rows(3).head(0).to_parquet(tmp_path / "features.parquet")
    score_features(tmp_path / "features.parquet", tmp_path / "scores.parquet", model, now=NOW)
    assert pq.read_table(tmp_path / "scores.parquet").schema.equals(SCORES)


def test_a_run_that_fails_leaves_the_old_scores_as_they_were(
    features: Path, model: ClaimModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "scores.parquet"
    out.write_text("the old scores")

    def fails(*_: object) -> None:
        raise ModelError("no score")

    monkeypatch.setattr(stage, "score_batch", fails)
    with pytest.raises(ModelError, match="no score"):
        score_features(features, out, model, now=NOW)
    assert out.read_text() == "the old scores"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["features.parquet", "scores.parquet"]


def test_features_that_do_not_fit_the_model_are_refused(model: ClaimModel, tmp_path: Path) -> None:
    feature_rows(3).drop(columns="claim_amount").to_parquet(tmp_path / "features.parquet")
    with pytest.raises(ModelError, match="missing claim_amount"):
        score_features(tmp_path / "features.parquet", tmp_path / "scores.parquet", model, now=NOW)


def claims_file(folder: Path, rows: int = 4) -> Path:
    filed = pd.date_range("2026-03-01", periods=rows, tz="UTC", unit="us")
    claims = pd.DataFrame(
        {
            "claim_id": [f"k{place}" for place in reversed(range(rows))],
            "order_id": pd.Series([None] * rows, dtype="str"),
            "customer_id": "u1",
            "seller_id": "s1",
            "product_id": "p1",
            "incident_at": filed - pd.Timedelta(days=2),
            "filed_at": filed,
            "claim_type": ["property_damage", "personal_injury"] * (rows // 2),
            "amount_claimed": [120.0, None] * (rows // 2),
            "narrative": "The handle broke.",
        }
    )
    folder.mkdir(exist_ok=True)
    claims.to_parquet(folder / "new.parquet")
    return folder / "new.parquet"


def test_claims_alone_are_enough_to_score(model: ClaimModel, tmp_path: Path) -> None:
    claims = claims_file(tmp_path / "history")
    report = score(tmp_path / "history", claims, tmp_path / "made" / "scores.parquet", model, now=NOW)
    scores = pd.read_parquet(tmp_path / "made" / "scores.parquet")
    assert scores["claim_id"].tolist() == ["k3", "k2", "k1", "k0"]
    assert set(scores["disposition"]) <= {"request_evidence", "pay_concession", "refer_to_expert"}
    assert "scored 4 claims" in str(report)
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["scores.parquet", "scores.safety_alerts.csv"]


def test_invalid_claims_are_not_scored(model: ClaimModel, tmp_path: Path) -> None:
    claims = claims_file(tmp_path / "history")
    pd.read_parquet(claims).assign(claim_type="hurt feelings").to_parquet(claims)
    with pytest.raises(InvalidDataError, match="claim_type"):
        score(tmp_path / "history", claims, tmp_path / "scores.parquet", model, now=NOW)
    assert not (tmp_path / "scores.parquet").exists()


def test_scores_cannot_be_written_to_a_directory(model: ClaimModel, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it is a directory, expected a file"):
        score(tmp_path, tmp_path / "new.parquet", tmp_path, model, now=NOW)


ON_SPARK = [pytest.mark.spark, pytest.mark.slow, pytest.mark.xdist_group("spark"), pytest.mark.usefixtures("spark")]


def on_spark(test: Callable[..., None]) -> Callable[..., None]:
    for mark in ON_SPARK:
        test = mark(test)
    return test


@on_spark
@pytest.mark.parametrize("name", ["scores.parquet", "scores.csv"])
def test_spark_gives_the_same_scores_in_the_same_order(
    name: str, model: ClaimModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [feature for feature in FEATURES if feature.name in INPUTS]
    monkeypatch.setattr("pipeline.spark_score.FEATURES", few)
    claims = claims_file(tmp_path / "history", rows=40)
    reports = {
        engine: score(tmp_path / "history", claims, tmp_path / engine / name, model, engine=engine, now=NOW)
        for engine in ("duckdb", "spark")
    }
    # safety alerts need the whole batch in one place, and are for one machine only
    assert reports["spark"] == replace(reports["duckdb"], alerts=None)
    read = pq.read_table if name.endswith("parquet") else Path.read_bytes
    assert read(tmp_path / "spark" / name) == read(tmp_path / "duckdb" / name)
    assert [path.name for path in (tmp_path / "spark").iterdir()] == [name]


@on_spark
def test_a_path_with_a_scheme_gets_a_directory_of_parts(
    model: ClaimModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.spark_score.FEATURES", [f for f in FEATURES if f.name in INPUTS])
    claims = claims_file(tmp_path / "data", rows=40).rename(tmp_path / "data" / "claims.parquet")
    report = score(
        Path(f"file://{claims.parent}"),
        Path(f"file://{claims}"),
        Path(f"file://{tmp_path}/out"),
        model,
        engine="spark",
        now=NOW,
    )
    parts = [pq.read_table(part) for part in sorted((tmp_path / "out").glob("part-*.parquet"))]
    here = score(tmp_path / "data", claims, tmp_path / "here.parquet", model, now=NOW)
    assert pa.concat_tables(parts).cast(SCORES) == pq.read_table(tmp_path / "here.parquet")
    assert (report.rows, report.labels, report.dispositions) == (40, here.labels, here.dispositions)
    assert report.notes[0].endswith(
        "was not checked against the contract, which `claimvet data validate` does on this machine"
    )


@on_spark
def test_executors_say_which_feature_does_not_fit_the_model(
    model: ClaimModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [feature for feature in FEATURES if feature.name == "claim_type"]
    monkeypatch.setattr("pipeline.spark_score.FEATURES", few)
    claims = claims_file(tmp_path / "history")
    with pytest.raises(ModelError, match=r"^these features do not fit the model: missing claim_amount"):
        score(tmp_path / "history", claims, tmp_path / "made" / "scores.parquet", model, engine="spark", now=NOW)
    assert list((tmp_path / "made").iterdir()) == []


def test_the_model_arrives_as_it_left(model: ClaimModel) -> None:
    assert model_of_files(model_files(model)).version == model.version


def test_an_unknown_engine_is_refused(model: ClaimModel, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the engine is 'abacus', expected duckdb or spark"):
        score(tmp_path, tmp_path / "new.parquet", tmp_path / "out.parquet", model, engine="abacus", now=NOW)
