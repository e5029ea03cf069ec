"""Contributions from tables are those of LightGBM's own walk, whatever the trees look like, for one row and for many."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.models.explain import shap_tables, tree_shap
from claimvet.models.explain.shap_tables import read_forest
from claimvet.models.explain.tree_shap import TreeShap
from tests.examples import examples

QUIET = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5, "seed": 3}


def grown(columns: int, seed: int, **settings: object) -> tuple[lgb.Booster, np.ndarray]:
    """A booster over columns with ties and nulls, and rows to ask it about: known ones, all null, all zero and far out."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(300, columns)).round(1)
    matrix[random.random(matrix.shape) < 0.15] = np.nan
    if columns > 1:
        matrix[:, 1] = np.nan_to_num(matrix[:, 1])
    target = (np.nan_to_num(matrix).sum(axis=1) + random.normal(size=300) > 0.3).astype(float)
    booster = lgb.train({**QUIET, **settings}, lgb.Dataset(matrix, label=target), 8)
    strange = [np.full((1, columns), value) for value in (np.nan, 0.0, 1e300, -np.inf)]
    return booster, np.vstack([matrix[:40], *strange])


def shap_of(booster: lgb.Booster) -> TreeShap:
    shap = TreeShap.of(booster)
    assert shap is not None
    return shap


@settings(max_examples=examples(25), deadline=None)
@given(
    seed=st.integers(0, 10_000),
    columns=st.integers(1, 9),
    leaves=st.integers(2, 40),
    depth=st.sampled_from([1, 2, 4, 6, 8]),
)
def test_any_booster_gives_the_values_that_lightgbm_gives(seed: int, columns: int, leaves: int, depth: int) -> None:
    booster, rows = grown(columns, seed, num_leaves=leaves, max_depth=depth)
    wanted = booster.predict(rows, pred_contrib=True)
    shap = shap_of(booster)
    np.testing.assert_allclose(shap.of_rows(rows), wanted[:, :-1], atol=1e-10)
    np.testing.assert_allclose(shap.of_batch(rows), wanted[:, :-1], atol=1e-10)
    np.testing.assert_allclose(shap.base, wanted[:, -1], atol=1e-10)


@pytest.mark.parametrize("bits", [1, 3, 5])
def test_the_values_do_not_depend_on_how_leaves_share_tables(monkeypatch: pytest.MonkeyPatch, bits: int) -> None:
    booster, rows = grown(8, seed=1, num_leaves=31, max_depth=6)
    apart = shap_of(booster).of_rows(rows)
    monkeypatch.setattr(shap_tables, "_SHARED_BITS", bits)
    monkeypatch.setattr(shap_tables, "_LEAVES_AT_ONCE", 1)
    np.testing.assert_allclose(shap_of(booster).of_rows(rows), apart, atol=1e-12)


def test_a_row_has_the_same_bits_alone_and_among_others() -> None:
    booster, rows = grown(6, seed=2, num_leaves=20, max_depth=6)
    shap = shap_of(booster)
    alone = np.concatenate([shap.of_rows(row[None]) for row in rows])
    assert alone.tobytes() == shap.of_rows(rows).tobytes()


def test_a_booster_that_learnt_nothing_gives_its_base_alone() -> None:
    matrix = np.arange(40.0).reshape(20, 2)
    booster = lgb.train(QUIET | {"min_data_in_leaf": 30}, lgb.Dataset(matrix, label=np.tile([0.0, 1.0], 10)), 2)
    shap = shap_of(booster)
    assert shap.of_rows(matrix[:1]).tolist() == [[0.0, 0.0]]
    assert shap.base == pytest.approx(booster.predict(matrix[:1], raw_score=True)[0])


def test_no_rows_have_no_values() -> None:
    booster, rows = grown(3, seed=4, num_leaves=4)
    assert shap_of(booster).of_rows(rows[:0]).shape == (0, 3)


def test_trees_that_are_too_deep_or_ask_for_categories_are_left_to_lightgbm() -> None:
    random = np.random.default_rng(1)
    matrix = random.normal(size=(4_000, 1))
    chain = lgb.train(
        QUIET | {"num_leaves": 60, "max_depth": -1}, lgb.Dataset(matrix, label=(np.sin(9 * matrix[:, 0]) > 0) * 1.0), 2
    )
    levels = random.integers(0, 6, (400, 2)).astype(float)
    by_level = lgb.train(QUIET, lgb.Dataset(levels, label=(levels[:, 0] == 1) * 1.0, categorical_feature=[0]), 3)
    assert TreeShap.of(chain) is None
    assert TreeShap.of(by_level) is None


def test_rows_beyond_one_block_are_looked_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    booster, rows = grown(5, seed=2, num_leaves=15)
    whole = shap_of(booster).of_batch(rows)
    monkeypatch.setattr(tree_shap, "BLOCK_ROWS", 7)
    np.testing.assert_array_equal(shap_of(booster).of_batch(rows), whole)


def test_a_missing_value_goes_the_way_that_lightgbm_sends_it_where_training_saw_none() -> None:
    random = np.random.default_rng(5)
    matrix = random.normal(size=(400, 3))
    booster = lgb.train(QUIET | {"num_leaves": 8}, lgb.Dataset(matrix, label=(matrix[:, 0] > 0.5).astype(float)), 6)
    asked = np.where(random.random(matrix.shape) < 0.5, np.nan, matrix)
    wanted = booster.predict(asked, pred_contrib=True)[:, :-1]
    np.testing.assert_allclose(shap_of(booster).of_batch(asked), wanted, atol=1e-10)
    np.testing.assert_allclose(shap_of(booster).of_rows(asked), wanted, atol=1e-10)


def test_trees_that_take_zero_for_missing_are_left_to_lightgbm() -> None:
    random = np.random.default_rng(1)
    matrix = random.integers(0, 6, (400, 2)).astype(float)
    target = np.isin(matrix[:, 0], [1, 4]).astype(float)
    assert read_forest(lgb.train(QUIET | {"zero_as_missing": True}, lgb.Dataset(matrix, label=target), 3)) is None
