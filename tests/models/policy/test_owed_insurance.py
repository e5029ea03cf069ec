"""Who owes insurance is asked for what the marketplace paid; nobody else is, and nobody of whom that is not known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.models.policy.test_policy import POLICY, claim

OWES = {"seller_policies_count": 0.0, "seller_sales_30d": 10_000.0, "seller_sales_365d": 20_000.0}


def test_a_seller_who_owes_insurance_is_asked_for_what_the_marketplace_paid() -> None:
    probabilities, facts = claim(0.6, 400.0, evidence=1)
    wrong = (0.4 + 0.2 * POLICY.abuse_repeat_multiple) * 400.0
    costs = POLICY.costs(probabilities, facts.assign(**OWES)).iloc[0]
    assert costs["pay_concession"] == pytest.approx(
        POLICY.payment_usd + POLICY.recovery_usd + (1.0 - POLICY.recovered_share) * wrong
    )
    # at the limit and above the seller pays itself, and nothing is asked back
    large = claim(0.6, 4000.0, evidence=1)[1]
    pd.testing.assert_frame_equal(
        POLICY.costs(probabilities, large.assign(**OWES)),
        POLICY.costs(probabilities, large.assign(**OWES | {"seller_sales_30d": 0.0})),
    )


@pytest.mark.parametrize(
    "standing",
    [
        {},
        OWES | {"seller_policies_count": 1.0},
        OWES | {"seller_policies_count": np.nan},
        OWES | {"seller_sales_30d": 9_999.99},
        OWES | {"seller_sales_30d": np.nan, "seller_sales_365d": 129_999.0},
        {"seller_policies_count": 0.0},
    ],
    ids=["unknown", "insured", "insurance unknown", "need not be", "no month for sure", "sales unknown"],
)
def test_a_seller_who_keeps_the_rules_or_is_not_known_is_never_asked_for_money_back(
    standing: dict[str, float],
) -> None:
    probabilities, facts = claim(0.6, 400.0, evidence=1)
    costs = POLICY.costs(probabilities, facts.assign(**standing)).iloc[0]
    wrong = (0.4 + 0.2 * POLICY.abuse_repeat_multiple) * 400.0
    assert costs["pay_concession"] == pytest.approx(POLICY.payment_usd + wrong)


def test_sales_of_a_year_tell_that_some_month_reached_the_limit() -> None:
    """365 days touch 13 months: 130,000 dollars cannot be spread over them with less than 10,000 in each."""
    probabilities, facts = claim(0.6, 400.0, evidence=1)
    asked = facts.assign(**OWES | {"seller_sales_30d": 0.0, "seller_sales_365d": 130_000.0})
    pd.testing.assert_frame_equal(POLICY.costs(probabilities, asked), POLICY.costs(probabilities, facts.assign(**OWES)))
