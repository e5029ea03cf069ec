"""Which outcome of a claim counts, and when."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.data.contract.tables import DECIDERS, FINDINGS, LABELS
from claimvet.models.learning.labels import latest_findings, latest_outcomes

DAY = pd.Timestamp("2026-03-01", tz="UTC")
LATE = DAY + pd.Timedelta(days=1000)


def outcomes(*rows: tuple[str, str, str, str, int]) -> pd.DataFrame:
    """Rows of outcome_id, claim_id, label, decided_by, days after `DAY`."""
    frame = pd.DataFrame(rows, columns=["outcome_id", "claim_id", "label", "decided_by", "day"])
    return frame.assign(decided_at=DAY + pd.to_timedelta(frame["day"], unit="D"))


def test_an_appeal_overturns_what_was_found_before_it_but_not_before_it_is_known() -> None:
    table = outcomes(("o1", "c1", "abusive", "expert", 10), ("o2", "c1", "valid", "appeal", 40))
    assert latest_outcomes(table, DAY + pd.Timedelta(days=39))["label"].tolist() == ["abusive"]
    assert latest_outcomes(table, DAY + pd.Timedelta(days=40))["label"].tolist() == ["valid"]


def test_an_outcome_counts_at_the_instant_it_is_decided_and_not_a_microsecond_before() -> None:
    table = outcomes(("o1", "c1", "valid", "expert", 10))
    decided = DAY + pd.Timedelta(days=10)
    assert len(latest_outcomes(table, decided)) == 1
    assert latest_outcomes(table, decided - pd.Timedelta(microseconds=1)).empty


def test_of_two_outcomes_at_one_instant_the_greater_outcome_id_counts() -> None:
    table = outcomes(("o2", "c1", "frivolous", "expert", 10), ("o1", "c1", "valid", "appeal", 10))
    assert latest_outcomes(table, LATE)["label"].tolist() == ["frivolous"]


@pytest.mark.parametrize("decider", DECIDERS)
def test_only_a_concession_is_an_assumption(decider: str) -> None:
    table = outcomes(("o1", "c1", "valid", decider, 1))
    assert latest_outcomes(table, LATE)["is_finding"].tolist() == [decider in FINDINGS]
    assert len(latest_findings(table, LATE)) == (decider != "concession")


def test_a_claim_paid_unseen_and_found_abusive_later_is_a_finding() -> None:
    table = outcomes(("o1", "c1", "valid", "concession", 1), ("o2", "c1", "abusive", "investigator", 30))
    assert latest_findings(table, LATE)["label"].tolist() == ["abusive"]
    assert latest_findings(table, DAY + pd.Timedelta(days=5)).empty


row = st.tuples(
    st.sampled_from(["c1", "c2", "c3"]), st.sampled_from(LABELS), st.sampled_from(DECIDERS), st.integers(0, 5)
)


@pytest.mark.slow
@given(st.lists(row, min_size=1, max_size=12), st.integers(0, 5))
def test_what_is_decided_after_the_cut_changes_nothing(rows: list[tuple[str, str, str, int]], cut: int) -> None:
    table = outcomes(*[(f"o{number:02}", *rest) for number, rest in enumerate(rows)])
    known_by = DAY + pd.Timedelta(days=cut)
    pd.testing.assert_frame_equal(
        latest_outcomes(table, known_by), latest_outcomes(table[table["decided_at"] <= known_by], LATE)
    )


@pytest.mark.slow
@given(st.lists(row, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(rows: list[tuple[str, str, str, int]], random: object) -> None:
    table = outcomes(*[(f"o{number:02}", *rest) for number, rest in enumerate(rows)])
    shuffled = table.sample(frac=1.0, random_state=random.randint(0, 99))  # type: ignore[attr-defined]
    pd.testing.assert_frame_equal(latest_outcomes(table, LATE), latest_outcomes(shuffled, LATE))
