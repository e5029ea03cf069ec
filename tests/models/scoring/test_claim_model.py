"""A model is text: what it answers, how it is kept, and what it refuses."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.data.contract.errors import ModelError
from claimvet.data.contract.tables import PROBABILITIES
from claimvet.models.learning.training import Training
from claimvet.models.learning.training_data import TrainingData
from claimvet.models.scoring.claim_model import ClaimModel, class_probabilities


@pytest.fixture
def saved(training: Training, tmp_path: Path) -> Path:
    training.model.save(tmp_path)
    return tmp_path


def test_probabilities_sum_to_one_and_none_is_0_or_1(training: Training, data: TrainingData) -> None:
    answers = training.model.probabilities(data.features)
    assert tuple(answers.columns) == PROBABILITIES
    assert answers.index.equals(data.features.index)
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, atol=1e-12)
    assert answers.to_numpy().min() > 0.0
    assert answers.to_numpy().max() < 1.0


@given(st.lists(st.tuples(st.floats(1e-4, 1 - 1e-4), st.floats(1e-4, 1 - 1e-4)), min_size=1, max_size=20))
def test_the_three_probabilities_keep_both_odds_against_valid(pairs: list[tuple[float, float]]) -> None:
    frivolous, abusive = np.array(pairs).T
    p = class_probabilities(frivolous, abusive, pd.RangeIndex(len(pairs)))
    np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(p["p_frivolous"] / p["p_valid"], frivolous / (1 - frivolous), rtol=1e-9)
    np.testing.assert_allclose(p["p_abusive"] / p["p_valid"], abusive / (1 - abusive), rtol=1e-9)


def test_a_batch_answers_as_its_rows_do_one_by_one_in_any_order(training: Training, data: TrainingData) -> None:
    rows = data.features.iloc[:20]
    batch = training.model.probabilities(rows)
    one_by_one = pd.concat([training.model.probabilities(rows.loc[[name]]) for name in rows.index[::-1]])
    pd.testing.assert_frame_equal(batch, one_by_one.loc[rows.index], rtol=0, atol=0)


def test_no_rows_get_no_answers(training: Training, data: TrainingData) -> None:
    assert training.model.probabilities(data.features.iloc[:0]).shape == (0, 3)


def test_a_model_read_back_answers_the_same_and_has_the_same_version(
    training: Training, data: TrainingData, saved: Path
) -> None:
    read = ClaimModel.load(saved)
    assert read.version == training.model.version
    assert read.policy == training.model.policy
    pd.testing.assert_frame_equal(
        read.probabilities(data.features), training.model.probabilities(data.features), rtol=0, atol=0
    )


def test_the_directory_holds_text_only(saved: Path) -> None:
    assert sorted(path.name for path in saved.iterdir()) == ["abusive.txt", "frivolous.txt", "model.json"]
    for path in saved.iterdir():
        path.read_text(encoding="utf-8")


def test_another_policy_is_another_version(training: Training) -> None:
    from dataclasses import replace

    bounded = replace(training.model, policy=training.model.policy.with_deny_threshold(0.123))
    assert bounded.version != training.model.version


@pytest.mark.parametrize("name", ["abusive.txt", "frivolous.txt", "model.json"])
def test_a_missing_file_is_said_so(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(ModelError, match=rf"holds no whole Claimvet model: .*{name}"):
        ClaimModel.load(saved)


def test_a_damaged_document_is_said_so(saved: Path) -> None:
    (saved / "model.json").write_text('{"format": 1, "inputs": []', encoding="utf-8")
    with pytest.raises(ModelError, match="holds no whole Claimvet model"):
        ClaimModel.load(saved)


def test_a_model_of_another_format_is_refused(saved: Path) -> None:
    document = json.loads((saved / "model.json").read_text(encoding="utf-8"))
    (saved / "model.json").write_text(json.dumps({**document, "format": 99}), encoding="utf-8")
    with pytest.raises(ModelError, match="has format 99, expected 2 or 1: train it again"):
        ClaimModel.load(saved)


def test_a_model_of_format_1_answers_the_same_under_the_same_name(
    saved: Path, training: Training, data: TrainingData
) -> None:
    document = json.loads((saved / "model.json").read_text(encoding="utf-8"))
    document["usual"] = document.pop("reference_ranges")
    record, slices = document["record"], document["record"]["findings"]
    record["judge_from"] = record.pop("test_from")
    slices |= {"judge": slices.pop("test"), "practise": slices.pop("early_bound")}
    (saved / "model.json").write_text(json.dumps({**document, "format": 1}), encoding="utf-8")
    files = sorted((path.name, path.read_text(encoding="utf-8")) for path in saved.iterdir())
    name = hashlib.sha256("".join(f"{file}\n{text}" for file, text in files).encode()).hexdigest()[:16]
    read = ClaimModel.load(saved)
    assert (read.record, read.reference_ranges) == (training.model.record, training.model.reference_ranges)
    assert read.version == name != training.model.version
    pd.testing.assert_frame_equal(
        read.probabilities(data.features), training.model.probabilities(data.features), rtol=0, atol=0
    )
