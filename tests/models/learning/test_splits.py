"""Laws of the split in time, on easy and on odd data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.data.contract.errors import UsageError
from claimvet.models.learning.splits import TimeSplit, time_split
from claimvet.models.parameters import SplitParams
from tests.examples import examples

pytestmark = pytest.mark.slow

START = pd.Timestamp("2026-01-01", tz="UTC")
PARAMS = SplitParams(min_findings=10)


def world(filed_days: np.ndarray, delays: np.ndarray, decider: str = "expert") -> tuple[pd.Series, pd.DataFrame]:
    """Filing times by claim, and one finding for each claim, `delays` days later."""
    names = pd.Index([f"c{number:05}" for number in range(len(filed_days))], name="claim_id")
    filed = pd.Series(START + pd.to_timedelta(filed_days, unit="D"), index=names)
    found = pd.DataFrame({"claim_id": names, "outcome_id": names, "label": "valid", "decided_by": decider})
    return filed, found.assign(decided_at=(filed + pd.to_timedelta(delays, unit="D")).to_numpy()).astype(
        {"decided_at": filed.dtype}
    )


def split_of(claims: int, seed: int, delay: float) -> TimeSplit:
    random = np.random.default_rng(seed)
    return time_split(*world(random.uniform(0, 400, claims), random.exponential(delay, claims)), PARAMS)


@settings(max_examples=examples(25))
@given(st.integers(100, 400), st.integers(0, 1000), st.floats(0.1, 60))
def test_nothing_trains_or_bounds_that_was_not_known_when_the_next_slice_began(
    claims: int, seed: int, delay: float
) -> None:
    split = split_of(claims, seed, delay)
    if "filed" not in split.note:
        assert (split.train["decided_at"] <= split.bound_from).all()
        assert (split.before_test["decided_at"] <= split.test_from).all()
        assert (split.bound["decided_at"] <= split.test_from).all()


@settings(max_examples=examples(25))
@given(st.integers(20, 400), st.integers(0, 1000), st.floats(0.1, 600))
def test_slices_follow_one_another_in_filing_time_and_share_no_claim(claims: int, seed: int, delay: float) -> None:
    split = split_of(claims, seed, delay)
    if len(split.bound):
        assert split.train["filed_at"].max() < split.bound["filed_at"].min()
    if len(split.test):
        assert split.before_test["filed_at"].max() < split.test["filed_at"].min()
    assert not set(split.before_test.index) & set(split.test.index)
    assert not set(split.train.index) & set(split.bound.index)
    assert set(split.train.index) | set(split.test.index) <= set(split.everything.index)


def test_a_later_slice_ends_one_measured_delay_before_its_labels_do() -> None:
    split = time_split(*world(np.arange(300.0), np.full(300, 12.0)), PARAMS)
    assert split.gap == pd.Timedelta(days=12)
    assert split.test["filed_at"].max() <= split.known_until - split.gap
    assert split.bound["filed_at"].max() <= split.test_from - split.gap


def test_a_claim_trains_with_the_label_of_its_day_and_not_with_the_appeal_that_came_later() -> None:
    filed, found = world(np.arange(300.0), np.full(300, 1.0))
    appeal = found.iloc[[0]].assign(
        outcome_id="z", label="abusive", decided_by="appeal", decided_at=START + pd.Timedelta(days=299)
    )
    split = time_split(filed, pd.concat([found, appeal]), PARAMS)
    assert split.train.loc["c00000", "label"] == "valid"
    assert split.everything.loc["c00000", "label"] == "abusive"


def test_findings_that_were_all_decided_on_one_day_are_split_by_filing() -> None:
    days = np.arange(300.0)
    split = time_split(*world(days, 400 - days), PARAMS)
    assert "split by when they were filed" in split.note
    assert len(split.train) > 150
    assert len(split.test) >= 50


@pytest.mark.parametrize(("claims", "days"), [(5, 50.0), (200, 0.0)])
def test_too_few_findings_or_one_filing_time_train_and_evaluate_nothing(claims: int, days: float) -> None:
    split = time_split(*world(np.linspace(0, days, claims), np.full(claims, 1.0)), PARAMS)
    assert len(split.train) == len(split.everything) == claims
    assert split.test.empty
    assert split.bound.empty
    assert "cannot be split by time" in split.note


def test_a_thin_slice_is_left_empty_and_said_so() -> None:
    split = time_split(*world(np.arange(60.0), np.full(60, 2.0)), SplitParams(bound_share=0.05, min_findings=10))
    assert split.bound.empty
    assert "could set the bound of denials, fewer than 10" in split.note


def test_assumptions_are_in_no_slice() -> None:
    filed, found = world(np.arange(300.0), np.full(300, 1.0))
    found.loc[::3, "decided_by"] = "concession"
    assert len(time_split(filed, found, PARAMS).everything) == 200


@pytest.mark.parametrize(
    "wrong", [{"test_share": 0.0}, {"delay_quantile": 1.5}, {"bound_share": 0.5, "test_share": 0.45}]
)
def test_shares_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"SplitParams"):
        SplitParams(**wrong)  # type: ignore[arg-type]


SLICES = ("early_train", "early_bound", "train", "bound", "before_test", "test", "everything")


def with_one_row_more(
    filed: pd.Series, outcomes: pd.DataFrame, filed_day: float, decided_day: float
) -> tuple[pd.Series, pd.DataFrame]:
    """One claim more, filed and decided so many days after the start."""
    times = [(START + pd.Timedelta(days=day)).floor("us").as_unit("us") for day in (filed_day, decided_day)]
    more = outcomes.iloc[:1].assign(claim_id="odd", outcome_id="odd", decided_at=times[1])
    return (
        pd.concat([filed, pd.Series([times[0]], index=pd.Index(["odd"], name="claim_id"))]).astype(filed.dtype),
        pd.concat([outcomes, more.astype(outcomes.dtypes)], ignore_index=True),
    )


def others(split: TimeSplit, name: str) -> set[str]:
    return set(getattr(split, name).index) - {"odd"}


ODD = st.sampled_from(
    [(5.0, 65_000.0), (300.0, 65_000.0), (64_999.0, 65_000.0), (-40_000.0, -39_990.0), (200.0, 201.0)]
)


def earlier(times: pd.Series, moment: object) -> int:
    return int((times < moment).sum())


@settings(max_examples=examples(25))
@given(st.integers(120, 600), st.integers(0, 1000), st.floats(1.0, 40.0), ODD)
def test_one_row_more_moves_each_start_by_one_claim_and_the_end_by_one_outcome_at_most(
    claims: int, seed: int, delay: float, odd: tuple[float, float]
) -> None:
    random = np.random.default_rng(seed)
    filed, outcomes = world(random.uniform(0, 400, claims), random.exponential(delay, claims))
    plain, moved = time_split(filed, outcomes, PARAMS), time_split(*with_one_row_more(filed, outcomes, *odd), PARAMS)
    rows = plain.everything
    for one, other, times in (
        (plain.bound_from, moved.bound_from, rows["filed_at"]),
        (plain.test_from, moved.test_from, rows["filed_at"]),
        (plain.known_until, moved.known_until, rows["decided_at"]),
    ):
        assert abs(earlier(times, one) - earlier(times, other)) <= 1
    delays = rows["decided_at"] - rows["filed_at"]
    is_limited = any(
        2 * split.gap + pd.Timedelta(2, "ns")
        >= min(split.test_from - split.bound_from, split.known_until - split.test_from)
        for split in (plain, moved)
    )
    assert is_limited or abs(earlier(delays, plain.gap) - earlier(delays, moved.gap)) <= 1
    expected = rows[(rows["filed_at"] >= moved.test_from) & (rows["filed_at"] <= moved.known_until - moved.gap)]
    assert others(moved, "test") == set(expected.index), "a slice is what its start, the gap and the end say"


ROWS_MOVED = {"everything": 0, "train": 3, "before_test": 3, "bound": 4, "test": 4, "early_train": 6, "early_bound": 6}
"""Claims that come into a slice or leave it, at most, where claims are filed at an even pace.

