"""May this challenger become champion? Each check has a figure and a bound, and says in one line whether it holds.

Enough findings evaluated it; it beats its baselines; its probabilities mean what they say; it denies no more valid claims than guaranteed,
and no injury; it is no worse than the champion on the same later claims, in log loss, in money and in every slice
(`models.assessment.comparison`); no group's valid claims are believed much less than the others' (`models.assessment.fairness`); nothing
points to a leak (`models.assessment.leaks`); findings fit the claims; and it is quick and small enough to serve.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.tables import PROBABILITIES
from claimvet.models.assessment.checks import Check
from claimvet.models.assessment.comparison import champion_answers, champion_checks, money_without_champion
from claimvet.models.assessment.denials import count_denials
from claimvet.models.assessment.fairness import fairness_check
from claimvet.models.assessment.leaks import leak_checks
from claimvet.models.metrics.baselines import loss_difference
from claimvet.models.metrics.evaluation import (
    BINS,
    arrays,
    calibration_error_metric,
    calibration_errors,
    log_loss_metric,
)
from claimvet.models.parameters import GateParams
from claimvet.models.registry.registry import StoredModel
from claimvet.models.scoring.claim_model import ClaimModel

__all__ = ["Check", "champion_answers", "gate_checks"]

RESAMPLES = 500
"""Draws behind the bound of the calibration error."""
ROWS_TIMED = 15
SIGNIFICANTLY_BEATEN = ("base_rates", "rules")
"""Baselines that know so little that a model which is not significantly better has learned nothing."""


def gate_checks(challenger: StoredModel, champion: StoredModel | None, params: GateParams) -> list[Check]:
    """Return every check of a challenger, in order; those against the champion only where there is another champion.

    With too few findings nothing else can be said, so nothing else is asked.
    """
    enough = Check("findings that evaluated it", len(challenger.evaluated), f"at least {params.min_findings}", False)
    if len(challenger.evaluated) < params.min_findings:
        return [enough]
    checks = [Check(enough.name, enough.figure, enough.bound, True)]
    checks += baseline_checks(challenger, params)
    checks += [_calibration(challenger.evaluated, params), *guarantee_checks(challenger, params)]
    if champion is not None and champion.model.version != challenger.model.version:
        checks += champion_checks(challenger, champion, params)
    elif champion is None:
        checks.append(money_without_champion(challenger, params))
    checks.append(fairness_check(challenger.evaluated, params))
    checks += leak_checks(challenger, params)
    return [*checks, finding_errors_check(challenger.model, params), *service_checks(challenger, params)]


def baseline_checks(challenger: StoredModel, params: GateParams) -> list[Check]:
    """Check the log loss against that of each baseline, which the challenger's must be below."""
    return [_against_baseline(challenger.evaluated, name, rows, params) for name, rows in challenger.baselines.items()]


def _against_baseline(evaluated: pd.DataFrame, name: str, baseline: pd.DataFrame, params: GateParams) -> Check:
    """Check that shares and red flags are beaten significantly, which findings that are mere chance never allow; a
    regression, on average.
    """
    bound = log_loss_metric(*arrays(baseline)[1:])
    loss = log_loss_metric(*arrays(evaluated)[1:])
    wanted, better = f"below {bound:.4g}", loss < bound
    if name in SIGNIFICANTLY_BEATEN:
        at_most = loss_difference(evaluated, baseline, params)
        wanted, better = f"significantly {wanted}; the difference is at most {at_most:.4g}", at_most < 0.0
    return Check(f"log loss against {name.replace('_', ' ')}", loss, wanted, better)


def _calibration(evaluated: pd.DataFrame, params: GateParams) -> Check:
    """Check the error of P(valid) against what a model that is off by no more than is allowed shows on so many claims.

    Chance alone makes an error: of 600 findings, some 0.03 where every probability is right. So the bound is the `confidence` quantile of
    the errors that probabilities off by `max_calibration_error` in every bin, up or down at random, would show; it falls towards
    `max_calibration_error` as findings grow in number.
    """
    _, p, y = arrays(evaluated)
    bound = largest_by_chance(p[:, 0], params)
    error = calibration_error_metric(p, y)
    wanted = f"not significantly above {params.max_calibration_error:g}: at most {bound:.4g} over {len(p)} claims"
    return Check("calibration error of P(valid)", error, wanted, error <= bound)


def largest_by_chance(p_valid: Floats, params: GateParams) -> float:
    """Return the calibration error that probabilities off by `max_calibration_error` stay below with `confidence`, on as many
    claims as these.
    """
    random = np.random.default_rng(params.seed)
    place = np.minimum((p_valid * BINS).astype(np.intp), BINS - 1)
    off = params.max_calibration_error * random.choice([-1.0, 1.0], (RESAMPLES, BINS))
    share = np.clip(p_valid + off[:, place], 0.0, 1.0)
    errors = calibration_errors(p_valid, random.random(share.shape) < share)
    return float(np.quantile(errors, params.confidence))


def guarantee_checks(challenger: StoredModel, params: GateParams) -> Iterator[Check]:
    """Fail if the share of valid claims denied is significantly above `deny_alpha`, or any injury is denied.

    Dispositions are those of the policy with the bound that was known when the test slice began; findings that are valid by mistake are
    counted off as training does (`models.policy.guarantee`), down to none.
    """
    policy = challenger.evaluated_policy or challenger.model.policy
    evaluated = challenger.evaluated
    dispositions = policy.dispositions(evaluated[list(PROBABILITIES)], evaluated)
    found = count_denials(evaluated, dispositions, policy, challenger.model.record.get("error_rates", {}))
    off = f", {found.denied} of {found.valid} less {found.mistaken:.1f} expected by mistaken findings"
    yield Check(
        "valid claims that would be denied",
        found.share,
        f"not significantly above {policy.deny_alpha:g}{off}",
        not found.violates(policy.deny_alpha, params.confidence),
    )
    if not policy.deny_personal_injury:
        hurt = found.injuries_denied
        yield Check("injuries that would be denied", hurt, f"0, of {found.injuries}", hurt == 0)


def finding_errors_check(model: ClaimModel, params: GateParams) -> Check:
    """Check the decider whose findings seem wrong most often: labels that do not fit the claims are no ground to evaluate on."""
    rates: Mapping[str, float] = model.record.get("error_rates", {})
    worst, decider = max(((rate, name) for name, rate in rates.items()), default=(0.0, "nobody known"))
    bound = f"at most {params.max_finding_error_share:g}"
    return Check(f"findings by {decider} that seem wrong", worst, bound, worst <= params.max_finding_error_share)


def service_checks(challenger: StoredModel, params: GateParams) -> Iterator[Check]:
    """Yield how long one row takes, without reasons, and how large the model is."""
    row = challenger.evaluated_features.iloc[[0]]
    claim = challenger.evaluated.iloc[[0]]
    spent = []
    for _ in range(ROWS_TIMED):
        start = time.process_time()
        model = challenger.model
        model.policy.dispositions(model.probabilities(row), claim)
        spent.append(1000.0 * (time.process_time() - start))
    median = float(np.median(spent))
    yield Check(
        "milliseconds for one row", median, f"at most {params.max_latency_ms:g}", median <= params.max_latency_ms
    )
    megabytes = challenger.model.size_bytes / 1e6
    yield Check("megabytes of the model", megabytes, f"at most {params.max_size_mb:g}", megabytes <= params.max_size_mb)
