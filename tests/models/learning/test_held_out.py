"""The bound for denials is the strictest that findings ask for which the boosters did not see."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.models.learning.calibration_fit import Calibrated, fit_calibrations
from claimvet.models.learning.held_out import bounded, held_out
from claimvet.models.metrics.label_noise import MIN_ROWS
from claimvet.models.policy.guarantee import deny_threshold, findings_needed
from claimvet.models.policy.policy import Policy
from claimvet.models.scoring.calibration import Calibration

UNERRING = Policy(finding_error_share=0.0)
NEEDED = findings_needed(UNERRING.deny_alpha, UNERRING.deny_confidence)


def nothing_learned() -> Calibrated:
    """The calibration of a training with hardly a finding: raw scores stand."""
    few = MIN_ROWS - 1
    zeros = pd.DataFrame({"frivolous": np.zeros(few), "abusive": np.zeros(few)})
    return fit_calibrations(zeros, pd.Series(["valid"] * few), pd.Series(["expert"] * few))


def view(p_valid: np.ndarray, labels: str | list[str] = "valid", first: int = 0) -> pd.DataFrame:
    names = pd.Index([f"c{first + number}" for number in range(len(p_valid))], name="claim_id")
    return pd.DataFrame({"p_valid": p_valid, "label": labels, "decided_by": "expert"}, index=names)


def damages(*views: pd.DataFrame, claim_type: str = "property_damage") -> pd.DataFrame:
    names = views[0].index
    for each in views[1:]:
        names = names.append(each.index)
    return pd.DataFrame({"claim_type": claim_type}, index=names)


def test_log_odds_become_the_three_probabilities_of_the_pairs_own_calibration() -> None:
    findings = pd.DataFrame({"label": ["abusive"], "decided_by": ["appeal"]}, index=["c1"])
    raw = pd.DataFrame({"frivolous": [np.log(2.0)], "abusive": [np.log(5.0)]}, index=["c1"])
    learned = nothing_learned()
    shifted = Calibrated(learned.frivolous, Calibration("sigmoid", 1.0, 1.0, -np.log(5.0)), learned.fitted, {})
    answer = held_out(raw, shifted, findings).loc["c1"]
    assert [answer["p_valid"], answer["p_frivolous"], answer["p_abusive"]] == pytest.approx([0.25, 0.5, 0.25])
    assert (answer["label"], answer["decided_by"]) == ("abusive", "appeal")


@pytest.mark.slow
@given(st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_of_two_views_the_stricter_one_bounds(one: float, other: float) -> None:
    views = [view(np.linspace(low, 1.0, NEEDED + 40), first=1000 * place) for place, low in enumerate((one, other))]
    policy = bounded(UNERRING, damages(*views), views, nothing_learned())
    alone = [deny_threshold(each["p_valid"], each["label"] == "valid") for each in views]
    assert policy.deny_threshold == min(alone)


def test_a_view_with_too_few_valid_findings_guarantees_nothing_whatever_the_other_says() -> None:
    enough, few = view(np.linspace(0.2, 1.0, NEEDED)), view(np.linspace(0.2, 1.0, NEEDED - 1), first=1000)
    assert bounded(UNERRING, damages(enough, few), [enough], nothing_learned()).deny_threshold is not None
    assert bounded(UNERRING, damages(enough, few), [enough, few], nothing_learned()).deny_threshold is None


def test_injuries_say_nothing_about_the_bound_unless_a_machine_may_deny_them() -> None:
    hurt = view(np.linspace(0.2, 1.0, NEEDED))
    claims = damages(hurt, claim_type="personal_injury")
    assert bounded(UNERRING, claims, [hurt], nothing_learned()).deny_threshold is None
    harsh = Policy(finding_error_share=0.0, deny_personal_injury=True)
    assert bounded(harsh, claims, [hurt], nothing_learned()).deny_threshold == pytest.approx(0.2)
