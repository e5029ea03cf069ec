"""The model card says what the tables say, in words that a claims manager reads, and its plots show what they are given."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.stats import beta

from claimvet.models.assessment.card import LIMITS, CardFacts, model_card
from claimvet.models.assessment.fairness import fairness_table
from claimvet.models.assessment.plots import PLOTS, WAYS, calibration_slices, calibration_slices_plot, money_plots
from claimvet.models.charts.titled import TitledChart
from claimvet.models.learning.training import Training
from claimvet.models.metrics.evaluation import by_slice, figures, intervals
from claimvet.models.metrics.intervals import proportion_interval
from claimvet.models.policy.alternatives import CAPACITIES, COST_RATIOS, money_table
from claimvet.models.scoring.schema import Input, InputSchema
from claimvet.pipeline.stages.train import with_dispositions
from tests.models.charts.text_boxes import assert_apart


@pytest.fixture(scope="module")
def facts(training: Training) -> CardFacts:
    evaluated, policy = with_dispositions(training), training.evaluated_policy
    losses = {name: figures(rows)["log_loss"] for name, rows in training.baselines.items()}
    return CardFacts(
        training.model,
        policy,
        evaluated,
        intervals(evaluated, 1),
        by_slice(evaluated),
        fairness_table(evaluated),
        money_table(evaluated, policy, 1, training.evaluated_features),
        losses,
    )


@pytest.fixture(scope="module")
def card(facts: CardFacts) -> str:
    return model_card(facts)


def table(card: str, chapter: str) -> list[list[str]]:
    """The rows of a chapter's table, without its header."""
    lines = card.split(f"## {chapter}")[1].split("\n## ")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert len({len(row) for row in rows}) == 1
    return rows[2:]


def test_the_card_reads_as_words_and_numbers(card: str) -> None:
    told = card.replace("`group_` columns", "").replace("`params.yaml`", "").replace("False positive rate", "")
    assert not re.search(r"\bnan\b|\bNone\b|\bTrue\b|\bFalse\b|[a-z]_[a-z]", told)
    assert all(limit in card for limit in LIMITS)


def test_the_quality_is_that_of_the_evaluated_claims_inside_its_interval(card: str, facts: CardFacts) -> None:
    found = figures(facts.evaluated)
    rows = table(card, "How good it is")
    assert [float(row[1]) for row in rows] == [
        round(found[name], 3) for name in ("auc_valid", "auc_abusive", "log_loss", "calibration_error", "accuracy")
    ]
    for _, value, interval in rows[:3]:
        low, high = map(float, interval.split(" to "))
        assert low <= float(value) <= high
    assert f"On {len(facts.evaluated):,} later findings" in card
    assert f"logistic {facts.baselines['logistic']:.3f}" in card


def test_findings_by_slice_are_those_of_the_split(card: str, training: Training) -> None:
    rows = {row[0]: [int(cell.replace(",", "")) for cell in row[1:]] for row in table(card, "What it learned from")}
    split = training.split
    for name in ("train", "bound", "test", "everything"):
        counts = getattr(split, name)["label"].value_counts()
        assert rows[name] == [int(counts.get(label, 0)) for label in ("valid", "frivolous", "abusive")]


def test_it_speaks_of_claims_that_nobody_looked_at_only_where_they_taught(facts: CardFacts) -> None:
    for per_finding, told in ((0.0, False), (1.0, True)):
        params = {**facts.model.record["params"], "unchecked_per_finding": per_finding}
        model = replace(facts.model, record={**facts.model.record, "params": params})
        assert ("nobody looked at" in model_card(replace(facts, model=model))) == told


def test_calibration_counts_every_evaluated_claim_once(card: str, facts: CardFacts) -> None:
    rows = table(card, "Do its probabilities mean what they say?")
    claims = [int(row[0].replace(",", "")) for row in rows]
    assert sum(claims) == len(facts.evaluated)
    found = sum(count * float(row[2]) for count, row in zip(claims, rows, strict=True))
    assert found == pytest.approx((facts.evaluated["label"] == "valid").sum(), abs=0.005 * len(facts.evaluated))


def test_slices_come_worst_first(card: str) -> None:
    losses = [float(row[4]) for row in table(card, "Where it is worst")]
    assert losses == sorted(losses, reverse=True)
    assert "slices with at least 30 findings" in card


def test_no_way_of_deciding_costs_less_than_knowing_the_truth(card: str) -> None:
    cost = {row[0]: float(row[1].strip("$").replace(",", "")) for row in table(card, "What its decisions cost")}
    assert min(cost, key=lambda way: cost[way]) == "oracle"
    assert cost["policy"] < cost["present everything"]


