"""Reasons add up to the score, point towards the label, and read as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from claimvet.data.contract.tables import LABELS, PROBABILITIES
from claimvet.features.catalogue.features import MODEL_FEATURES
from claimvet.models.explain import tree_shap as shap
from claimvet.models.explain.protected import is_protected, protected_names
from claimvet.models.explain.reasons import _reasons, explain, label_contributions
from claimvet.models.explain.reference_ranges import ReferenceRange, describe, reference_ranges, sentence
from claimvet.models.policy.policy import most_likely
from claimvet.models.scoring.claim_model import raw_scores

PARAMETERS = {"objective": "binary", "num_leaves": 15, "max_depth": 5, "verbose": -1, "num_threads": 2, "seed": 1}


@dataclass(frozen=True)
class Pair:
    """Two boosters over four inputs, one of which makes two columns."""

    frivolous: lgb.Booster
    abusive: lgb.Booster
    reference_ranges: Mapping[str, ReferenceRange]
    sources: Mapping[str, str] = field(
        default_factory=lambda: {
            "customer_returns_count_365d": "customer_returns_count_365d",
            "claim_amount": "claim_amount",
            "x_site": "x_site",
            "x_site_rate": "x_site",
            "claim_type": "claim_type",
        }
    )

    def matrix(self, features: pd.DataFrame) -> pd.DataFrame:
        return matrix(features)

    def probabilities_of(self, numbers: pd.DataFrame) -> pd.DataFrame:
        odds = [np.exp(raw_scores(booster, numbers)) for booster in (self.frivolous, self.abusive)]
        shares = np.column_stack([np.ones(len(numbers)), *odds]) / (1 + odds[0] + odds[1])[:, None]
        return pd.DataFrame(shares, columns=list(PROBABILITIES), index=numbers.index)


def matrix(features: pd.DataFrame) -> pd.DataFrame:
    columns = {
        "customer_returns_count_365d": features["customer_returns_count_365d"],
        "claim_amount": features["claim_amount"],
        "x_site": features["x_site"].map({"gate": 0.2, "hall": 0.7}).astype("float64"),
        "x_site_rate": features["x_site"].map({"gate": 0.9, "hall": 0.1}).astype("float64"),
        "claim_type": features["claim_type"].map({"property_damage": 0.0, "personal_injury": 1.0}).astype("float64"),
    }
    return pd.DataFrame(columns)


def world(rows: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_returns_count_365d": rng.poisson(2, rows).astype("float64"),
            "claim_amount": np.where(rng.random(rows) < 0.2, np.nan, rng.lognormal(5, 1, rows).round(2)),
            "x_site": rng.choice(["gate", "hall", None], rows),
            "claim_type": rng.choice(["property_damage", "personal_injury"], rows),
        }
    )


@pytest.fixture(scope="module")
def pair() -> Pair:
    rows = world(4_000)
    noise = np.random.default_rng(1).normal(size=len(rows))
    suspicion = rows["customer_returns_count_365d"] - 2 + (rows["x_site"] == "gate") + noise
    frivolous, abusive = (
        lgb.train(PARAMETERS, lgb.Dataset(matrix(rows).to_numpy(), (suspicion > line).astype(float)), 40)
        for line in (0.5, 1)
    )
    kinds = {str(name): "number" if rows[name].dtype == "float64" else "category" for name in rows}
    return Pair(frivolous, abusive, reference_ranges(rows, kinds))


def labels(pair: Pair, rows: pd.DataFrame) -> list[str]:
    return most_likely(pair.probabilities_of(matrix(rows))).tolist()


def test_contributions_and_base_sum_to_the_log_odds_that_the_label_stands_on(pair: Pair) -> None:
    rows = world(300, seed=2)
    numbers = matrix(rows)
    p = pair.probabilities_of(numbers)
    towards, names = label_contributions(pair, numbers, p)
    first = numbers.to_numpy()[:1]
    bases = {name: getattr(pair, name).predict(first, pred_contrib=True)[0, -1] for name in ("frivolous", "abusive")}
    assert set(labels(pair, rows)) == set(LABELS)
    assert names == tuple(rows.columns)
    for row, label in enumerate(labels(pair, rows)):
        other = (
            label
            if label != "valid"
            else ("abusive" if p.loc[row, "p_abusive"] > p.loc[row, "p_frivolous"] else "frivolous")
        )
        sign = -1.0 if label == "valid" else 1.0
        odds = np.log(p.loc[row, f"p_{other}"] / p.loc[row, "p_valid"])
        assert towards[row].sum() + sign * bases[other] == pytest.approx(sign * odds)


def test_reasons_are_the_strongest_towards_the_label_in_order(pair: Pair) -> None:
    rows = world(200, seed=3)
    numbers = matrix(rows)
    towards, names = label_contributions(pair, numbers, pair.probabilities_of(numbers))
    for row, reasons in enumerate(explain(pair, rows, top=3)):
        found = [reason.contribution for reason in reasons]
        for_it = sorted((c for c in towards[row] if c > 0), reverse=True)[:3]
        assert found == (for_it or sorted(c for c in towards[row] if c < 0)[:3])
        assert all(towards[row, names.index(r.feature)] == r.contribution for r in reasons)


def test_a_claim_has_the_same_reasons_alone_as_in_a_batch(pair: Pair) -> None:
    rows = world(30, seed=4)
    assert [explain(pair, rows.iloc[[i]])[0] for i in range(30)] == explain(pair, rows)


def test_where_nothing_speaks_for_the_label_what_speaks_against_it_is_told(pair: Pair) -> None:
    towards = np.array([[-0.1, -0.5, 0.0, -0.2]])
    reasons = _reasons(towards, list(world(1).columns), world(1), pair.reference_ranges, top=2)
    assert [reason.contribution for reason in reasons[0]] == [-0.5, -0.2]


def test_values_come_as_they_were_given_and_null_as_none(pair: Pair) -> None:
    rows = pd.DataFrame(
        {"customer_returns_count_365d": [9.0], "claim_amount": [np.nan], "x_site": ["gate"], "claim_type": [None]}
    )
    values = {
        reason.feature: reason.value
        for reason in _reasons(np.ones((1, 4)), list(rows.columns), rows, pair.reference_ranges, top=5)[0]
    }
    assert values == {"customer_returns_count_365d": 9.0, "claim_amount": None, "x_site": "gate", "claim_type": None}


def test_many_returns_are_the_first_reason_against_a_claim_and_say_so(pair: Pair) -> None:
    rows = world(1).assign(customer_returns_count_365d=9.0)
    first = explain(pair, rows)[0][0]
    assert labels(pair, rows) != ["valid"]
    assert first.feature == "customer_returns_count_365d"
    assert first.contribution > 0
    assert first.text.endswith(": 9, above the usual 0 to 5.")


def test_what_is_protected_is_never_told_however_much_it_weighs(pair: Pair) -> None:
    towards = np.array([[9.0, 0.5, 0.2]])
    rows = pd.DataFrame({"x_policy_holder_sex": ["f"], "claim_amount": [12.0], "x_zip": ["10115"]})
    told = _reasons(towards, list(rows.columns), rows, pair.reference_ranges, top=5)[0]
    assert [reason.feature for reason in told] == ["claim_amount"]


def test_no_feature_that_a_model_reads_is_protected_or_a_proxy() -> None:
    assert protected_names(feature.name for feature in MODEL_FEATURES) == []


@pytest.mark.parametrize(
    ("name", "protected"),
    [
        ("x_Age", True),
        ("x_AgeOfPolicyHolder", True),
        ("x_AgeOfVehicle", False),
        ("x_MaritalStatus", True),
        ("x_postal_code", True),
        ("x_language", True),
        ("x_package_size", False),
        ("x_sextant", False),
    ],
)
def test_protected_fields_are_known_by_their_words(name: str, protected: bool) -> None:
    assert is_protected(name) is protected


def test_small_changes_of_the_input_hardly_change_the_reasons(pair: Pair) -> None:
    rows = world(1_000, seed=6)
    nudged = rows.assign(claim_amount=rows["claim_amount"] * 1.002)
    before, after = explain(pair, rows, top=3), explain(pair, nudged, top=3)
    same_first = [b[0].feature == a[0].feature for b, a in zip(before, after, strict=True)]
    assert np.mean(same_first) > 0.98
    moved = [
        abs(b.contribution - a.contribution)
        for one, two in zip(before, after, strict=True)
        for b in one
        for a in two
        if b.feature == a.feature
    ]
    assert np.mean(moved) < 0.01
    assert np.quantile(moved, 0.99) < 0.3


def test_no_rows_have_no_reasons(pair: Pair) -> None:
    assert explain(pair, world(1).head(0)) == []


def test_great_batches_get_the_values_that_lightgbm_gives(pair: Pair) -> None:
    numbers = matrix(world(3_000, seed=5)).to_numpy()
    fast = shap.contributions(pair.frivolous, numbers)
    np.testing.assert_allclose(fast, shap.exact(pair.frivolous, numbers), atol=shap.TOLERANCE)


def test_rows_that_the_fast_way_gets_wrong_are_computed_anew(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = matrix(world(3_000, seed=5)).to_numpy()
    right = shap.exact(pair.frivolous, numbers)
    one_row_wrong = right + (np.arange(len(right)) == 5)[:, None]
    monkeypatch.setattr(shap.TreeShap, "of_batch", lambda self, rows: one_row_wrong.copy())
    np.testing.assert_array_equal(shap.contributions(pair.frivolous, numbers), right)


def test_sums_are_held_against_the_scores_of_the_batch_where_it_has_them(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = matrix(world(3_000, seed=5)).to_numpy()
    right = shap.exact(pair.frivolous, numbers)
    off = right + (np.arange(len(numbers)) == 7)[:, None]
    monkeypatch.setattr(shap.TreeShap, "of_batch", lambda self, rows: off.copy())
    base = pair.frivolous.predict(numbers[:1], pred_contrib=True)[0, -1]
    mended = shap.contributions(pair.frivolous, numbers, right.sum(axis=1) + base)
    np.testing.assert_allclose(mended, right, atol=1e-12)
    believed = shap.contributions(pair.frivolous, numbers, off.sum(axis=1) + base)
    np.testing.assert_allclose(believed, off, atol=1e-12)


def test_a_batch_has_the_same_reasons_with_its_scores_and_without(pair: Pair) -> None:
    rows = world(shap.MANY_ROWS + 200, seed=8)
    numbers = pair.matrix(rows)
    raw = tuple(booster.predict(numbers.to_numpy(), raw_score=True) for booster in (pair.frivolous, pair.abusive))
    p = pair.probabilities_of(numbers)
    for alone, given in zip(
        label_contributions(pair, numbers, p)[0], label_contributions(pair, numbers, p, raw)[0], strict=True
    ):
        np.testing.assert_array_equal(alone, given)


def test_a_sample_that_disagrees_discards_the_fast_values(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = matrix(world(3_000, seed=5)).to_numpy()
    right = shap.exact(pair.frivolous, numbers)
    monkeypatch.setattr(shap.TreeShap, "of_batch", lambda self, rows: right[:, [1, 0, *range(2, right.shape[1])]])
    np.testing.assert_array_equal(shap.contributions(pair.frivolous, numbers), right)


def test_a_booster_without_splits_is_explained_by_its_base_alone() -> None:
    numbers = matrix(world(shap.MANY_ROWS))
    constant = lgb.train(
        PARAMETERS | {"min_data_in_leaf": 10_000}, lgb.Dataset(numbers.to_numpy(), np.arange(len(numbers)) % 2), 3
    )
    assert not shap.contributions(constant, numbers.to_numpy()).any()


def test_what_is_usual_is_three_quantiles_or_the_shares_of_levels() -> None:
    rows = pd.DataFrame({"n": [0.0, 1.0, 2.0, None], "c": ["a", "a", "b", None], "none": [None] * 4})
    usual = reference_ranges(rows, {"n": "number", "c": "category", "none": "number"})
    assert usual == {"n": pytest.approx([0.1, 1.0, 1.9]), "c": {"a": pytest.approx(2 / 3), "b": pytest.approx(1 / 3)}}


@pytest.mark.parametrize(
    ("name", "value", "usual", "expected"),
    [
        ("claim_amount", 1234.5, [10.0, 80.0, 900.0], "Amount claimed: $1,234.50, above the usual $10 to $900."),
        (
            "claim_days_since_order",
            1.0,
            [3.5, 20.0, 241.2],
            "Days from the order to the claim: 1 day, below the usual 3.5 to 241 days.",
        ),
        ("claim_amount", None, [10.0, 80.0, 900.0], "Amount claimed: not known."),
        ("x_bags", 1, [2.0, 2.0, 2.0], "Bags: 1, below the usual 2."),
        ("x_rate", 0.12345, [0.0, 0.1, 0.5], "Rate: 0.123, within the usual 0 to 0.5 (middle 0.1)."),
        ("x_checked", True, None, "Checked: yes."),
        ("x_site", "gate_7", {"gate_7": 0.002}, "Site: gate 7, which is rare."),
        ("x_site", "gate", None, "Site: gate."),
    ],
)
def test_a_sentence_says_what_the_value_is_and_what_is_usual(
    name: str, value: float | str | None, usual: ReferenceRange | None, expected: str
) -> None:
    assert sentence(name, value, usual) == expected


def test_a_description_begins_like_a_sentence() -> None:
    assert describe("customer_returns_count_365d").startswith("Number of the customer's")
