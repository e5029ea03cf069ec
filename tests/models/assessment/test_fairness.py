"""False positive rate by group is counted on valid claims alone, with intervals that cover, and a ratio that a gate can hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from claimvet.models.assessment.fairness import (
    COLUMNS,
    SMALLEST_GROUP,
    fairness_check,
    fairness_table,
    ratio_of,
)
from claimvet.models.metrics.intervals import proportion_interval
from claimvet.models.parameters import GateParams


def evaluated(count: int = 800, suspected_in_north: float = 0.1) -> pd.DataFrame:
    """Valid and frivolous claims of two regions; valid ones are suspected one time in ten, in the north as often as said."""
    rng = np.random.default_rng(4)
    north = rng.random(count) < 0.4
    suspected = rng.random(count) < np.where(north, suspected_in_north, 0.1)
    p_valid = np.where(suspected, 0.2, 0.9)
    return pd.DataFrame(
        {
            "label": np.where(rng.random(count) < 0.7, "valid", "frivolous"),
            "p_valid": p_valid,
            "p_frivolous": (1 - p_valid) * 0.6,
            "p_abusive": (1 - p_valid) * 0.4,
            "disposition": np.where(suspected, "request_evidence", "pay_concession"),
            "claim_type": "property_damage",
            "category_id": rng.choice(["toys", "chairs"], count),
            "customer_account_age_days": rng.choice([20.0, 200.0, 900.0, np.nan], count),
            "seller_orders_count": rng.choice([3.0, 500.0], count),
            "group_region": np.where(north, "north", "south"),
        }
    )


def test_counts_and_shares_by_hand() -> None:
    frame = evaluated()
    valid = frame[frame["label"] == "valid"]
    table = fairness_table(frame)
    north = table.set_index("group").loc["north"]
    here = valid["group_region"] == "north"
    share = float((valid.loc[here, "p_valid"] < 0.5).mean())
    assert list(table.columns) == list(COLUMNS)
    assert (north["valid"], north["suspected"]) == (here.sum(), (valid.loc[here, "p_valid"] < 0.5).sum())
    assert north["rate"] == north["held_up"] == pytest.approx(share)
    assert north["low"] < share < north["high"]
    others = float((valid.loc[~here, "p_valid"] < 0.5).mean())
    assert north["ratio"] == pytest.approx((1 - share) / (1 - others))
    assert set(table["grouping"]) == {"claim type", "category", "account age", "seller", "group_region"}
    assert set(table.loc[table["grouping"] == "account age", "group"]) == {
        "under 90 days",
        "90 days to a year",
        "over a year",
    }


def test_every_group_column_of_the_users_is_there_and_small_groups_are_not() -> None:
    frame = evaluated().assign(
        group_language=["rare"] * (SMALLEST_GROUP // 2) + ["usual"] * (800 - SMALLEST_GROUP // 2)
    )
    groups = fairness_table(frame).query("grouping == 'group_language'")["group"].tolist()
    assert groups == ["usual"]


def test_a_group_that_is_believed_significantly_less_fails_and_chance_does_not() -> None:
    params = GateParams()
    assert fairness_check(evaluated(), params).passed
    check = fairness_check(evaluated(suspected_in_north=0.5), params)
    assert not check.passed
    assert check.name == "valid claims believed, group_region north against the others"
    assert check.figure < 0.7


def test_nothing_to_tell_is_said_so_and_passes() -> None:
    check = fairness_check(evaluated().assign(label="frivolous"), GateParams())
    assert check.passed
    assert "too few to tell" in check.bound


def test_wilsons_interval_covers_the_share_as_often_as_it_says() -> None:
    rng = np.random.default_rng(8)
    found = [proportion_interval(int(count), 60, 0.95, "wilson") for count in rng.binomial(60, 0.08, 1000)]
    assert np.mean([low <= 0.08 <= high for low, high in found]) == pytest.approx(0.95, abs=0.025)


def test_the_interval_of_a_ratio_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    drawn = zip(rng.binomial(80, 0.6, 1000), rng.binomial(200, 0.75, 1000), strict=True)
    found = [ratio_of(int(inside), 80, int(outside), 200, 0.95) for inside, outside in drawn]
    assert np.mean([low <= 0.8 <= high for _, low, high in found]) == pytest.approx(0.95, abs=0.025)


@pytest.mark.parametrize(("outside", "significantly_less"), [(700, True), (1, False)])
def test_a_group_of_which_nobody_is_believed_is_significantly_less_only_where_others_often_are(
    outside: int, significantly_less: bool
) -> None:
    ratio, low, high = ratio_of(0, 40, outside, 1000, 0.95)
    assert (ratio, low) == (0.0, 0.0)
    assert (high < 0.8) == significantly_less
    assert np.isnan(ratio_of(3, 40, 0, 1000, 0.95)).all()
    assert np.isnan(ratio_of(3, 40, 5, SMALLEST_GROUP - 1, 0.95)).all()


def test_a_ratio_and_its_reciprocal_have_reciprocal_intervals() -> None:
    ratio, low, high = ratio_of(30, 60, 80, 100, 0.9)
    back, back_low, back_high = ratio_of(80, 100, 30, 60, 0.9)
    assert (back, back_low, back_high) == pytest.approx((1 / ratio, 1 / high, 1 / low))
