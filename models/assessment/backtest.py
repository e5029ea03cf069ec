"""What a period of history says of a model: quality, calibration, money, the guarantee, and how older models and challengers compare.

The claims of a period are decided as they would have been, all of them, with each day's reviews allocated; figures are counted on those
that have a finding at the end. A claim without one cannot be evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from claimvet.models.assessment.comparison import found_by
from claimvet.models.assessment.denials import count_denials
from claimvet.models.learning.labels import latest_findings, latest_outcomes
from claimvet.models.learning.training_data import without_keys
from claimvet.models.metrics.copies import copies
from claimvet.models.metrics.evaluation import FOUND, evaluated_frame, figures
from claimvet.models.metrics.intervals import losses_of, mean_interval
from claimvet.models.policy.alternatives import costs_of, settled
from claimvet.models.policy.capacity import REFER, allocate_reviews
from claimvet.models.policy.claim_facts import policy_facts
from claimvet.models.scoring.claim_model import ClaimModel

LEVEL = 0.95


@dataclass(frozen=True)
class Period:
    """Claims filed from `start` (inclusive) to `end`: their rows and their features, index `claim_id`; and all outcomes there are."""

    start: pd.Timestamp
    end: pd.Timestamp
    claims: pd.DataFrame
    features: pd.DataFrame
    outcomes: pd.DataFrame


@dataclass(frozen=True)
class Evaluated:
    """What a model did with a period: `decided`, one row a claim as `models.policy.capacity.allocate_reviews` gives it with its `day`; and
    `evaluated`,
    an evaluated frame (`models.metrics.evaluation`) of the claims with a finding, with their final `disposition`."""

    decided: pd.DataFrame
    evaluated: pd.DataFrame


@dataclass(frozen=True)
class Replayed:
    """A period, the model that decided it and what came of it; champion and challenger of the shadow run; and all older models."""

    period: Period
    model: ClaimModel
    evaluated: Evaluated
    champion: ClaimModel | None
    challenger: ClaimModel | None
    older: tuple[ClaimModel, ...]


def period_of(
    start: pd.Timestamp, end: pd.Timestamp, claims: pd.DataFrame, features: pd.DataFrame, outcomes: pd.DataFrame
) -> Period:
    """Return the claims that were filed from `start` (inclusive) to `end`, each once.

    A load that was repeated under other ids makes no figure surer: of claims alike in all but ids, customers and payments, in their
    features and in their latest outcome, the first by `claim_id` stays. `claims` and `features` have `claim_id` as their index.
    """
    inside = claims[(claims["filed_at"] >= start) & (claims["filed_at"] < end)]
    latest = latest_outcomes(outcomes, outcomes["decided_at"].max()).astype({"is_finding": object})
    again = copies(without_keys(inside), features.loc[inside.index], latest.reindex(inside.index))
    kept = inside.drop(index=again)
    return Period(start, end, kept, features.loc[kept.index], outcomes)


def evaluated_period(period: Period, model: ClaimModel) -> Evaluated:
    """Return what `model` does with all claims of the period, and how that turned out for those with a finding."""
    probabilities = model.probabilities(period.features)
    options = model.policy.options(probabilities, policy_facts(period.features))
    day = period.claims["filed_at"].dt.floor("D")
    ids = pd.Series(period.claims.index, index=period.claims.index)
    decided = allocate_reviews(options, ids, day, model.policy).assign(day=day)
    found = latest_findings(period.outcomes, period.outcomes["decided_at"].max())
    found = found.loc[found.index.intersection(period.claims.index)].sort_index()
    evaluated = evaluated_frame(period.claims, found, probabilities, np.zeros(len(found)), set(), model.policy)
    answers = found_by(model, evaluated, evaluated["decided_by"])
    evaluated = evaluated.assign(**dict(zip(FOUND, answers.T, strict=True)))
    return Evaluated(decided, evaluated.assign(disposition=decided.loc[evaluated.index, "disposition"]))


def period_row(one: Replayed, seed: int) -> dict[str, object]:
    """Return figures of one period: claims, findings, quality, dollars with bounds, whether the guarantee was kept,
    and the experts' load.
    """
    evaluated, decided, policy = one.evaluated.evaluated, one.evaluated.decided, one.model.policy
    costs = costs_of(evaluated, policy, evaluated["disposition"])
    low, cost, high = mean_interval(1000.0 * costs, 1 - (1 - LEVEL) / 2, seed)
    presenting = 1000.0 * float(costs_of(evaluated, policy, settled(evaluated, policy)).mean())
    reviews = (decided["disposition"] == REFER).groupby(decided["day"]).sum()
    quality = figures(evaluated)
    return {
        "from": one.period.start,
        "until": one.period.end,
        "claims": len(one.period.claims),
        "findings": len(evaluated),
        **{name: quality[name] for name in ("auc_valid", "auc_abusive", "log_loss", "calibration_error")},
        "usd_per_1000": cost,
        "usd_low": low,
        "usd_high": high,
        "usd_per_1000_presenting": presenting,
        **_guarantee(one),
        "max_reviews_of_a_day": int(reviews.max()),
        "capacity": policy.expert_reviews_per_day,
        "audited_share": float(decided["audited"].mean()),
    }


def stale_rows(one: Replayed, seed: int) -> Iterator[dict[str, object]]:
    """Yield what each older model loses on the period against the freshest: log loss and dollars per 1,000 claims, with intervals.

    `age` counts periods; the freshest model itself comes first, with nothing lost.
    """
    for age, model in enumerate([one.model, *reversed(one.older)]):
        yield {
            "from": one.period.start,
            "age": age,
            **_difference(one.period, model, one.model, one.evaluated.evaluated, seed),
        }


def shadow_row(one: Replayed, seed: int) -> dict[str, object] | None:
    """Return the challenger less the champion on the period's claims, paired, with intervals; None where either is missing."""
    if one.champion is None or one.challenger is None:
        return None
    difference = _difference(one.period, one.challenger, one.champion, one.evaluated.evaluated, seed)
    return {
        "from": one.period.start,
        "champion": one.champion.version,
        "challenger": one.challenger.version,
        **difference,
    }


