"""Laws of the policy's money and of the parameters that training reads, and the guarantee's bound by another formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from claimvet.data.contract.errors import UsageError
from claimvet.models.parameters import BacktestParams, GateParams, SplitParams, TrainParams
from claimvet.models.policy.capacity import allocate_reviews
from claimvet.models.policy.guarantee import findings_needed, wrong_denial_bound
from claimvet.models.policy.policy import Policy

POLICY = Policy(deny_threshold=1.0)
SHARES = st.floats(0.01, 0.99)


def one_claim(p_valid: float, amount: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    rest = (1.0 - p_valid) / 2.0
    return (
        pd.DataFrame({"p_valid": [p_valid], "p_frivolous": [rest], "p_abusive": [rest]}),
        pd.DataFrame({"claim_type": ["property_damage"], "amount_claimed": [amount]}),
    )


@given(SHARES, st.floats(1.0, 5_000.0), st.floats(0.0, 500.0), st.floats(0.0, 500.0))
def test_more_harm_of_a_wrong_denial_never_makes_a_denial_cheaper_nor_moves_the_price_of_paying(
    p_valid: float, amount: float, harm: float, more: float
) -> None:
    mild, harsh = (
        replace(POLICY, wrong_denial_usd=usd).costs(*one_claim(p_valid, amount)).iloc[0] for usd in (harm, harm + more)
    )
    assert harsh["deny"] >= mild["deny"]
    assert harsh["pay_concession"] == mild["pay_concession"]
    assert harsh["present_to_seller"] == mild["present_to_seller"]


@given(SHARES, SHARES, st.floats(1.0, 5_000.0))
def test_the_more_likely_valid_the_dearer_a_denial(one: float, other: float, amount: float) -> None:
    low, high = sorted((one, other))
    cheap, dear = (
        POLICY.realised_costs(*one_claim(p, amount), pd.Series(["valid"]))["deny"].iloc[0] for p in (low, high)
    )
    assert cheap == dear  # what a denial costs a valid claim does not hang on what was believed
    expected = [p * cheap + (1.0 - p) * POLICY.denial_usd for p in (low, high)]
    assert expected[0] <= expected[1] + 1e-9


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=9, unique=True), st.integers(0, 4))
def test_no_other_choice_of_as_many_reviews_saves_more_than_a_days(savings: list[int], experts: int) -> None:
    names = pd.Series([f"c{number}" for number in range(len(savings))])
    options = pd.DataFrame(
        {
            "disposition": "refer_to_expert",
            "otherwise": "request_evidence",
            "expert_saving_usd": np.array(savings, float),
        }
    )
    policy = Policy(expert_reviews_per_day=experts, audit_share=0.0)
    shared = allocate_reviews(options, names, pd.Series(["2026-01-01"] * len(names)), policy)
    saved = options["expert_saving_usd"][(shared["disposition"] == "refer_to_expert").to_numpy()].sum()
    assert saved == max(sum(chosen) for chosen in combinations(savings, min(experts, len(savings))))


@given(st.integers(0, 40), st.integers(50, 900), st.floats(0.5, 0.99))
def test_at_the_bound_so_few_denials_are_as_unlikely_as_the_confidence_leaves(
    denied: int, valid: int, confidence: float
) -> None:
    """Clopper and Pearson by the binomial law itself: P(at most `denied` of `valid` | bound) = 1 - confidence."""
    bound = wrong_denial_bound(denied, valid, confidence)
    assert binom.cdf(denied, valid, bound) == pytest.approx(1.0 - confidence, abs=1e-9)


@given(st.floats(0.002, 0.2), st.floats(0.5, 0.99))
def test_the_fewest_findings_that_can_guarantee_are_exactly_so_many(alpha: float, confidence: float) -> None:
    needed = findings_needed(alpha, confidence)
    assert (1.0 - alpha) ** needed <= (1.0 - confidence) * (1 + 1e-9)
    assert (1.0 - alpha) ** (needed - 1) > (1.0 - confidence) * (1 - 1e-9)


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: TrainParams(num_leaves=0), r"train\.num_leaves is 0, expected at least 1"),
    (lambda: TrainParams(unchecked_weight=-1.0), r"train\.unchecked_weight is -1\.0, expected 0 to 100"),
    (lambda: TrainParams(learning_rate=0.0), r"TrainParams\.learning_rate is 0\.0, expected more than 0 and at most 1"),
    (lambda: SplitParams(bound_share=0.6, test_share=0.35), r"leaves less than a tenth of the findings to train on"),
    (lambda: GateParams(min_findings=0), r"gate\.min_findings is 0, expected at least 1"),
    (lambda: BacktestParams(retrain_days=0), r"backtest\.retrain_days is 0, expected at least 1"),
]


@pytest.mark.parametrize(("made", "sentence"), REFUSED)
def test_a_parameter_out_of_range_is_refused_by_name_value_and_range(made: Callable[[], object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        made()
