"""What training makes of easy, odd and one-sided data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from claimvet.data.contract.errors import ModelError
from claimvet.data.contract.tables import LABELS
from claimvet.features.catalogue.features import MODEL_FEATURES
from claimvet.features.engines.parallel_map import parallel_map
from claimvet.models.learning.boosters import MIN_TREES, booster_settings, enough_trees, grow
from claimvet.models.learning.training import Training, train_model
from claimvet.models.learning.training_data import TrainingData
from claimvet.models.metrics.evaluation import figures
from claimvet.models.parameters import TrainParams
from claimvet.models.policy.policy import Policy
from tests.models.small_world import QUICK, SPLIT, small_world, trained

pytestmark = pytest.mark.slow


def test_the_same_data_and_seed_give_the_same_bytes_and_another_seed_does_not(
    training: Training, data: TrainingData
) -> None:
    assert trained(small_world()).model.version == training.model.version
    assert train_model(data, SPLIT, replace(QUICK, seed=8), Policy()).model.version != training.model.version


def test_how_many_boosters_are_grown_at_a_time_changes_no_byte_of_them(training: Training, data: TrainingData) -> None:
    alone = train_model(data, SPLIT, replace(QUICK, threads=1), Policy()).model
    for name in ("frivolous", "abusive"):
        assert getattr(alone, name).model_to_string() == getattr(training.model, name).model_to_string()
    assert alone.frivolous_calibration == training.model.frivolous_calibration


def test_parallel_map_answers_in_order_and_raises_what_it_raised() -> None:
    assert parallel_map(lambda name: name.upper(), ["b", "a", "c"], 2) == ["B", "A", "C"]
    with pytest.raises(KeyError, match="missing"):
        parallel_map(lambda name: {}[name], ["missing"], 2)


def test_the_order_of_the_rows_changes_nothing(training: Training, data: TrainingData) -> None:
    shuffled = replace(
        data,
        features=data.features.sample(frac=1, random_state=1),
        claims=data.claims.sample(frac=1, random_state=2),
        outcomes=data.outcomes.sample(frac=1, random_state=3),
    )
    assert trained(shuffled).model.version == training.model.version


def test_it_learns_what_is_there_to_learn_and_beats_both_baselines(training: Training) -> None:
    losses = {name: figures(evaluated)["log_loss"] for name, evaluated in training.baselines.items()}
    mine = figures(training.evaluated)
    assert mine["log_loss"] < losses["base_rates"]
    assert mine["log_loss"] < losses["logistic"] + 0.05
    assert mine["auc_abusive"] > 0.8


def test_evaluated_claims_were_filed_after_all_that_grew_their_model(training: Training) -> None:
    assert training.evaluated["filed_at"].min() >= training.split.test_from
    assert set(training.evaluated.index) == set(training.split.test.index)
    assert not set(training.evaluated.index) & set(training.split.before_test.index)


def test_how_many_findings_set_the_early_bound_moves_no_probability(data: TrainingData, training: Training) -> None:
    more = train_model(data, replace(SPLIT, early_bound_share=0.4), QUICK, Policy())
    assert len(more.split.early_bound) > len(training.split.early_bound)
    pd.testing.assert_frame_equal(
        more.model.probabilities(data.features), training.model.probabilities(data.features), check_exact=True
    )


def test_few_findings_make_a_modest_model_and_no_crooked_one() -> None:
    """Mean log loss of claims that nobody has seen, whose three labels are equally frequent: knowing nothing has 1.1."""
    unseen = small_world(900, seed=99)
    place = [LABELS.index(label) for label in unseen.outcomes["label"]]
    losses = [
        -np.log(
            train_model(small_world(220, seed), SPLIT, TrainParams(), Policy())
            .model.probabilities(unseen.features)
            .to_numpy()[np.arange(900), place]
        ).mean()
        for seed in (1, 3)
    ]
    assert np.mean(losses) < 0.82


def test_assumptions_do_not_train(data: TrainingData, training: Training) -> None:
    lying = data.outcomes.copy()
    lying.loc[lying["decided_by"] == "concession", "label"] = "abusive"
    assert trained(replace(data, outcomes=lying)).model.version == training.model.version


def test_what_raises_suspicion_never_lowers_the_odds_of_abusive(training: Training, data: TrainingData) -> None:
    rows = data.features.iloc[:50]
    odds = []
    for count in range(0, 12):
        p = training.model.probabilities(rows.assign(customer_claims_count=float(count)))
        odds.append((p["p_abusive"] / p["p_valid"]).to_numpy())
    assert (np.diff(np.array(odds), axis=0) >= -1e-12).all()


def test_what_raises_suspicion_never_raises_p_valid_through_the_whole_model(
    training: Training, data: TrainingData
) -> None:
    rows, model = data.features.iloc[:60], training.model
    asked = [rows.assign(customer_claims_count=float(count)) for count in (0, 1, 2, 3, 5, 8, 40, 1000)]
    p_valid = np.array([model.probabilities(each)["p_valid"].to_numpy() for each in asked])
    assert (np.diff(p_valid, axis=0) <= 1e-12).all()
    assert p_valid[-1].mean() < p_valid[0].mean() - 0.1


def test_every_earlier_abusive_finding_and_its_kind_is_declared_to_raise_suspicion() -> None:
    counted = [f for f in MODEL_FEATURES if "abusive" in f.name and f.name.startswith("customer_")]
    assert {f.name for f in counted} >= {"customer_abusive_outcomes_count_365d", "customer_abusive_findings_count_365d"}
    assert {str(f.suspicion) for f in counted} == {"raises"}


def test_the_bound_for_denials_needs_enough_valid_findings() -> None:
    assert trained(small_world(300)).model.policy.deny_threshold is None
    bounded = trained(small_world(4000)).model.policy
    assert bounded.deny_threshold is not None
    assert 0.0 < bounded.deny_threshold < 0.5


@pytest.mark.parametrize(
    ("labels", "missing"),
    [
        (("valid", "frivolous"), ["p_abusive"]),
        (("valid",), ["p_abusive", "p_frivolous"]),
        (("abusive",), ["p_frivolous"]),
    ],
)
def test_a_label_that_never_occurs_is_all_but_impossible_and_breaks_nothing(
    labels: tuple[str, ...], missing: list[str]
) -> None:
    world = small_world(400, labels=labels)
    made = trained(world)
    answers = made.model.probabilities(world.features)
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, atol=1e-12)
    assert (answers[missing] < 0.01).all().all()


@pytest.mark.parametrize("claims", [1, 3, 12, 60, 150])
def test_few_claims_still_give_a_model(claims: int) -> None:
    world = small_world(claims + 20)
    first = world.claims.index[:claims]
    few = replace(world, outcomes=world.outcomes[world.outcomes["claim_id"].isin(first)].assign(decided_by="expert"))
    answers = trained(few).model.probabilities(world.features)
    assert np.isfinite(answers.to_numpy()).all()


def test_outcomes_all_decided_on_one_day_still_evaluate_later_claims(data: TrainingData) -> None:
    together = data.outcomes.assign(decided_at=data.claims["filed_at"].max() + pd.Timedelta(days=60))
    made = trained(replace(data, outcomes=together))
    assert len(made.evaluated) > 50
    assert "split by when they were filed" in made.model.record["note"]


def test_assumptions_alone_teach_nothing(data: TrainingData) -> None:
    unseen = replace(data, outcomes=data.outcomes.assign(decided_by="concession"))
    with pytest.raises(ModelError, match="no claim has a finding"):
        trained(unseen)


def test_a_column_without_any_value_and_odd_names_break_nothing(data: TrainingData) -> None:
    odd = data.features.assign(**{"x_Vehicle: Price": np.nan, 'x_"q"': None, "x_ö": True})
    answers = trained(replace(data, features=odd)).model.probabilities(odd)
    assert np.isfinite(answers.to_numpy()).all()


def test_the_record_says_what_the_model_was_made_of(training: Training) -> None:
    record = training.model.record
    assert record["findings"]["everything"]["valid"] == int((training.split.everything["label"] == "valid").sum())
    assert pd.Timestamp(record["known_until"]) == training.split.known_until
    assert record["params"]["seed"] == QUICK.seed


def test_more_noise_needs_fewer_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    fewest = 20
    monkeypatch.setattr("claimvet.models.learning.boosters.MIN_TREES", fewest)
    random = np.random.default_rng(1)
    matrix = pd.DataFrame({"a": random.normal(size=600), "b": random.normal(size=600)})
    clear, noise = (matrix["a"] > 0).to_numpy(np.float64), (random.random(600) < 0.5).astype(np.float64)
    params = replace(QUICK, num_boost_round=200)
    assert enough_trees(matrix, noise, [0, 0], params) < enough_trees(matrix, clear, [0, 0], params)
    assert enough_trees(matrix, noise, [0, 0], params) >= fewest


def test_the_fewest_trees_are_grown_even_where_noise_would_stop_sooner() -> None:
    random = np.random.default_rng(1)
    matrix, noise = pd.DataFrame({"a": random.normal(size=600)}), (random.random(600) < 0.5).astype(np.float64)
    assert enough_trees(matrix, noise, [0], replace(QUICK, num_boost_round=300)) == MIN_TREES
    assert enough_trees(matrix, noise, [0], replace(QUICK, num_boost_round=50)) == 50


def test_a_model_averages_boosters_each_of_as_many_trees_as_were_enough(training: Training, data: TrainingData) -> None:
    assert QUICK.averaged > 1
    alone = train_model(data, SPLIT, replace(QUICK, averaged=1), Policy()).model
    for name in ("frivolous", "abusive"):
        assert getattr(training.model, name).num_trees() == QUICK.averaged * getattr(alone, name).num_trees()


@pytest.mark.parametrize(("claims", "bins"), [(100, 127), (20_000, 156), (1_000_000, 255)])
def test_an_input_has_a_bin_for_every_128_claims_within_bounds(claims: int, bins: int) -> None:
    assert booster_settings([0], claims, QUICK)["max_bin"] == bins


def test_a_constant_booster_answers_the_share_that_it_saw() -> None:
    matrix = pd.DataFrame({"a": np.arange(9.0)})
    booster = grow(matrix, np.zeros(9), [0], 50, QUICK)
    np.testing.assert_allclose(booster.predict(matrix.to_numpy()), 0.05)


@pytest.mark.parametrize(("rows", "leaves"), [(60, 4), (1_999, 4), (2_400, 6), (3_200, 8), (90_000, 8)])
def test_few_findings_get_few_leaves_and_many_no_more_than_was_asked_for(rows: int, leaves: int) -> None:
    assert booster_settings([0], rows, TrainParams(num_leaves=8))["num_leaves"] == leaves
    assert booster_settings([0], rows, TrainParams(num_leaves=3))["num_leaves"] == 3
