"""The gate refuses what should not be champion, each for the right reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.evaluation import FOUND
from models.gate import champion_answers, gate_checks
from models.parameters import GateParams
from models.registry import StoredModel
from models.training import Training
from tests.models.small_world import small_world, trained

PARAMS = GateParams(least_findings=60)


@pytest.fixture(scope="module")
def stored() -> StoredModel:
    return _stored(trained(small_world(3000)), "1")


def _stored(training: Training, version: str) -> StoredModel:
    return StoredModel(
        version, "run", training.model, training.judged, training.judged_features, dict(training.baselines)
    )


def failed(challenger: StoredModel, champion: StoredModel | None = None) -> list[str]:
    return [check.name for check in gate_checks(challenger, champion, PARAMS) if not check.passed]


def with_found(stored: StoredModel, version: str, answers: np.ndarray) -> StoredModel:
    """The same claims judged by other answers, as another model's."""
    columns = dict(zip(FOUND, answers.T, strict=True))
    probabilities = {name.replace("found", "p"): column for name, column in columns.items()}
    other = replace(stored.model, policy=replace(stored.model.policy, payment_usd=float(version)))
    return replace(stored, version=version, model=other, judged=stored.judged.assign(**columns, **probabilities))


def found(stored: StoredModel) -> np.ndarray:
    return stored.judged[list(FOUND)].to_numpy()


def test_a_good_first_challenger_passes(stored: StoredModel) -> None:
    assert failed(stored) == []


def test_too_few_judged_findings_are_refused_and_nothing_else_is_said(stored: StoredModel) -> None:
    few = replace(stored, judged=stored.judged.iloc[:59])
    assert failed(few) == ["findings that judged it"]
    assert len(gate_checks(few, None, PARAMS)) == 1


def test_a_challenger_that_knows_only_shares_does_not_beat_the_baselines(stored: StoredModel) -> None:
    shares = np.tile(found(stored).mean(axis=0), (len(stored.judged), 1))
    assert "log loss against logistic" in failed(with_found(stored, "2", shares))


def test_an_uncalibrated_challenger_is_refused(stored: StoredModel) -> None:
    sure = found(stored) ** 4
    assert "calibration error of P(valid)" in failed(with_found(stored, "2", sure / sure.sum(axis=1, keepdims=True)))


def test_a_challenger_that_would_deny_many_valid_claims_is_refused(stored: StoredModel) -> None:
    eager = replace(stored, model=replace(stored.model, policy=stored.model.policy.with_deny_threshold(0.9)))
    assert failed(eager) == ["valid claims that would be denied"]


def test_a_challenger_worse_than_the_champion_is_refused_and_one_as_good_is_not(stored: StoredModel) -> None:
    blurred = 0.6 * found(stored) + 0.4 / 3
    worse = with_found(stored, "2", blurred)
    against = "log loss less that of champion version 1"
    assert against in failed(worse, stored)
    assert failed(replace(stored, version="3"), stored) == []
    assert not any(name.startswith("log loss less") for name in failed(stored, worse))


def test_a_champion_without_a_claim_in_common_cannot_be_compared_with(stored: StoredModel) -> None:
    elsewhere = with_found(stored, "2", found(stored))
    moved = replace(elsewhere, judged=elsewhere.judged.rename(index=lambda name: f"other-{name}"))
    assert failed(stored, moved) == ["log loss less that of champion version 2"]


def test_a_champion_that_knew_less_scores_the_later_claims_anew(stored: StoredModel) -> None:
    earlier = {**stored.model.record, "known_until": str(stored.judged["filed_at"].min() - pd.Timedelta(days=1))}
    champion = replace(stored, model=replace(stored.model, record=earlier), judged=stored.judged.iloc[:0])
    answers = champion_answers(stored, champion)
    assert set(answers.index) == set(stored.judged.index)
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, atol=1e-9)


def test_a_champion_with_other_inputs_answers_only_for_claims_that_judged_it(stored: StoredModel) -> None:
    earlier = {**stored.model.record, "known_until": str(stored.judged["filed_at"].min() - pd.Timedelta(days=1))}
    champion = replace(stored, model=replace(stored.model, record=earlier))
    renamed = replace(stored, judged_features=stored.judged_features.rename(columns={"x_noise": "x_other"}))
    assert champion_answers(renamed, champion).empty


def test_every_check_says_its_figure_and_its_bound(stored: StoredModel) -> None:
    lines = [str(check) for check in gate_checks(stored, None, PARAMS)]
    assert all(line.startswith("pass  ") and "(expected " in line for line in lines)
