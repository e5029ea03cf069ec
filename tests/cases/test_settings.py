"""Figures of cases, and money in cents."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.cases.money import cents, usd
from claimvet.cases.settings import DAY, HOUR, MINUTE, CaseSettings
from claimvet.data.contract.errors import UsageError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"golden_share": 1.01}, "cases.golden_share is 1.01; expected a share between 0 and 1"),
        ({"seller_days": -1.0}, "cases.seller_days is -1.0; expected a finite figure of 0 or more"),
        ({"review_days": float("nan")}, "cases.review_days is nan"),
        ({"codes": ("mine",)}, "cases.codes lacks other"),
    ],
)
def test_a_figure_out_of_its_range_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        CaseSettings(**changes)


def test_periods_are_whole_microseconds() -> None:
    settings = CaseSettings()
    assert settings.period("appeal_days") == 183 * DAY
    assert settings.period("report_hours") == 24 * HOUR
    assert settings.period("revise_minutes") == 15 * MINUTE


@given(st.integers(0, 99_999_999_999))
def test_every_amount_to_the_cent_survives(amount: int) -> None:
    assert cents(usd(amount)) == amount
