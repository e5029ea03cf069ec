"""A label counts from when it was known: nothing that was decided later reaches what is grown, calibrated or bounded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.tables import DECIDERS, FINDINGS, LABELS
from claimvet.data.marketplace import generate
from claimvet.features.batch.build import build_features
from claimvet.features.catalogue.features import BY_NAME
from claimvet.models.learning.splits import TimeSplit, time_split
from claimvet.models.learning.training import Training, train_model
from claimvet.models.learning.training_data import TrainingData
from claimvet.models.parameters import SplitParams
from claimvet.pipeline.stages.backtest import as_known
from claimvet.pipeline.stages.history import known_by
from claimvet.pipeline.stages.train import read_training_data
from tests.examples import examples
from tests.models.small_world import POLICY, QUICK, SPLIT, small_world

START = pd.Timestamp("2026-01-01", tz="UTC")
PARAMS = SplitParams(min_findings=10)
NAMES = ("claim_amount", "claim_type", "claim_evidence_count", "customer_abusive_outcomes_count_365d")
FEW = [BY_NAME[name] for name in NAMES]


def world(claims: int, seed: int, delay: float) -> tuple[pd.Series, pd.DataFrame]:
    """Claims with one to four outcomes each, of any label and decider: appeals, contradictions, concessions before and after."""
    random = np.random.default_rng(seed)
    names = pd.Index([f"c{number:04}" for number in range(claims)], name="claim_id")
    filed = pd.Series(START + pd.to_timedelta(np.sort(random.uniform(0, 300, claims)).round(2), unit="D"), index=names)
    of = np.repeat(np.arange(claims), random.integers(1, 5, claims))
    waited = pd.to_timedelta(random.exponential(delay, len(of)).round(0), unit="D")  # whole days, so that some coincide
    outcomes = pd.DataFrame(
        {
            "outcome_id": [f"o{number:05}" for number in random.permutation(len(of))],
            "claim_id": names[of],
            "label": random.choice(LABELS, len(of)),
            "decided_by": random.choice(DECIDERS, len(of)),
            "decided_at": filed.iloc[of].reset_index(drop=True) + waited,
        }
    )
    return filed, outcomes.astype({"decided_at": filed.dtype})


def known_then(outcomes: pd.DataFrame, moment: pd.Timestamp) -> dict[str, tuple[str, str, pd.Timestamp]]:
    """By claim what was found at `moment`, in plain loops: the last decision until then, where somebody looked."""
    latest: dict[str, tuple[pd.Timestamp, str, str, str]] = {}
    for row in outcomes.itertuples():
        if row.decided_at > moment:
            continue
        mine = (row.decided_at, row.outcome_id, row.label, row.decided_by)
        if row.claim_id not in latest or mine[:2] > latest[row.claim_id][:2]:
            latest[row.claim_id] = mine
    return {claim: (label, who, at) for claim, (at, _, label, who) in latest.items() if who in FINDINGS}


def as_dict(findings: pd.DataFrame) -> dict[str, tuple[str, str, pd.Timestamp]]:
    return {str(row.Index): (row.label, row.decided_by, row.decided_at) for row in findings.itertuples()}


def parted(drawn: tuple[int, int, float]) -> tuple[pd.Series, pd.DataFrame, TimeSplit]:
    """A world and its three slices; worlds whose outcomes come too late for three are passed over."""
    filed, outcomes = world(*drawn)
    split = time_split(filed, outcomes, PARAMS)
    assume(not split.note)
    return filed, outcomes, split


worlds = st.tuples(st.integers(80, 250), st.integers(0, 500), st.floats(1.0, 40.0))


@settings(max_examples=examples(8))
@given(worlds)
def test_each_slice_holds_what_was_known_at_its_cut_by_plain_loops(drawn: tuple[int, int, float]) -> None:
    filed, outcomes, split = parted(drawn)
    early, late, everything = (
        known_then(outcomes, moment) for moment in (split.bound_from, split.test_from, outcomes["decided_at"].max())
    )
    before = {claim: found for claim, found in late.items() if filed[claim] < split.test_from}
    ends = split.test_from - split.gap
    held = {claim: found for claim, found in before.items() if split.bound_from <= filed[claim] <= ends}
    ends = split.known_until - split.gap
    evaluated = {claim: found for claim, found in everything.items() if split.test_from <= filed[claim] <= ends}
    assert as_dict(split.train) == early
    assert as_dict(split.before_test) == before
    assert as_dict(split.bound) == held
    assert as_dict(split.test) == evaluated
    assert as_dict(split.everything) == everything


@settings(max_examples=examples(8))
@given(worlds)
def test_the_gap_is_the_measured_delay_or_half_of_the_shorter_later_slice(drawn: tuple[int, int, float]) -> None:
    filed, outcomes, split = parted(drawn)
    delays = sorted(
        at - filed[claim] for claim, (_, _, at) in known_then(outcomes, outcomes["decided_at"].max()).items()
    )
    measured = delays[int(PARAMS.delay_quantile * (len(delays) - 1))]
    room = min(split.test_from - split.bound_from, split.known_until - split.test_from) / 2
    assert split.gap == min(measured, room)


def overturned(outcomes: pd.DataFrame, after: pd.Timestamp) -> pd.DataFrame:
    """The same outcomes, but whatever is decided after a moment says something else."""
    other = dict(zip(LABELS, (*LABELS[1:], LABELS[0]), strict=True))
    return outcomes.assign(label=outcomes["label"].where(outcomes["decided_at"] <= after, outcomes["label"].map(other)))


def with_appeals(outcomes: pd.DataFrame, claims: pd.Index, at: pd.Timestamp) -> pd.DataFrame:
    """An appeal at `at` finds each of these claims abusive."""
    appeals = pd.DataFrame({"outcome_id": [f"z{claim}" for claim in claims], "claim_id": claims, "label": "abusive"})
    appeals = appeals.assign(decided_by="appeal", decided_at=at).astype({"decided_at": outcomes["decided_at"].dtype})
    return pd.concat([outcomes, appeals], ignore_index=True)


def same(one: TimeSplit, other: TimeSplit, *slices: str) -> None:
    for name in slices:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))


@pytest.mark.slow
@settings(max_examples=examples(8))
@given(worlds)
def test_an_appeal_after_a_cut_is_not_seen_before_it(drawn: tuple[int, int, float]) -> None:
    filed, outcomes, split = parted(drawn)
    same(split, time_split(filed, overturned(outcomes, split.test_from), PARAMS), "train", "bound", "before_test")
    same(split, time_split(filed, overturned(outcomes, split.bound_from), PARAMS), "train")
    appealed = split.everything.index[split.everything["decided_at"] <= split.test_from]
    told = time_split(filed, with_appeals(outcomes, appealed, split.known_until), PARAMS)
    assert told.test_from == split.test_from
    same(split, told, "train", "before_test")
    assert (told.everything.loc[appealed, "label"] == "abusive").all()


@settings(max_examples=examples(8))
@given(worlds)
def test_an_appeal_at_the_very_instant_of_the_cut_is_seen(drawn: tuple[int, int, float]) -> None:
    filed, outcomes, split = parted(drawn)
    told = time_split(filed, with_appeals(outcomes, split.train.index, split.bound_from), PARAMS)
    assert told.bound_from == split.bound_from
    assert (told.train["label"] == "abusive").all()


SHARES = [f"p_{label}" for label in LABELS]
QUICKER = replace(QUICK, num_boost_round=6, unchecked_per_finding=0.0)


@pytest.fixture(scope="module")
def late() -> TrainingData:
    return small_world(420, seed=8)


@pytest.fixture(scope="module")
def first(late: TrainingData) -> Training:
    return train_model(late, SPLIT, QUICKER, POLICY)


def test_evaluated_answers_hang_on_nothing_that_was_decided_after_the_test_slice_began(
    late: TrainingData, first: Training
) -> None:
    assert (late.outcomes["decided_at"] > first.split.test_from).mean() > 0.1
    told = replace(late, outcomes=overturned(late.outcomes, first.split.test_from))
    again = train_model(told, SPLIT, QUICKER, POLICY)
    pd.testing.assert_frame_equal(again.evaluated[SHARES], first.evaluated[SHARES], check_exact=True)
    assert again.evaluated_policy == first.evaluated_policy
    assert (again.evaluated["label"] != first.evaluated["label"]).all()
    assert again.model.version != first.model.version


def test_what_was_decided_before_the_cut_does_teach(late: TrainingData, first: Training) -> None:
    earlier = overturned(late.outcomes, first.split.bound_from - pd.Timedelta(days=60))
    again = train_model(replace(late, outcomes=earlier), SPLIT, QUICKER, POLICY)
    assert (again.evaluated["p_valid"] != first.evaluated["p_valid"]).mean() > 0.9


@pytest.mark.slow
def test_a_backtest_reads_at_a_cut_what_training_would_have_read_on_that_day(tmp_path: Path) -> None:
    """Cut back tables and cut back training data are the same, appeals, late findings and claims paid unseen among them."""
    generate(tmp_path / "market", 500, 11)
    whole = DataSet.open(tmp_path / "market")
    outcomes = pd.read_parquet(tmp_path / "market" / "outcomes.parquet")
    paid = outcomes[outcomes["decided_by"] == "concession"].sort_values("decided_at").iloc[:40]
    found = paid.assign(outcome_id="z" + paid["outcome_id"], label="abusive", decided_by="investigator")
    found["decided_at"] = outcomes["decided_at"].max()  # what was paid unseen is looked at long after
    pd.concat([outcomes, found]).to_parquet(tmp_path / "market" / "outcomes.parquet")
    moment = outcomes["decided_at"].quantile(0.6).floor("s")
    then = known_by(whole, moment.to_pydatetime(), tmp_path / "then")
    answers = []
    for data_set in (whole, then):
        features = tmp_path / f"{data_set.folder.name}.parquet"
        build_features(data_set, features, features=FEW)
        answers.append(read_training_data(data_set, features))
    cut, read = as_known(answers[0], moment), answers[1]
    pd.testing.assert_frame_equal(cut.outcomes.reset_index(drop=True), read.outcomes)
    looked_at = read.outcomes["claim_id"].unique()
    pd.testing.assert_frame_equal(cut.features.loc[looked_at], read.features.loc[looked_at])
    assert set(paid["claim_id"]) & set(cut.features.index)
    assert not set(paid["claim_id"]) & set(cut.outcomes["claim_id"])
