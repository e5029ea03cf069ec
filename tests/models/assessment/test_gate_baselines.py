"""Shares and red flags must be beaten significantly: luck is no knowledge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from claimvet.models.assessment.gate import baseline_checks
from claimvet.models.learning.training import Training
from claimvet.models.metrics.evaluation import FOUND
from claimvet.models.parameters import GateParams
from claimvet.models.registry.registry import StoredModel

PARAMS = GateParams(min_findings=60)


@pytest.fixture(scope="module")
def stored(training: Training) -> StoredModel:
    """The training that all tests share, as the registry would give it back."""
    baselines, policy = dict(training.baselines), training.evaluated_policy
    return StoredModel("1", "run", training.model, training.evaluated, training.evaluated_features, baselines, policy)


@pytest.mark.slow
def test_a_challenger_whose_findings_are_mere_chance_seldom_passes_for_better_than_shares(stored: StoredModel) -> None:
    """What it answers has nothing to do with what was found, so it has the lesser loss by luck only, and significantly less hardly ever."""
    baseline = stored.baselines["base_rates"]
    shares = baseline[list(FOUND)].to_numpy()
    passed = lucky = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        drawn = random.choice(["valid", "frivolous", "abusive"], len(shares), p=shares[0] / shares[0].sum())
        answers = shares * np.exp(0.05 * random.normal(size=shares.shape))
        answers /= answers.sum(axis=1, keepdims=True)
        columns = dict(zip(FOUND, answers.T, strict=True))
        noise = replace(stored, evaluated=stored.evaluated.assign(label=drawn, **columns))
        noise = replace(noise, baselines={"base_rates": baseline.assign(label=drawn)})
        check = baseline_checks(noise, PARAMS)[0]
        passed += check.passed
        lucky += check.figure < float(check.bound.removeprefix("significantly below ").split(";")[0])
    assert lucky > 15
    assert passed <= 11  # 5 expected at a confidence of 95 %, and three standard errors of a share of 100


def test_a_good_challenger_significantly_beats_shares_and_rules(stored: StoredModel) -> None:
    checks = {check.name: check for check in baseline_checks(stored, PARAMS)}
    assert {name for name, check in checks.items() if check.bound.startswith("significantly")} == {
        "log loss against base rates",
        "log loss against rules",
    }
    assert all(check.passed for check in checks.values())
