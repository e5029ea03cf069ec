"""The figures of a period are those of its claims, counted again one by one; and differences have two sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from claimvet.models.assessment.backtest import (
    Evaluated,
    Period,
    Replayed,
    evaluated_period,
    period_of,
    period_row,
    shadow_row,
    stale_rows,
)
from claimvet.models.learning.training import Training
from claimvet.models.learning.training_data import TrainingData
from claimvet.models.metrics.evaluation import FOUND
from claimvet.models.metrics.label_noise import PRIOR_ERROR_RATE
from claimvet.models.policy.capacity import REFER
from claimvet.models.policy.guarantee import wrong_denial_bound
from claimvet.models.scoring.claim_model import ClaimModel
from tests.models.small_world import loaded_again

SEED = 1
CAPACITY = 2


@pytest.fixture(scope="module")
def model(training: Training) -> ClaimModel:
    policy = replace(training.model.policy, expert_reviews_per_day=CAPACITY, audit_share=0.05, deny_threshold=0.05)
    return replace(training.model, policy=policy)


@pytest.fixture(scope="module")
def worse(model: ClaimModel) -> ClaimModel:
    """One that mixes its two questions up."""
    return replace(model, frivolous=model.abusive, abusive=model.frivolous)


@pytest.fixture(scope="module")
def period(data: TrainingData) -> Period:
    start, end = data.claims["filed_at"].quantile([0.6, 0.9])
    inside = data.claims[(data.claims["filed_at"] >= start) & (data.claims["filed_at"] < end)]
    features = data.features.loc[inside.index].assign(
        claim_amount=inside["amount_claimed"], claim_type=inside["claim_type"], claim_evidence_count=1.0
    )
    return Period(start, end, inside, features, data.outcomes)


def replayed(period: Period, model: ClaimModel, *others: ClaimModel) -> Replayed:
    champion, challenger = (others[0], model) if others else (None, None)
    return Replayed(period, model, evaluated_period(period, model), champion, challenger, others)


def test_all_claims_are_decided_and_those_with_a_finding_evaluated(period: Period, model: ClaimModel) -> None:
    evaluated = evaluated_period(period, model)
    assert list(evaluated.decided.index) == list(period.claims.index)
    findings = period.outcomes[period.outcomes["decided_by"] != "concession"].set_index("claim_id")["label"]
    assert set(evaluated.evaluated.index) == set(findings.index) & set(period.claims.index)
    assert evaluated.evaluated["label"].to_dict() == findings.loc[evaluated.evaluated.index].to_dict()
    assert (evaluated.evaluated["disposition"] == evaluated.decided["disposition"].loc[evaluated.evaluated.index]).all()


@pytest.mark.parametrize(("times", "share"), [(1, 1.0), (2, 0.5)])
def test_a_load_that_is_repeated_changes_no_figure_of_a_period(
    times: int, share: float, data: TrainingData, period: Period, model: ClaimModel, worse: ClaimModel
) -> None:
    undecided = data.claims.index[::7]
    once = replace(data, outcomes=data.outcomes[~data.outcomes["claim_id"].isin(undecided)])
    again = loaded_again(once, times, share)
    facts = {"claim_type": again.claims["claim_type"], "claim_amount": again.claims["amount_claimed"]}
    given = again.features.assign(**facts, claim_evidence_count=1.0)
    told = [
        replayed(period_of(period.start, period.end, claims, given.loc[claims.index], outcomes), model, worse)
        for claims, outcomes in ((once.claims, once.outcomes), (again.claims, again.outcomes))
    ]
    assert len(told[0].evaluated.evaluated) < len(told[0].evaluated.decided)
    assert period_row(told[0], SEED) == period_row(told[1], SEED)
    assert shadow_row(told[0], SEED) == shadow_row(told[1], SEED)
    assert list(stale_rows(told[0], SEED)) == list(stale_rows(told[1], SEED))


def test_no_day_of_a_period_has_more_reviews_than_experts(period: Period, model: ClaimModel) -> None:
    row = period_row(replayed(period, model), SEED)
    decided = evaluated_period(period, model).decided
    by_day = decided.groupby(period.claims["filed_at"].dt.date)["disposition"].apply(lambda day: (day == REFER).sum())
    assert by_day.max() <= CAPACITY
    assert row["max_reviews_of_a_day"] == by_day.max()
    assert row["audited_share"] == pytest.approx(decided["audited"].mean())


def test_dollars_and_losses_are_counted_claim_by_claim(period: Period, model: ClaimModel) -> None:
    one = replayed(period, model)
    row, evaluated = period_row(one, SEED), one.evaluated.evaluated
    costs, losses = [], []
    for claim_id, claim in evaluated.iterrows():
        alone = evaluated.loc[[claim_id]]
        table = model.policy.realised_costs(alone[["p_valid", "p_frivolous", "p_abusive"]], alone, alone["label"])
        costs.append(table[claim["disposition"]].iloc[0])
        losses.append(-np.log(claim[f"found_{claim['label']}"]))
    assert row["usd_per_1000"] == pytest.approx(1000.0 * np.mean(costs))
    assert row["usd_low"] < row["usd_per_1000"] < row["usd_high"]
    assert row["log_loss"] == pytest.approx(np.mean(losses))
    np.testing.assert_allclose(evaluated[list(FOUND)].sum(axis=1), 1.0)


def denied_period(
    period: Period, model: ClaimModel, denied: int, deny_alpha: float, threshold: float | None = 0.01
) -> dict[str, object]:
    """The row of a period in which the first valid findings of property damage were denied, as many as `denied`."""
    honest = replace(model, policy=replace(model.policy, deny_alpha=deny_alpha, deny_threshold=threshold))
    evaluated = evaluated_period(period, honest)
    frame = evaluated.evaluated.assign(disposition="request_evidence")
    valid = frame[(frame["label"] == "valid") & (frame["claim_type"] == "property_damage")].index
    frame.loc[valid[:denied], "disposition"] = "deny"
    return period_row(Replayed(period, honest, Evaluated(evaluated.decided, frame), None, None, ()), SEED)


def test_the_guarantee_counts_valid_findings_less_those_expected_to_be_mistaken(
    period: Period, model: ClaimModel
) -> None:
    error = min(model.record["error_rates"].get("expert", PRIOR_ERROR_RATE), model.policy.finding_error_share)
    broken_from = None
    for denied in range(12):
        row = denied_period(period, model, denied, 0.02)
        total = int(str(row["valid_findings"]))
        assert row["valid_denied"] == denied
        counted = denied * (1.0 - error)
        lower = 1.0 - wrong_denial_bound(total - counted, total, model.policy.deny_confidence) if denied else 0.0
        assert row["guarantee_kept"] == (lower <= 0.02)
        broken_from = denied if broken_from is None and not row["guarantee_kept"] else broken_from
    assert broken_from is not None
    assert broken_from > 0.02 * total  # a little more than guaranteed may be chance


def test_a_model_that_guarantees_nothing_neither_keeps_nor_violates_it(period: Period, model: ClaimModel) -> None:
    assert denied_period(period, model, 0, 0.02, threshold=None)["guarantee_kept"] is None
    assert denied_period(period, model, 0, 0.02)["guarantee_kept"] is True


def test_the_freshest_model_loses_nothing_against_itself_and_ages_count_backwards(
    period: Period, model: ClaimModel, worse: ClaimModel
) -> None:
    rows = pd.DataFrame(stale_rows(replayed(period, model, worse, model), SEED))
    assert rows["age"].tolist() == [0, 1, 2]
    assert (rows.loc[rows["age"] < 2, ["log_loss_difference", "usd_difference"]] == 0.0).all(axis=None)
    assert rows.loc[2, "log_loss_difference"] > 0.1
    assert rows.loc[2, "log_loss_low"] > 0.0


def test_a_shadow_run_has_two_sides(period: Period, model: ClaimModel, worse: ClaimModel) -> None:
    there = shadow_row(replayed(period, model, worse), SEED)
    evaluated = evaluated_period(period, model)
    back = shadow_row(Replayed(period, model, evaluated, model, worse, ()), SEED)
    assert there is not None
    assert back is not None
    assert (there["champion"], there["challenger"]) == (back["challenger"], back["champion"])
    for name in ("log_loss", "usd"):
        assert there[f"{name}_difference"] == pytest.approx(-float(str(back[f"{name}_difference"])))
    assert float(str(there["log_loss_high"])) < 0.0
    assert shadow_row(replayed(period, model), SEED) is None
