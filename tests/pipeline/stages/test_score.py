"""Scores come in the contract's columns, in the order of the input, batch by batch, whole or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import claimvet.pipeline.stages.score as stage
from claimvet.data.contract.errors import InvalidDataError, ModelError, UsageError
from claimvet.models.policy.claim_facts import policy_facts
from claimvet.models.policy.policy import most_likely
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.pipeline.stages.score import score, score_features
from claimvet.pipeline.stages.scores import SCORES
from tests.pipeline.stages.small_scoring import claims_file, feature_rows, few_inputs_model

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CONTRACT = [
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
"""Its columns; further ones stand behind them."""


@pytest.fixture(scope="module")
def model() -> ClaimModel:
    return few_inputs_model()


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
    assert list(scores.columns)[:9] == SCORES.names[:9] == CONTRACT
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

    monkeypatch.setattr(stage, "first_scores", fails)
    with pytest.raises(ModelError, match="no score"):
        score_features(features, out, model, now=NOW)
    assert out.read_text() == "the old scores"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["features.parquet", "scores.parquet"]


def test_features_that_do_not_fit_the_model_are_refused(model: ClaimModel, tmp_path: Path) -> None:
    feature_rows(3).drop(columns="claim_amount").to_parquet(tmp_path / "features.parquet")
    with pytest.raises(ModelError, match="missing claim_amount"):
        score_features(tmp_path / "features.parquet", tmp_path / "scores.parquet", model, now=NOW)


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
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(UsageError, match="is a directory, expected the name of a file"):
        score(tmp_path, tmp_path / "new.parquet", tmp_path / "out.csv", model, now=NOW)


def test_an_unknown_engine_is_refused(model: ClaimModel, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the engine is 'abacus', expected duckdb or spark"):
        score(tmp_path, tmp_path / "new.parquet", tmp_path / "out.parquet", model, engine="abacus", now=NOW)
