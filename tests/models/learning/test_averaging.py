"""Several boosters as one say the mean of what they say, contribute the mean of what they contribute, and survive their text."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from claimvet.data.contract.arrays import Floats
from claimvet.models.explain.tree_shap import TreeShap
from claimvet.models.learning.averaging import averaged
from claimvet.models.learning.boosters import booster_settings
from claimvet.models.parameters import TrainParams


def rows(count: int = 500, seed: int = 0) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    matrix = random.random((count, 5))
    matrix[random.random((count, 5)) < 0.1] = np.nan
    return matrix, (np.nan_to_num(matrix[:, 0]) + 0.4 * random.random(count) > 0.7).astype(np.float64)


def grown(seed: int, trees: int = 12) -> lgb.Booster:
    matrix, target = rows()
    settings = booster_settings([1, 0, 0, -1, 0], len(target), TrainParams(seed=seed)) | {"objective": "cross_entropy"}
    return lgb.train(settings, lgb.Dataset(matrix, label=target), num_boost_round=trees)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_log_odds_are_the_mean(count: int) -> None:
    boosters = [grown(seed) for seed in range(count)]
    asked, _ = rows(seed=1)
    mean = np.mean([booster.predict(asked, raw_score=True) for booster in boosters], axis=0)
    one = averaged(boosters)
    assert one.num_trees() == 12 * count
    np.testing.assert_allclose(one.predict(asked, raw_score=True), mean, rtol=0, atol=1e-12)


def test_contributions_are_the_mean_and_tables_know_them() -> None:
    boosters = [grown(seed, trees) for seed, trees in ((1, 9), (2, 12))]
    asked, _ = rows(seed=1)
    mean = np.mean([booster.predict(asked, pred_contrib=True) for booster in boosters], axis=0)
    one = averaged(boosters)
    np.testing.assert_allclose(one.predict(asked, pred_contrib=True), mean, atol=1e-12)
    shap = TreeShap.of(one)
    assert shap is not None
    assert shap.base == pytest.approx(mean[0, -1])
    np.testing.assert_allclose(shap.of_batch(asked), mean[:, :-1], atol=1e-12)
    np.testing.assert_allclose(shap.of_rows(asked[:3]), mean[:3, :-1], atol=1e-12)


def test_its_text_reads_back_as_itself_and_keeps_the_names_of_its_inputs() -> None:
    one = averaged([grown(1), grown(2)])
    text = one.model_to_string(num_iteration=-1)
    again = lgb.Booster(model_str=text)
    assert again.model_to_string(num_iteration=-1) == text
    assert again.feature_name() == grown(1).feature_name()
    asked, _ = rows(seed=1)
    np.testing.assert_array_equal(again.predict(asked), one.predict(asked))


def test_constant_boosters_have_a_constant_mean() -> None:
    target = np.array([0.0, 1.0, 1.0, 1.0] * 20)
    nothing = lgb.Dataset(np.zeros((80, 2)), label=target)
    constant = lgb.train({"objective": "cross_entropy", "verbosity": -1}, nothing, num_boost_round=1)
    single = constant.predict(np.zeros((1, 2)), raw_score=True)[0]
    assert averaged([constant, constant]).predict(np.ones((1, 2)), raw_score=True)[0] == pytest.approx(single)
