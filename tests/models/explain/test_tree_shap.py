"""Tables give the values of LightGBM's own walk, whatever the trees look like."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.models.explain import tree_shap
from claimvet.models.explain.tree_shap import read_trees, tree_contributions

QUIET = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5, "seed": 3}


def grown(rows: int, columns: int, seed: int, trees: int = 8, **settings: object) -> tuple[lgb.Booster, np.ndarray]:
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(rows, columns)).round(1)
    matrix[:, 0] = np.round(matrix[:, 0])
    matrix[random.random(matrix.shape) < 0.15] = np.nan
    if columns > 1:
        matrix[:, 1] = np.nan_to_num(matrix[:, 1])
    target = (np.nan_to_num(matrix).sum(axis=1) + random.normal(size=rows) > 0.3).astype(float)
    return lgb.train({**QUIET, **settings}, lgb.Dataset(matrix, label=target), trees), matrix


def by_tables(booster: lgb.Booster, matrix: np.ndarray) -> np.ndarray:
    trees = read_trees(booster)
    assert trees is not None
    values = tree_contributions(trees, matrix)
    assert values is not None
    return values


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    columns=st.integers(1, 9),
    leaves=st.integers(2, 40),
    depth=st.sampled_from([1, 2, 4, 6, 9, -1]),
)
def test_any_booster_gets_the_values_that_lightgbm_gives(seed: int, columns: int, leaves: int, depth: int) -> None:
    booster, matrix = grown(300, columns, seed, num_leaves=leaves, max_depth=depth)
    strange = np.vstack([matrix, np.full((1, columns), np.nan), np.zeros((1, columns)), np.full((1, columns), 1e300)])
    np.testing.assert_allclose(by_tables(booster, strange), booster.predict(strange, pred_contrib=True), atol=1e-10)


def test_the_values_do_not_depend_on_how_leaves_share_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    booster, matrix = grown(600, 8, seed=1, num_leaves=31, max_depth=6)
    apart = by_tables(booster, matrix)
    monkeypatch.setattr(tree_shap, "MAX_BITS", 3)
    np.testing.assert_allclose(by_tables(booster, matrix), apart, atol=1e-12)


def test_rows_beyond_one_block_are_looked_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    booster, matrix = grown(500, 5, seed=2, num_leaves=15)
    whole = by_tables(booster, matrix)
    monkeypatch.setattr(tree_shap, "BLOCK_ROWS", 64)
    np.testing.assert_array_equal(by_tables(booster, matrix), whole)


def test_a_missing_value_goes_the_way_that_lightgbm_sends_it_where_training_saw_none() -> None:
    random = np.random.default_rng(5)
    matrix = random.normal(size=(400, 3))
    booster = lgb.train(QUIET | {"num_leaves": 8}, lgb.Dataset(matrix, label=(matrix[:, 0] > 0.5).astype(float)), 6)
    asked = np.where(random.random(matrix.shape) < 0.5, np.nan, matrix)
    np.testing.assert_allclose(by_tables(booster, asked), booster.predict(asked, pred_contrib=True), atol=1e-10)


def test_trees_that_tables_do_not_know_are_left_to_lightgbm() -> None:
    random = np.random.default_rng(1)
    matrix = random.integers(0, 6, (400, 2)).astype(float)
    target = np.isin(matrix[:, 0], [1, 4]).astype(float)
    by_level = lgb.train(QUIET, lgb.Dataset(matrix, label=target, categorical_feature=[0]), 3)
    zero_is_missing = lgb.train(QUIET | {"zero_as_missing": True}, lgb.Dataset(matrix, label=target), 3)
    assert read_trees(by_level) is None
    assert read_trees(zero_is_missing) is None


def test_paths_that_ask_too_much_are_left_to_lightgbm(monkeypatch: pytest.MonkeyPatch) -> None:
    booster, matrix = grown(400, 6, seed=4, num_leaves=31)
    monkeypatch.setattr(tree_shap, "MAX_FEATURES", 2)
    trees = read_trees(booster)
    assert trees is not None
    assert tree_contributions(trees, matrix) is None
