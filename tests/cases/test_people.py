"""Who may review a case, who comes next, what is drawn, and how far experts agree."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from claimvet.cases.agreement import cohens_kappa
from claimvet.cases.case import Case
from claimvet.cases.draws import draw, is_drawn
from claimvet.cases.people import Person, may_take, queue_key, touched
from claimvet.cases.settings import DAY, CaseSettings
from claimvet.data.contract.tables import LABELS
from tests.cases.play import ANNA, BEN, LEA, START, Play


def test_a_seller_that_a_person_is_tied_to_bars_every_case_of_it() -> None:
    case = Play("refer_to_expert").case
    assert may_take(ANNA, case)
    assert not may_take(replace(ANNA, ties=frozenset({"seller:s1"})), case)
    assert may_take(replace(ANNA, ties=frozenset({"seller:s2"})), case)


def test_the_same_round_may_be_leased_again_but_an_earlier_one_or_a_verdict_touches() -> None:
    play = Play("refer_to_expert").lease(ANNA).lease(BEN)
    assert may_take(ANNA, play.case)
    play.verdict("frivolous", person=ANNA)
    play.at(1).appeal()
    assert touched("anna", play.case)
    assert touched("ben", play.case)
    assert may_take(LEA, play.case)


def test_evidence_asked_for_within_a_first_round_leaves_it_the_same_round() -> None:
    play = Play("refer_to_expert").lease(ANNA).ask().at(1).evidence()
    assert may_take(ANNA, play.case)


def test_who_gave_the_first_opinion_does_not_give_the_second_and_only_a_lead_adjudicates() -> None:
    play = Play("refer_to_expert", settings=CaseSettings(second_opinion_share=1.0)).lease(BEN)
    play.verdict("valid", 300.0, ANNA)
    assert not may_take(ANNA, play.case)
    assert may_take(BEN, play.case)
    play.verdict("frivolous", None, BEN)
    assert not may_take(Person("cara", "expert", "east"), play.case)
    assert may_take(LEA, play.case)


def test_a_lead_who_had_the_case_before_does_not_adjudicate_it() -> None:
    play = Play("refer_to_expert", settings=CaseSettings(second_opinion_share=1.0)).lease(LEA)
    play.verdict("valid", 300.0, ANNA)
    play.verdict("frivolous", None, BEN)
    assert not may_take(LEA, play.case)


@pytest.mark.parametrize("ties", [frozenset(), frozenset({"firm:north"})])
def test_a_second_opinion_comes_from_another_firm(ties: frozenset[str]) -> None:
    case = Play("refer_to_expert").case
    second = Person("dora", "expert", "south" if ties else "north", ties)
    assert not may_take(second, case, firms=["north"])
    assert may_take(replace(second, firm="east", ties=frozenset()), case, firms=["north"])


def test_without_an_open_review_there_is_nothing_to_take() -> None:
    case: Case = Play("deny").case
    assert not may_take(ANNA, case)


def test_the_queue_goes_by_the_day_of_the_promise_then_by_what_a_review_saves() -> None:
    morning = START - START % DAY
    keys = [
        queue_key(morning + DAY, 99_999, "d"),
        queue_key(morning + DAY - 1, 100, "b"),
        queue_key(morning, 50, "c"),
        queue_key(morning + 5, 100, "a"),
    ]
    assert [claim for _, _, claim in sorted(keys)] == ["a", "b", "c", "d"]


def test_draws_are_even_and_independent_of_each_other() -> None:
    names = [f"c{number}" for number in range(20_000)]
    drawn = np.array([draw("key", "second", name) for name in names])
    other = np.array([draw("key", "golden", name) for name in names])
    assert abs(np.mean(drawn < 0.1) - 0.1) < 0.01
    assert abs(np.corrcoef(drawn, other)[0, 1]) < 0.03
    assert 0 <= drawn.min() <= drawn.max() < 1
    assert is_drawn("key", "second", "c1", 1.0)
    assert not is_drawn("key", "second", "c1", 0.0)


def random_pairs(count: int, agreeing: float, seed: int) -> list[tuple[str, str]]:
    random = np.random.default_rng(seed)
    first = random.choice(3, count, p=[0.6, 0.3, 0.1])
    second = np.where(random.random(count) < agreeing, first, random.choice(3, count))
    return [(LABELS[one], LABELS[other]) for one, other in zip(first, second, strict=True)]


@pytest.mark.parametrize("agreeing", [0.0, 0.5, 0.9])
def test_kappa_is_that_of_scikit_learn(agreeing: float) -> None:
    pairs = random_pairs(500, agreeing, seed=3)
    expected = cohen_kappa_score([one for one, _ in pairs], [other for _, other in pairs], labels=LABELS)
    assert cohens_kappa(pairs).kappa == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
def test_its_interval_is_as_wide_as_many_samples_differ() -> None:
    samples = [cohens_kappa(random_pairs(300, 0.7, seed)) for seed in range(400)]
    truth = cohens_kappa(random_pairs(200_000, 0.7, 1_000)).kappa
    covered = np.mean([sample.low <= truth <= sample.high for sample in samples])
    assert 0.92 <= covered <= 0.98
    spread = 1.96 * np.std([sample.kappa for sample in samples])
    assert np.mean([sample.high - sample.kappa for sample in samples]) == pytest.approx(spread, rel=0.1)


def test_without_pairs_or_with_one_label_only_there_is_no_kappa() -> None:
    assert math.isnan(cohens_kappa([]).kappa)
    same = cohens_kappa([("valid", "valid")] * 5)
    assert math.isnan(same.low)
    assert same.pairs == 5
