"""Is the challenger no worse than the champion, on the same later claims? In log loss, in money, in every slice, and in the findings.

Only claims that neither was grown on count: those that evaluated both, and those filed after all that the champion knew.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import norm

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.errors import ModelError
from claimvet.data.contract.tables import PROBABILITIES
from claimvet.models.assessment.checks import Check
from claimvet.models.metrics.evaluation import FOUND
from claimvet.models.metrics.intervals import losses_of, mean_interval
from claimvet.models.metrics.label_noise import PRIOR_ERROR_RATE, found_probabilities
from claimvet.models.parameters import GateParams
from claimvet.models.policy.alternatives import costs_of, settled
from claimvet.models.policy.policy import Policy
from claimvet.models.registry.registry import StoredModel
from claimvet.models.scoring.claim_model import ClaimModel

SLICES = ("lane", "claim_type", "amount_band", "category_id", "is_new_customer")
"""Columns of an evaluated frame in whose slices the challenger must not be much worse."""
MIN_SLICE = 40
"""Findings that a slice needs to be held against the champion."""


def champion_checks(challenger: StoredModel, champion: StoredModel, params: GateParams) -> Iterator[Check]:
    """Yield every check against the champion; one that says so where there are too few claims that neither was grown on."""
    theirs = champion_answers(challenger, champion)
    if len(theirs) < params.min_findings:
        bound = f"at least {params.min_findings} later claims that neither was grown on, found {len(theirs)}"
        yield Check(f"log loss less that of champion version {champion.version}", float("nan"), bound, False)
        return
    mine = challenger.evaluated.loc[theirs.index]
    losses, other = losses_of(mine), losses_of(mine.assign(**{name: theirs[name] for name in FOUND}))
    yield _log_loss(losses - other, champion.version, params)
    yield _leap(losses, other, params)
    yield _money(challenger, champion, mine, theirs, params)
    yield _slices(mine, losses - other, params)
    yield _contradicted(challenger, champion, params)


def money_without_champion(challenger: StoredModel, params: GateParams) -> Check:
    """Dollars per 1,000 claims less those of presenting everything; they must be significantly below 0."""
    policy = _bounded(challenger)
    chosen = policy.dispositions(challenger.evaluated[list(PROBABILITIES)], challenger.evaluated)
    everything = costs_of(challenger.evaluated, policy, settled(challenger.evaluated, policy))
    difference = 1000.0 * (costs_of(challenger.evaluated, policy, chosen) - everything)
    at_most = mean_interval(difference, params.confidence, params.seed)[2]
    bound = f"significantly below 0; it is at most {at_most:,.0f}"
    return Check(
        "dollars per 1,000 claims less those of presenting everything", float(difference.mean()), bound, at_most < 0
    )


def champion_answers(challenger: StoredModel, champion: StoredModel) -> pd.DataFrame:
    """Return what the champion says of those of the challenger's evaluated claims that it was not grown on: columns `FOUND` and
    probabilities.

    Claims filed after all that it knew it scores anew; of the others only those count that evaluated it, too. A champion that does not
    fit the challenger's inputs answers for the latter only.
    """
    columns = [*FOUND, *PROBABILITIES]
    later = challenger.evaluated["filed_at"] > pd.Timestamp(champion.model.record["known_until"])
    evaluated_both = champion.evaluated.index.intersection(challenger.evaluated.index[~later])
    kept = champion.evaluated.loc[evaluated_both, columns]
    asked = challenger.evaluated[later]
    try:
        scored = champion.model.probabilities(challenger.evaluated_features.loc[asked.index])
    except ModelError:
        return kept
    found = found_by(champion.model, scored, asked["decided_by"])
    answers = pd.DataFrame(found, index=asked.index, columns=list(FOUND)).assign(
        **{n: scored[n] for n in PROBABILITIES}
    )
    return pd.concat([kept, answers[columns]])


def found_by(model: ClaimModel, probabilities: pd.DataFrame, deciders: pd.Series) -> Floats:
    """Return how likely deciders, who err as the model's training estimated, find each label: (n, 3), in the order of `probabilities`."""
    rates, shares = model.record.get("error_rates", {}), model.record.get("finding_shares")
    errors = np.array([rates.get(str(decider), PRIOR_ERROR_RATE) for decider in deciders], dtype=np.float64)
    known = None if shares is None else np.array(shares, dtype=np.float64)
    return found_probabilities(probabilities[list(PROBABILITIES)].to_numpy(dtype=np.float64), errors, known)


