"""What the gate and the backtest count as denied, counted one by one, and judged by the binomial law itself."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from claimvet.models.assessment.denials import Denials, count_denials
from claimvet.models.metrics.label_noise import PRIOR_ERROR_RATE
from claimvet.models.policy.policy import DISPOSITIONS, Policy

CLAIMS = st.lists(
    st.tuples(
        st.sampled_from(["valid", "frivolous", "abusive"]),
        st.sampled_from(["property_damage", "personal_injury"]),
        st.sampled_from(["expert", "seller_defense", "appeal"]),
        st.sampled_from(DISPOSITIONS),
    ),
    max_size=30,
)


@given(CLAIMS, st.booleans(), st.sampled_from([0.0, 0.02, 1.0]))
def test_every_denial_is_counted_once_and_where_it_belongs(
    claims: list[tuple[str, str, str, str]], may_deny_injuries: bool, at_most: float
) -> None:
    policy = Policy(deny_personal_injury=may_deny_injuries, finding_error_share=at_most)
    rates = {"expert": 0.01, "seller_defense": 0.3}
    valid = denied = merit = merit_denied = injuries = injuries_denied = 0
    mistaken = 0.0
    for label, kind, decider, disposition in claims:
        refused, hurt = disposition == "deny", kind == "personal_injury"
        injuries += hurt
        injuries_denied += hurt and refused
        if hurt and not may_deny_injuries:
            continue
        mistaken += min(rates.get(decider, PRIOR_ERROR_RATE), at_most) if refused else 0.0
        valid, denied = valid + (label == "valid"), denied + (label == "valid" and refused)
        merit, merit_denied = merit + (label != "valid"), merit_denied + (label != "valid" and refused)
    frame = pd.DataFrame(claims, columns=["label", "claim_type", "decided_by", "disposition"]).astype("str")
    found = count_denials(frame, frame["disposition"], policy, rates)
    assert abs(found.mistaken - mistaken) < 1e-9
    expected = (valid, denied, merit, merit_denied, injuries, injuries_denied)
    assert (
        found.valid,
        found.denied,
        found.without_merit,
        found.without_merit_denied,
        found.injuries,
        found.injuries_denied,
    ) == expected


@given(st.integers(1, 400), st.data(), st.sampled_from([0.005, 0.01, 0.05]), st.sampled_from([0.8, 0.9, 0.95]))
def test_a_guarantee_is_violated_where_so_many_denials_are_less_likely_than_the_confidence_leaves(
    valid: int, data: st.DataObject, alpha: float, confidence: float
) -> None:
    denied = data.draw(st.integers(0, min(valid, 20)))
    as_many_or_more = binom.sf(denied - 1, valid, alpha)
    found = Denials(valid, denied, 0.0, 0, 0, 0, 0)
    if abs(as_many_or_more - (1.0 - confidence)) > 1e-9:
        assert found.violates(alpha, confidence) == (as_many_or_more < 1.0 - confidence)


def test_mistaken_findings_are_counted_off_down_to_none() -> None:
    assert Denials(100, 5, 2.5, 0, 0, 0, 0).share == 0.025
    assert Denials(100, 5, 7.0, 0, 0, 0, 0).share == 0.0
    assert not Denials(100, 5, 7.0, 0, 0, 0, 0).violates(0.001, 0.9)
    assert Denials(0, 0, 0.0, 9, 9, 0, 0).share == 0.0
