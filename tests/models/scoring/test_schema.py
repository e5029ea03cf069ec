"""What a model reads, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.data.contract.errors import ModelError
from claimvet.models.scoring.schema import InputSchema, booster_safe


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "claim_amount": [1.0, np.nan, 3.0, 4.0],
            "x_site": ["gate", "belt", "gate", None],
            "x_insured": [True, False, None, True],
            "x_bags": pd.array([1, 2, None, 4], dtype="Int64"),
        }
    )


def schema() -> InputSchema:
    return InputSchema.fit(frame(), {"claim_amount": "raises"})


def test_kinds_levels_and_suspicion_are_fixed_at_training() -> None:
    amount, site, insured, bags = schema().inputs
    assert (amount.kind, amount.suspicion, site.suspicion) == ("number", "raises", "unknown")
    assert (site.kind, site.levels) == ("category", ("gate", "belt"))
    assert insured.kind == bags.kind == "number"


def test_the_matrix_is_float64_in_order_with_ranks_for_levels_and_nan_for_nulls() -> None:
    matrix = schema().conform(frame())
    assert list(matrix.columns) == ["claim_amount", "x_site", "x_insured", "x_bags"]
    assert (matrix.dtypes == np.float64).all()
    np.testing.assert_array_equal(matrix["x_site"], [0.0, 1.0, 0.0, np.nan])
    np.testing.assert_array_equal(matrix["x_insured"], [1.0, 0.0, np.nan, 1.0])


def test_a_level_that_training_never_saw_is_missing() -> None:
    later = frame().assign(x_site=["kiosk", "gate", "kiosk", "belt"])
    np.testing.assert_array_equal(schema().conform(later)["x_site"], [np.nan, 0.0, np.nan, 1.0])


def test_the_order_of_columns_and_other_columns_change_nothing_and_the_frame_is_left_alone() -> None:
    given_frame = frame()[["x_bags", "x_site", "claim_amount", "x_insured"]].assign(claim_id="c", claim_hour=3)
    before = given_frame.copy(deep=True)
    pd.testing.assert_frame_equal(schema().conform(given_frame), schema().conform(frame()))
    pd.testing.assert_frame_equal(given_frame, before)


def test_a_missing_input_is_refused_by_name() -> None:
    with pytest.raises(
        ModelError, match=r"missing claim_amount, x_site, not known to it nothing, expected its 4 inputs"
    ):
        schema().conform(frame().drop(columns=["claim_amount", "x_site"]))


def test_a_column_of_the_users_that_training_never_saw_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match=r"missing nothing, not known to it x_weather"):
        schema().conform(frame().assign(x_weather="rain"))


def test_text_where_numbers_were_is_refused_with_the_value() -> None:
    with pytest.raises(ModelError, match=r"feature x_bags holds 'two', expected numbers"):
        schema().conform(frame().assign(x_bags=["1", "two", None, "4"]))


def test_numbers_that_a_reader_made_text_and_an_all_null_column_are_read() -> None:
    later = frame().assign(x_bags=["1", "2", None, "4"], claim_amount=[None] * 4)
    matrix = schema().conform(later)
    np.testing.assert_array_equal(matrix["x_bags"], [1.0, 2.0, np.nan, 4.0])
    assert matrix["claim_amount"].isna().all()


def test_infinite_numbers_are_missing() -> None:
    assert schema().conform(frame().assign(claim_amount=np.inf))["claim_amount"].isna().all()


def test_whole_floats_and_their_text_are_the_same_level() -> None:
    fitted = InputSchema.fit(pd.DataFrame({"x_make": ["3", "12", "3"]}), {})
    np.testing.assert_array_equal(fitted.conform(pd.DataFrame({"x_make": [12.0, 3.0]}))["x_make"], [1.0, 0.0])


@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1, max_size=20))
def test_every_level_seen_in_training_has_a_rank_and_the_commonest_has_the_least(values: list[str | None]) -> None:
    column = pd.DataFrame({"x_word": pd.Series(values, dtype="object")})
    ranks = InputSchema.fit(column, {}).conform(column)["x_word"]
    assert ranks.notna().tolist() == [value is not None for value in values]
    counts = ranks.value_counts().sort_index()
    assert counts.is_monotonic_decreasing


def test_a_schema_survives_its_json_form() -> None:
    assert InputSchema.from_dict(schema().to_dict()) == schema()


@pytest.mark.parametrize(
    ("name", "kept"), [("x_Age-2.b", True), ("x_Vehicle Price", False), ('x_"a"', False), ("x_ä:b", False)]
)
def test_names_that_the_text_format_cannot_hold_are_replaced_by_their_position(name: str, kept: bool) -> None:
    assert booster_safe(name, 7) == (name if kept else "input_7")
