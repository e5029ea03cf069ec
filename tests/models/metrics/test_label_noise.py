"""Errors of findings are told apart from doubt, and probabilities are about the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.data.contract.tables import LABELS
from claimvet.models.learning.calibration_fit import MIN_TO_CHOOSE, Calibrated, fit_calibrations
from claimvet.models.metrics.label_noise import MIN_ROWS, PRIOR_ERROR_RATE, found_probabilities, shares_of
from tests.examples import examples

TRUE_RATES = {"expert": 0.01, "investigator": 0.05, "seller_defense": 0.12}


def world(
    rows: int, rates: dict[str, float], slope: float = 1.4, shift: float = 0.4, seed: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Raw log odds of boosters that are too unsure by `slope`, and a frame of truth, finding, decider and P(valid)."""
    random = np.random.default_rng(seed)
    raw = pd.DataFrame(random.normal(-1, 3, (rows, 2)), columns=["frivolous", "abusive"])
    odds = np.exp(np.column_stack([np.zeros(rows), slope * raw["frivolous"] + shift, slope * raw["abusive"]]))
    p = odds / odds.sum(axis=1, keepdims=True)
    truth = (random.random(rows)[:, None] > p.cumsum(axis=1)).sum(axis=1)
    decider = random.choice(list(rates), rows)
    wrong = random.random(rows) < pd.Series(decider).map(rates).to_numpy()
    found = np.where(wrong, (truth + random.integers(1, 3, rows)) % 3, truth)
    return raw, pd.DataFrame(
        {"truth": truth, "label": np.array(LABELS)[found], "decided_by": decider, "p_valid": p[:, 0]}
    )


def answers(fitted: Calibrated, raw: pd.DataFrame) -> np.ndarray:
    odds = [np.exp(getattr(fitted, name).log_odds(raw[name].to_numpy())) for name in ("frivolous", "abusive")]
    return 1 / (1 + odds[0] + odds[1])


def test_each_deciders_errors_are_found_and_probabilities_are_those_of_the_truth() -> None:
    raw, claims = world(6000, TRUE_RATES)
    fitted = fit_calibrations(raw, claims["label"], claims["decided_by"])
    for decider, rate in TRUE_RATES.items():
        assert fitted.error_rates[decider] == pytest.approx(rate, abs=0.02)
    assert np.abs(answers(fitted, raw) - claims["p_valid"]).mean() < 0.01
    assert fitted.frivolous.rise == pytest.approx(1.4, abs=0.2)


@pytest.mark.slow
def test_where_nobody_errs_next_to_no_error_is_found() -> None:
    raw, claims = world(6000, {"expert": 0.0})
    assert fit_calibrations(raw, claims["label"], claims["decided_by"]).error_rates["expert"] < 0.005


def test_a_decider_who_was_never_held_out_errs_as_usual() -> None:
    fitted = fit_calibrations(*_columns(*world(500, {"expert": 0.01})))
    np.testing.assert_allclose(
        fitted.errors_of(pd.Series(["appeal", "expert"])),
        [1.5 * PRIOR_ERROR_RATE * (1 - (fitted.fitted.shares**2).sum()), fitted.error_rates["expert"]],
    )


def test_too_few_claims_leave_the_raw_scores() -> None:
    fitted = fit_calibrations(*_columns(*world(MIN_ROWS - 1, TRUE_RATES)))
    assert fitted.frivolous.method == fitted.abusive.method == "none"
    assert dict(fitted.error_rates) == {}


@settings(max_examples=examples(15))
@given(st.integers(50, 150), st.sampled_from(LABELS), st.integers(0, 99))
def test_one_sided_findings_break_nothing(rows: int, label: str, seed: int) -> None:
    raw, claims = world(rows, TRUE_RATES, seed=seed)
    fitted = fit_calibrations(raw, pd.Series([label] * rows), claims["decided_by"])
    assert np.isfinite(answers(fitted, raw)).all()
    assert all(0 < rate <= 0.3 for rate in fitted.error_rates.values())


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.3)), min_size=1, max_size=10))
def test_what_is_found_sums_to_one_and_never_leaves_0_to_1(rows: list[tuple[float, float, float]]) -> None:
    valid, share, errors = np.array(rows).T
    p = np.column_stack([valid, (1 - valid) * share, (1 - valid) * (1 - share)])
    found = found_probabilities(p, errors)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-12)
    assert found.min() >= 0
    assert found.max() <= 1


def _columns(raw: pd.DataFrame, claims: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    return raw, claims["label"], claims["decided_by"]


def bent(rows: int, seed: int = 4) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Raw log odds whose true odds have a step that no map with coefficients can follow."""
    raw, claims = world(rows, {"expert": 0.0}, seed=seed)
    random = np.random.default_rng(seed)
    odds = np.column_stack([np.where(raw["frivolous"] > 0.5, 3.0, -3.0), np.full(rows, -4.0)])
    p = shares_of(odds)
    truth = (random.random(rows)[:, None] > p.cumsum(axis=1)).sum(axis=1)
    return raw, claims.assign(label=np.array(LABELS)[truth], p_valid=p[:, 0])


def test_a_map_without_coefficients_is_taken_where_it_surely_gains() -> None:
    raw, claims = bent(1500)
    fitted = fit_calibrations(raw, claims["label"], claims["decided_by"])
    assert fitted.frivolous.method in {"isotonic", "venn_abers"}
    assert np.abs(answers(fitted, raw) - claims["p_valid"]).mean() < 0.06
    raw, claims = world(500, TRUE_RATES)
    assert fit_calibrations(raw, claims["label"], claims["decided_by"]).frivolous.method == "sigmoid"


def test_every_method_has_its_loss_on_record() -> None:
    losses = fit_calibrations(*_columns(*world(MIN_TO_CHOOSE, TRUE_RATES))).losses
    assert {"temperature", "sigmoid", "beta", "isotonic (abusive)", "venn_abers (frivolous)"} <= set(losses)
    assert all(0.0 < loss < 2.0 for loss in losses.values())


def test_a_rare_label_is_not_taken_for_an_error() -> None:
    random = np.random.default_rng(2)
    rows = 2000
    score = random.normal(-4, 2, rows)
    abusive = random.random(rows) < 1 / (1 + np.exp(-score))
    raw = pd.DataFrame({"frivolous": np.full(rows, -9.0), "abusive": score})
    labels = pd.Series(np.where(abusive, "abusive", "valid"))
    fitted = fit_calibrations(raw, labels, pd.Series(["expert"] * rows))
    assert fitted.error_rates["expert"] < 0.01
    assert answers(fitted, raw).mean() == pytest.approx(1 - abusive.mean(), abs=0.01)