def _guarantee(one: Replayed) -> dict[str, object]:
    """Denials against the guarantee at its own confidence; `guarantee_kept` is None where there were too few findings for one."""
    evaluated, policy = one.evaluated.evaluated, one.model.policy
    found = count_denials(evaluated, evaluated["disposition"], policy, one.model.record.get("error_rates", {}))
    kept = not found.violates(policy.deny_alpha, policy.deny_confidence)
    return {
        "valid_findings": found.valid,
        "valid_denied": found.denied,
        "valid_denied_share": found.denied / found.valid if found.valid else 0.0,
        "without_merit_denied_share": found.without_merit_denied / found.without_merit if found.without_merit else 0.0,
        "guarantee_kept": None if policy.deny_threshold is None else kept,
        "injuries_denied": found.injuries_denied,
    }


def _difference(
    period: Period, model: ClaimModel, other: ClaimModel, evaluated: pd.DataFrame, seed: int
) -> dict[str, object]:
    """`model` less `other` on the evaluated claims: mean of log loss and dollars per 1,000 claims at `other`'s prices, `low` to `high`."""
    mine, theirs = (evaluated_period(period, one).evaluated.loc[evaluated.index] for one in (model, other))
    losses = losses_of(mine) - losses_of(theirs)
    costs = 1000.0 * (
        costs_of(mine, other.policy, mine["disposition"]) - costs_of(theirs, other.policy, theirs["disposition"])
    )
    confidence = 1 - (1 - LEVEL) / 2
    answer: dict[str, object] = {"findings": len(evaluated)}
    for name, values in (("log_loss", losses), ("usd", costs)):
        low, mean, high = mean_interval(values, confidence, seed)
        answer |= {f"{name}_difference": mean, f"{name}_low": low, f"{name}_high": high}
    return answer
