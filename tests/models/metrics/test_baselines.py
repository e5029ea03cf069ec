"""What a model has to beat is right about the easy part."""

from __future__ import annotations

import numpy as np
import pandas as pd

from claimvet.models.metrics.baselines import MAX_FLAGS, base_rates, red_flags, rules

INDEX = pd.Index([f"c{number}" for number in range(6)])


def test_red_flags_are_counted_up_to_a_most_and_nulls_raise_none() -> None:
    features = pd.DataFrame(
        {"a": [0, 1, 5, np.nan, 0, 2], "b": [1.0] * 6, "claim_days_since_incident": [31, 30, np.nan, 99, 0, 400]},
        index=INDEX,
    )
    assert red_flags(features, {"a": "raises"}).tolist() == [1, 1, 1, 1, 0, 2]
    many = pd.DataFrame({f"f{number}": [1] * 6 for number in range(9)}, index=INDEX)
    assert red_flags(many, dict.fromkeys(many, "raises")).tolist() == [MAX_FLAGS] * 6


def test_rules_answer_what_was_found_of_claims_with_as_many_flags() -> None:
    features = pd.DataFrame({"a": [0, 0, 0, 1, 1, 1]}, index=INDEX)
    labels = pd.Series(["valid", "valid", "valid", "abusive", "abusive", "valid"], index=INDEX)
    answers = rules(features, labels, features.iloc[[0, 5]], {"a": "raises"})
    np.testing.assert_allclose(answers.iloc[0], base_rates(labels[:3], INDEX[:1]).iloc[0])
    np.testing.assert_allclose(answers.sum(axis=1), 1.0)
    assert answers["p_abusive"].iloc[1] > answers["p_abusive"].iloc[0]


def test_rules_without_claims_to_answer_for_answer_nothing() -> None:
    features = pd.DataFrame({"a": [0, 1]}, index=INDEX[:2])
    assert len(rules(features, pd.Series(["valid"] * 2, index=INDEX[:2]), features.head(0), {})) == 0