def _log_loss(difference: Floats, version: str, params: GateParams) -> Check:
    """Mean difference of log loss on the same claims; it must not be significantly above 0."""
    mean, error = float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))
    lower = mean - float(norm.ppf(params.confidence)) * error
    bound = f"not significantly above 0, over {len(difference)} claims"
    return Check(f"log loss less that of champion version {version}", mean, bound, lower <= 0.0)


def _leap(mine: Floats, theirs: Floats, params: GateParams) -> Check:
    """Check for a leap: a challenger that is better than can be most likely knows what it should not."""
    ratio = float(mine.mean() / theirs.mean())
    bound = f"at least {params.min_loss_ratio:g}: a greater leap is a leak more often than a better model"
    return Check("log loss as a share of the champion's", ratio, bound, ratio >= params.min_loss_ratio)


def _money(
    challenger: StoredModel, champion: StoredModel, mine: pd.DataFrame, theirs: pd.DataFrame, params: GateParams
) -> Check:
    """Dollars per 1,000 claims, each with its own bound for denials, at the challenger's prices: not significantly nor much more."""
    policy, other = _bounded(challenger), _bounded(champion)
    chosen = policy.dispositions(mine[list(PROBABILITIES)], mine)
    as_champion = mine.assign(**{name: theirs[name] for name in PROBABILITIES})
    chosen_by_champion = policy.with_deny_threshold(other.deny_threshold).dispositions(
        as_champion[list(PROBABILITIES)], as_champion
    )
    theirs_cost = costs_of(as_champion, policy, chosen_by_champion)
    difference = 1000.0 * (costs_of(mine, policy, chosen) - theirs_cost)
    low, mean, high = mean_interval(difference, params.confidence, params.seed)
    margin = 1000.0 * params.money_margin * float(theirs_cost.mean())
    bound = f"at most {margin:,.0f} and not significantly above 0; it is {low:,.0f} to {high:,.0f}"
    return Check("dollars per 1,000 claims less the champion's", mean, bound, mean <= margin and low <= 0.0)


def _slices(mine: pd.DataFrame, difference: Floats, params: GateParams) -> Check:
    """Check the slice in which the challenger is significantly worst; sure of all slices at once (Bonferroni)."""
    rows = [
        (f"{name} {value}", difference[(mine[name] == value).to_numpy()])
        for name in SLICES
        if name in mine
        for value in sorted(mine[name].dropna().unique(), key=str)
    ]
    kept = [(name, values) for name, values in rows if len(values) >= MIN_SLICE]
    quantile = float(norm.ppf(1 - (1 - params.confidence) / max(len(kept), 1)))
    lower = [
        (float(values.mean() - quantile * values.std(ddof=1) / np.sqrt(len(values))), name) for name, values in kept
    ]
    worst, where = max(lower, default=(0.0, "none with enough findings"))
    bound = f"not significantly more than {params.slice_margin:g} worse than the champion in every slice"
    return Check(
        f"log loss less the champion's, significantly, in its worst slice ({where})",
        worst,
        bound,
        worst <= params.slice_margin,
    )


def _contradicted(challenger: StoredModel, champion: StoredModel, params: GateParams) -> Check:
    """Check findings of claims that evaluated both: what the challenger was told must be what the champion was told, appeals apart."""
    both = champion.evaluated.index.intersection(challenger.evaluated.index)
    differ = (
        (champion.evaluated.loc[both, "label"] != challenger.evaluated.loc[both, "label"]).mean() if len(both) else 0.0
    )
    bound = f"at most {params.max_contradicted_share:g}, over {len(both)} claims that evaluated both"
    return Check(
        "findings that contradict those that evaluated the champion",
        float(differ),
        bound,
        differ <= params.max_contradicted_share,
    )


def _bounded(stored: StoredModel) -> Policy:
    """Return the policy as it stood when the test slice began."""
    return stored.evaluated_policy or stored.model.policy
