"""Sentences about a claim's values say the value, its unit, and how it compares with what is usual; for every feature there is."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.features.catalogue.features import FEATURES
from claimvet.models.explain.reference_ranges import MAX_LEVELS, describe, reference_ranges, sentence

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(NUMBERS, st.lists(NUMBERS, min_size=3, max_size=3).map(sorted))
def test_a_number_is_below_within_or_above_what_is_usual(value: float, usual: list[float]) -> None:
    low, _, high = usual
    told = sentence("x_weight", value, usual)
    found = re.search(r", (below|within|above) the usual ", told)
    assert found is not None
    assert found.group(1) == ("below" if value < low else "above" if value > high else "within")
    assert told.startswith("Weight: ")
    assert told.endswith(".")


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_every_feature_reads_as_a_sentence(feature: object) -> None:
    name = feature.name  # type: ignore[attr-defined]
    value = "some_level" if feature.dtype == "string" else 2.5  # type: ignore[attr-defined]
    for one in (value, None):
        told = sentence(name, one, None)
        assert told[0].isupper() or not told[0].isalpha()
        assert told.endswith(".")
        assert "_" not in told
        assert told.startswith(describe(name))
    assert sentence(name, None, None).endswith(": not known.")


@pytest.mark.parametrize(
    ("name", "value", "usual", "told"),
    [
        ("claim_amount", 1234.5, [10.0, 60.0, 900.0], "Amount claimed: $1,234.50, above the usual $10 to $900."),
        ("claim_amount", 60.0, [10.0, 60.0, 900.0], "Amount claimed: $60, within the usual $10 to $900 (middle $60)."),
        ("x_bags", 1.0, [1.0, 1.0, 1.0], "Bags: 1, within the usual 1."),
        ("x_bags", 0.123456, [0.2, 0.3, 0.4], "Bags: 0.123, below the usual 0.2 to 0.4."),
        ("x_bags", 123.456, None, "Bags: 123."),
        ("x_is_gift", True, [0.0, 0.0, 1.0], "Is gift: yes, within the usual 0 to 1 (middle 0)."),
        ("x_site", "hall_b", {"hall_b": 0.004}, "Site: hall b, which is rare."),
        ("x_site", "never_seen", {"hall_b": 1.0}, "Site: never seen, which is rare."),
        ("x_site", "hall_b", {"hall_b": 0.25}, "Site: hall b, as in 25 % of claims."),
    ],
)
def test_sentences_by_hand(name: str, value: object, usual: object, told: str) -> None:
    assert sentence(name, value, usual) == told  # type: ignore[arg-type]


def test_one_day_is_no_days() -> None:
    assert "1 day," in sentence("claim_days_since_order", 1.0, [0.0, 5.0, 9.0])
    assert "2 days," in sentence("claim_days_since_order", 2.0, [0.0, 5.0, 9.0])


@given(st.lists(st.one_of(st.none(), NUMBERS), min_size=1, max_size=40))
def test_what_is_usual_of_a_number_are_its_quantiles_without_nulls(values: list[float | None]) -> None:
    rows = pd.DataFrame({"x_a": pd.array(values, dtype="Float64")})
    usual = reference_ranges(rows, {"x_a": "number"})
    known = [value for value in values if value is not None]
    if not known:
        assert usual == {}
        return
    low, middle, high = usual["x_a"]
    assert math.isclose(middle, float(np.median(known)), rel_tol=1e-12, abs_tol=1e-9)
    assert min(known) <= low <= middle <= high <= max(known)


@given(st.lists(st.sampled_from([f"level {number}" for number in range(80)]), min_size=1, max_size=200))
def test_what_is_usual_of_a_category_are_shares_of_its_commonest_levels(levels: list[str]) -> None:
    usual = reference_ranges(pd.DataFrame({"x_a": pd.Series(levels, dtype="str")}), {"x_a": "category"})["x_a"]
    assert isinstance(usual, dict)
    assert len(usual) == min(len(set(levels)), MAX_LEVELS)
    assert all(share == levels.count(level) / len(levels) for level, share in usual.items())
    if len(set(levels)) <= MAX_LEVELS:
        assert sum(usual.values()) == pytest.approx(1.0)
    left_out = set(levels) - set(usual)
    assert all(levels.count(level) / len(levels) <= min(usual.values()) for level in left_out)