def test_a_group_without_others_is_not_compared(facts: CardFacts) -> None:
    alone = facts.fairness.assign(ratio=np.nan)
    assert all(
        row[-1] == "no others"
        for row in table(model_card(replace(facts, fairness=alone)), "False positive rate by group")
    )
    nobody = model_card(replace(facts, fairness=facts.fairness.head(0)))
    assert "Too few valid claims evaluated it to tell." in nobody


def test_a_model_without_a_bound_says_that_it_denies_nothing(facts: CardFacts) -> None:
    def with_bound(bound: float | None) -> str:
        policy = replace(facts.model.policy, deny_threshold=bound)
        return model_card(replace(facts, model=replace(facts.model, policy=policy)))

    assert "There were too few findings to guarantee this, so it denies nothing." in with_bound(None)
    assert "It denies nothing above a P(valid) of 0.020." in with_bound(0.02)


def test_a_model_that_nothing_evaluated_warns_instead_of_figures(facts: CardFacts) -> None:
    unevaluated = model_card(replace(facts, evaluated=facts.evaluated.head(0)))
    assert "Nothing evaluated it" in unevaluated
    assert "Do not promote it." in unevaluated
    assert "## What its decisions cost" not in unevaluated


def texts(drawn: TitledChart) -> list[str]:
    return [str(node.text) for node in ElementTree.fromstring(drawn.chart).iter() if node.tag.endswith("text")]


@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_has_a_title_and_says_what_a_person_should_see(name: str, facts: CardFacts) -> None:
    drawn = PLOTS[name](facts.evaluated)
    assert drawn.title
    assert re.search("should|the better", drawn.caption)
    assert_apart(str(drawn.chart))


def test_a_slice_of_amounts_is_drawn_with_its_dollars_and_findings(facts: CardFacts) -> None:
    names = texts(calibration_slices_plot(facts.evaluated.assign(amount_band="$50 to $200")))
    assert f"amount band: $50 to $200 ({len(facts.evaluated):,})" in names


def test_slices_are_drawn_by_how_far_the_share_found_is_from_the_probability_given(facts: CardFacts) -> None:
    slices, drawn = calibration_slices(facts.evaluated), calibration_slices_plot(facts.evaluated)
    dots = [
        float(node.attrib["cx"]) for node in ElementTree.fromstring(drawn.chart).iter() if node.tag.endswith("circle")
    ]
    off = (slices["share"] - slices["p_mean"]).to_numpy()
    assert np.corrcoef(dots, off)[0, 1] == pytest.approx(1.0, abs=1e-4)
    assert ((np.diff(dots) > 0) == (np.diff(off) > 0)).mean() > 0.9


def test_money_is_drawn_for_every_way_but_presenting_over_capacities_and_ratios(facts: CardFacts) -> None:
    drawn = money_plots(facts.money)
    assert set(WAYS) == set(facts.money["way"])
    for name, values in (("money_by_capacity", CAPACITIES), ("money_by_harm", COST_RATIOS)):
        root = ElementTree.fromstring(drawn[name].chart)
        dots = [node for node in root.iter() if node.tag.endswith("circle")]
        assert len(dots) == len(values) * (len(WAYS) - 1)
        assert {*WAYS, *(f"{value:g}" for value in values)} - {"present everything"} <= set(texts(drawn[name]))
        assert_apart(str(drawn[name].chart))
    policy = facts.money[(facts.money["cost_ratio"] == 1.0) & (facts.money["way"] == "policy")]
    heights = [
        float(node.attrib["cy"])
        for node in ElementTree.fromstring(drawn["money_by_capacity"].chart).iter()
        if node.tag.endswith("circle") and "c-policy" in node.attrib["class"]
    ]
    costs = policy.sort_values("capacity")["usd_per_1000"]
    assert np.corrcoef(heights, costs)[0, 1] == pytest.approx(-1.0, abs=1e-4)


@pytest.mark.parametrize(("cases", "claims"), [(0, 10), (10, 10), (3, 40), (200, 1000)])
def test_intervals_of_shares_are_the_exact_ones(cases: int, claims: int) -> None:
    low, high = proportion_interval(cases, claims)
    assert low == pytest.approx(beta.ppf(0.025, cases, claims - cases + 1) if cases else 0.0)
    assert high == pytest.approx(beta.ppf(0.975, cases + 1, claims - cases) if cases < claims else 1.0)


def test_the_card_names_the_protected_inputs_that_a_model_reads(card: str, facts: CardFacts) -> None:
    assert "none of them has the name of a protected field" in card
    schema = InputSchema((*facts.model.schema.inputs, Input("x_gender", "category"), Input("x_postCode", "category")))
    told = model_card(replace(facts, model=replace(facts.model, schema=schema)))
    assert "among them are protected fields or proxies: `x_gender`, `x_postCode`. They move scores" in told
    assert "never among them" not in told
