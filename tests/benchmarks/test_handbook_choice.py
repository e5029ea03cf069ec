"""Features and parameters of the handbook are chosen on weeks that were over, labels and all, when the evaluated one began."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import handbook
from benchmarks.handbook_choice import (
    FAMILIES,
    GROWTHS,
    LOOK_BACK,
    WINDOWS,
    Choice,
    Figures,
    all_features,
    choose,
    weeks_that_choose,
)
from benchmarks.handbook_quality import Weeks, _evaluate, section
from claimvet.models.parameters import TrainParams
from tests.benchmarks.test_quality import transactions

PLAIN: Figures = (0.8, 0.6, 0.3)


def test_every_feature_is_declared_once_and_the_handbooks_are_fifteen() -> None:
    names = [feature.name for feature in all_features()]
    assert len(set(names)) == len(names)
    assert len(Choice().features()) == 15
    assert {"customer_claims_amount_mean_7d", "seller_abusive_outcomes_share_30d"} <= set(names)
    for windows in WINDOWS:
        chosen = [feature.name for feature in Choice(tuple(FAMILIES), windows).features()]
        assert len(set(chosen)) == len(chosen)
        assert set(chosen) <= set(names)


@given(st.integers(-3, 3))
def test_all_labels_of_a_week_that_chooses_are_known_as_the_evaluated_days_begin(week: int) -> None:
    start = 115 + 7 * week
    for past in weeks_that_choose(week):
        last_evaluated_day = 115 + 7 * past + 20
        assert last_evaluated_day + handbook.DELAY.days < start + 14
    assert len(weeks_that_choose(week)) == LOOK_BACK


def test_a_evaluated_week_is_never_asked_about_and_no_pair_twice() -> None:
    asked: Counter[tuple[Choice, int]] = Counter()

    def evaluate(choice: Choice, week: int) -> Figures:
        asked[choice, week] += 1
        return PLAIN

    choose([0, 1], evaluate, 1)
    assert {week for _, week in asked} == set(range(-5, 0))
    assert set(asked.values()) == {1}


def test_the_best_of_families_then_windows_then_growth_is_taken_for_each_week() -> None:
    def evaluate(choice: Choice, week: int) -> Figures:
        late = week >= -2
        better = ("card's amounts" in choice.families) + (choice.windows == "more") * late - len(choice.families) / 10
        return (0.8, 0.6 + 0.1 * better + 0.02 * (choice.growth == "larger"), 0.3)

    chosen = choose([-1, 2], evaluate, 2)
    assert chosen[-1] == Choice(("card's amounts",), "the handbook's", "larger")
    assert chosen[2] == Choice(("card's amounts",), "more", "larger")


def test_where_nothing_is_better_the_handbooks_own_and_the_usual_parameters_stay() -> None:
    usual = TrainParams(learning_rate=0.07)
    chosen = choose([0], lambda choice, week: PLAIN, 1)[0]
    assert chosen == Choice()
    assert chosen.params(usual) == usual
    assert [Choice(growth=name).params(usual) == usual for name in GROWTHS] == [True, False, False, False]


def test_no_figure_counts_for_more_because_it_is_larger() -> None:
    def evaluate(choice: Choice, week: int) -> Figures:
        if choice.families == ("card's amounts",):
            return (0.8, 0.6, 0.36)
        return (0.86, 0.6, 0.3) if choice.families == ("terminal's frauds",) else PLAIN

    assert choose([0], evaluate, 1)[0].families == ("card's amounts",)


def test_a_week_is_evaluated_by_what_the_other_week_taught() -> None:
    rows = transactions(cards=400)
    fold = next(handbook.folds(rows, range(1)))
    random = np.random.default_rng(3)
    features = pd.DataFrame(
        {feature.name: random.random(len(rows)) for feature in Choice().features()}, index=rows.index
    )
    features["claim_amount"] = rows["TX_FRAUD"] + 0.1 * random.random(len(rows))
    auc, _, _ = _evaluate(Weeks({0: fold}, {}, features), TrainParams(num_boost_round=20))(Choice(), 0)
    assert auc == pytest.approx(1.0, abs=0.05)


def test_the_page_shows_every_model_with_its_spread_and_every_choice() -> None:
    text = section(
        {"**Claimvet**": [(0.9, 0.7, 0.3), (0.8, 0.6, 0.3)]}, {0: Choice(), 1: Choice(("card's amounts",), "more")}
    )
    assert "| **Claimvet** | 0.850 ± 0.050 | 0.650 ± 0.050 | 0.300 ± 0.000 |" in text
    assert "| 1 | 15 | none | the handbook's | as they come |" in text
    assert "| 2 | 41 | card's amounts | more | as they come |" in text
