"""The promise about wrong denials holds at its stated confidence, and is refused where it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.contract.errors import ModelError
from models.guarantee import deny_threshold, findings_needed, wrong_denial_bound


def scores(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """`n` findings: valid ones score high (Beta 5, 1), the others low (Beta 1, 5)."""
    valid = rng.random(n) < 0.6
    return np.where(valid, rng.beta(5, 1, n), rng.beta(1, 5, n)), valid


def test_at_most_alpha_of_new_valid_claims_are_denied_nine_times_in_ten() -> None:
    rng = np.random.default_rng(7)
    fresh = rng.beta(5, 1, 400_000)
    thresholds = [deny_threshold(*scores(rng, 2_000)) for _ in range(300)]
    shares = np.array([(fresh <= threshold).mean() for threshold in thresholds])
    assert (shares <= 0.01).mean() >= 0.87  # 0.9 less three standard errors of a share of 300, 0.05, would be 0.85
    assert shares.mean() > 0.004  # and it is of use: not simply zero


def test_the_threshold_still_catches_most_claims_without_merit() -> None:
    p, valid = scores(np.random.default_rng(1), 5_000)
    threshold = deny_threshold(p, valid)
    assert threshold is not None
    assert (p[~valid] <= threshold).mean() > 0.85


@given(st.integers(0, 2**32), st.integers(1, 600), st.floats(0.01, 0.2), st.integers(1, 4))
def test_no_more_findings_fall_below_it_than_the_bound_allows(seed: int, n: int, alpha: float, decimals: int) -> None:
    p = np.random.default_rng(seed).random(n).round(decimals)
    threshold = deny_threshold(p, np.ones(len(p), dtype=bool), alpha=alpha)
    if threshold is not None:
        denied = int((p <= threshold).sum())
        assert wrong_denial_bound(denied, len(p), 0.9) <= alpha
        assert threshold < 1


@given(st.integers(0, 229))
def test_too_few_valid_findings_promise_nothing(n: int) -> None:
    p = np.full(n + 500, 0.9)
    assert deny_threshold(p, np.arange(n + 500) < n) is None


def test_just_enough_findings_promise_something() -> None:
    assert findings_needed(0.01, 0.9) == 230
    assert deny_threshold(np.full(230, 0.9), np.ones(230, dtype=bool)) == pytest.approx(0.9)


def test_claims_without_merit_do_not_move_it() -> None:
    p, valid = scores(np.random.default_rng(2), 3_000)
    assert deny_threshold(p, valid) == deny_threshold(p[valid], valid[valid])


def test_a_stricter_promise_never_raises_it() -> None:
    p, valid = scores(np.random.default_rng(3), 4_000)
    by_alpha = [deny_threshold(p, valid, alpha=alpha) or 0.0 for alpha in (0.005, 0.01, 0.05)]
    by_confidence = [deny_threshold(p, valid, confidence=c) or 0.0 for c in (0.99, 0.9, 0.5)]
    assert by_alpha == sorted(by_alpha)
    assert by_confidence == sorted(by_confidence)


def test_valid_claims_with_score_zero_leave_nothing_to_deny() -> None:
    assert deny_threshold(np.zeros(500), np.ones(500, dtype=bool)) is None


def test_equal_weights_change_nothing_and_uneven_ones_make_it_careful() -> None:
    p, valid = scores(np.random.default_rng(4), 4_000)
    even = deny_threshold(p, valid, weights=np.full(4_000, 3.0))
    assert even == deny_threshold(p, valid)
    few_count = np.where(np.arange(4_000) < 40, 1_000.0, 1.0)
    assert deny_threshold(p, valid, weights=few_count) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.1, 0.2], [True]), "expected one length"),
        (([1.1], [True]), "p_valid holds values outside 0 to 1"),
        (([np.nan], [True]), "p_valid holds values outside 0 to 1"),
    ],
)
def test_arguments_that_are_no_findings_are_refused(arguments: tuple[list[float], list[bool]], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        deny_threshold(*arguments)


def test_weights_and_shares_that_are_none_are_refused() -> None:
    with pytest.raises(ModelError, match="weights hold values that are negative"):
        deny_threshold([0.1], [True], weights=[-1.0])
    with pytest.raises(ModelError, match=r"alpha is 0.0; expected a share"):
        deny_threshold([0.1], [True], alpha=0.0)
    with pytest.raises(ModelError, match=r"confidence is 1.0; expected a share"):
        deny_threshold([0.1], [True], confidence=1.0)