Its start moves by one claim. What is within one delay of a start, or was known then, moves with it: by the claims that were filed, or
decided, between the old start and the new one. The early bound begins at a rank of what was known, so both add up.
"""


@settings(max_examples=examples(25))
@given(st.integers(250, 600), st.integers(0, 1000), st.floats(1.0, 40.0), ODD)
def test_one_row_more_moves_a_handful_of_claims_between_slices(
    claims: int, seed: int, delay: float, odd: tuple[float, float]
) -> None:
    random = np.random.default_rng(seed)
    days = (np.arange(claims) + random.uniform(0, 0.9, claims)) * 400 / claims
    filed, outcomes = world(days, np.full(claims, delay))
    plain, moved = time_split(filed, outcomes, PARAMS), time_split(*with_one_row_more(filed, outcomes, *odd), PARAMS)
    assert plain.note == moved.note
    for name in SLICES:
        differ = others(plain, name) ^ others(moved, name)
        assert len(differ) <= ROWS_MOVED[name], (name, sorted(differ))


@settings(max_examples=examples(25))
@given(st.integers(120, 600), st.integers(0, 1000), st.floats(1.0, 40.0))
def test_how_far_off_one_outcome_is_changes_no_slice(claims: int, seed: int, delay: float) -> None:
    random = np.random.default_rng(seed)
    days, delays = random.uniform(0, 400, claims), random.exponential(delay, claims)
    filed, outcomes = world(days, delays)
    last = float((days + delays).max())
    near, far = (
        time_split(*with_one_row_more(filed, outcomes, 200.0, last + more), PARAMS) for more in (1.0, 65_000.0)
    )
    for name in SLICES:
        assert list(getattr(near, name).index) == list(getattr(far, name).index)
    assert (near.known_until, near.gap) == (far.known_until, far.gap)
