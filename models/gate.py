"""May this challenger become champion? Each check has a figure and a bound, and says in one line whether it holds.

The first honest gate: enough findings judged it; it beats the labels' shares and a logistic regression; its probabilities mean what they
say; it denies no more valid claims than promised; and it is no worse than the champion on the same later claims. Both are asked only
about claims that neither was grown on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import beta, norm

from data.contract.errors import ModelError
from models.evaluation import FOUND, arrays, calibration_error_metric, log_loss_metric
from models.label_errors import USUAL_ERROR, found_probabilities
from models.parameters import GateParams
from models.registry import StoredModel

FloatArray = npt.NDArray[np.float64]
RESAMPLES = 500
"""Draws behind the calibration error that chance alone makes."""


@dataclass(frozen=True)
class Check:
    """One check: its name, the figure, the bound in words and whether it holds."""

    name: str
    figure: float
    bound: str
    passed: bool

    def __str__(self) -> str:
        return f"{'pass' if self.passed else 'FAIL'}  {self.name}: {self.figure:.4g} (expected {self.bound})"


def gate_checks(challenger: StoredModel, champion: StoredModel | None, params: GateParams) -> list[Check]:
    """Every check of a challenger, in order; the one against the champion only where there is another champion.

    With too few findings nothing else can be said, so nothing else is asked.
    """
    enough = Check("findings that judged it", len(challenger.judged), f"at least {params.least_findings}", False)
    if len(challenger.judged) < params.least_findings:
        return [enough]
    checks = [Check(enough.name, enough.figure, enough.bound, True)]
    checks += [_against_baseline(challenger.judged, name, judged) for name, judged in challenger.baselines.items()]
    checks += [_calibration(challenger.judged, params), _denials(challenger, params)]
    if champion is not None and champion.model.version != challenger.model.version:
        checks.append(_against_champion(challenger, champion, params))
    return checks


def _against_baseline(judged: pd.DataFrame, name: str, baseline: pd.DataFrame) -> Check:
    bound = log_loss_metric(*arrays(baseline)[1:])
    loss = log_loss_metric(*arrays(judged)[1:])
    return Check(f"log loss against {name.replace('_', ' ')}", loss, f"below {bound:.4g}", loss < bound)


def _calibration(judged: pd.DataFrame, params: GateParams) -> Check:
    """The error of P(valid), against the bound or what chance alone would do to probabilities that are right."""
    _, p, y = arrays(judged)
    random = np.random.default_rng(params.seed)
    by_chance = [calibration_error_metric(p, np.where(random.random(len(p)) < p[:, 0], 0, 1)) for _ in range(RESAMPLES)]
    bound = max(params.calibration_error, float(np.quantile(by_chance, params.confidence)))
    error = calibration_error_metric(p, y)
    return Check("calibration error of P(valid)", error, f"at most {bound:.4g}", error <= bound)


def _denials(challenger: StoredModel, params: GateParams) -> Check:
    """The share of valid claims at or below the bound for denials; it must not be surely above what the policy promises."""
    policy = challenger.model.policy
    valid = challenger.judged[challenger.judged["label"] == "valid"]
    threshold = -1.0 if policy.deny_threshold is None else policy.deny_threshold
    asked = valid if policy.deny_personal_injury else valid[valid["claim_type"] == "property_damage"]
    denied, total = int((asked["p_valid"] <= threshold).sum()), len(asked)
    surely = float(beta.ppf(1 - params.confidence, denied, total - denied + 1)) if denied else 0.0
    share = denied / total if total else 0.0
    return Check(
        "valid claims that would be denied",
        share,
        f"not surely above {policy.deny_alpha:g}",
        surely <= policy.deny_alpha,
    )


def _against_champion(challenger: StoredModel, champion: StoredModel, params: GateParams) -> Check:
    """Mean difference of log loss on the same claims; it must not be surely above 0."""
    name = f"log loss less that of champion version {champion.version}"
    theirs = champion_answers(challenger, champion)
    if len(theirs) < params.least_findings:
        bound = f"at least {params.least_findings} later claims that neither was grown on, found {len(theirs)}"
        return Check(name, float("nan"), bound, False)
    mine = challenger.judged.loc[theirs.index]
    difference = np.subtract(_losses(mine), _losses(mine.assign(**{name: theirs[name] for name in FOUND})))
    mean, error = float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))
    surely = mean - float(norm.ppf(params.confidence)) * error
    return Check(name, mean, f"not surely above 0, over {len(difference)} claims", surely <= 0.0)


def champion_answers(challenger: StoredModel, champion: StoredModel) -> pd.DataFrame:
    """What the champion expects to be found (columns `FOUND`) of those of the challenger's judged claims that it was not grown on.

    Claims filed after all that it knew it scores anew; of the others only those count that judged it, too. A champion that does not
    fit the challenger's inputs answers for the latter only.
    """
    later = challenger.judged["filed_at"] > pd.Timestamp(champion.model.record["known_until"])
    judged_both = champion.judged.index.intersection(challenger.judged.index[~later])
    kept = champion.judged.loc[judged_both, list(FOUND)]
    asked = challenger.judged[later]
    try:
        scored = champion.model.probabilities(challenger.judged_features.loc[asked.index])
    except ModelError:
        return kept
    rates = champion.model.record["error_rates"]
    errors = np.array([rates.get(decider, USUAL_ERROR) for decider in asked["decided_by"]], dtype=np.float64)
    found = found_probabilities(scored.to_numpy(dtype=np.float64), errors)
    return pd.concat([kept, pd.DataFrame(found, index=asked.index, columns=list(FOUND))])


def _losses(judged: pd.DataFrame) -> FloatArray:
    _, found, y = arrays(judged)
    losses: FloatArray = -np.log(found[np.arange(len(y)), y])
    return losses
