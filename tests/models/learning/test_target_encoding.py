"""A category is the rate of its level, and no training row's rate knows that row's own label."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.preprocessing import TargetEncoder

from claimvet.models.learning.target_encoding import learn_rates
from claimvet.models.scoring.schema import InputSchema


def rows(count: int = 600, seed: int = 0) -> tuple[pd.DataFrame, npt.NDArray[np.bool_]]:
    """Three levels with 10, 50 and 90 % of claims without merit, and nulls with 50 %."""
    random = np.random.default_rng(seed)
    levels = random.choice(np.array(["calm", "even", "wild", None], dtype=object), count)
    share = (
        pd.Series(levels, dtype=object).map({"calm": 0.1, "even": 0.5, "wild": 0.9}).fillna(0.5).to_numpy(np.float64)
    )
    frame = pd.DataFrame({"x_make": pd.Series(levels, dtype=object), "amount": random.random(count)})
    return frame, random.random(count) < share


def learned() -> tuple[InputSchema, pd.DataFrame]:
    frame, target = rows()
    return learn_rates(InputSchema.fit(frame, {}), frame, target, seed=7)


def test_a_level_is_its_rate_shrunk_towards_the_mean() -> None:
    schema, _ = learned()
    frame, target = rows()
    rates = schema.conform(pd.DataFrame({"x_make": ["calm", "even", "wild"], "amount": 0.0}))["x_make"].to_numpy()
    raw = [target[(frame["x_make"] == level).to_numpy()].mean() for level in ("calm", "even", "wild")]
    np.testing.assert_allclose(rates, raw, atol=0.02)


def test_a_null_has_a_rate_of_its_own_and_an_unseen_level_the_mean() -> None:
    schema, _ = learned()
    frame, target = rows()
    null, unseen = schema.conform(pd.DataFrame({"x_make": [None, "new"], "amount": 0.0}))["x_make"]
    assert null == pytest.approx(target[frame["x_make"].isna().to_numpy()].mean(), abs=0.02)
    assert unseen == pytest.approx(target.mean())


def test_a_rows_own_label_does_not_enter_its_rate() -> None:
    frame, target = rows()
    flipped = target.copy()
    flipped[0] = ~flipped[0]
    schema = InputSchema.fit(frame, {})
    before, after = learn_rates(schema, frame, target, 7)[1], learn_rates(schema, frame, flipped, 7)[1]
    own = frame.assign(x_make=["only"] + ["calm", "wild"] * 299 + ["calm"])
    alone = learn_rates(InputSchema.fit(own, {}), own, target, 7)[1]["x_make"].iloc[0]
    assert alone == pytest.approx(target.mean(), abs=0.01)
    assert not before["x_make"].equals(after["x_make"])


def test_numbers_stay_as_they_are() -> None:
    _, matrix = learned()
    pd.testing.assert_series_equal(matrix["amount"], rows()[0]["amount"])


def test_the_rates_are_those_of_scikit_learn() -> None:
    frame, target = rows()
    given = frame[["x_make"]].fillna("none").to_numpy(object)
    expected = TargetEncoder(target_type="binary").fit(given, target.astype(int)).transform(given)[:, 0]
    np.testing.assert_allclose(learned()[0].conform(frame)["x_make"], expected, rtol=1e-12)


def test_the_same_seed_gives_the_same_matrix() -> None:
    pd.testing.assert_frame_equal(learned()[1], learned()[1])


def test_rates_survive_json() -> None:
    schema, _ = learned()
    assert InputSchema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema


@pytest.mark.parametrize("lacking", [0, 1])
def test_with_hardly_any_claim_of_one_kind_ranks_remain(lacking: int) -> None:
    frame, _ = rows()
    target = np.zeros(len(frame), dtype=np.bool_)
    target[:lacking] = True
    schema, matrix = learn_rates(InputSchema.fit(frame, {}), frame, target, 7)
    assert schema == InputSchema.fit(frame, {})
    pd.testing.assert_frame_equal(matrix, schema.conform(frame))


def test_few_claims_of_one_kind_make_fewer_folds() -> None:
    frame, _ = rows()
    target = np.zeros(len(frame), dtype=np.bool_)
    target[:3] = True
    assert learn_rates(InputSchema.fit(frame, {}), frame, target, 7)[0].inputs[0].rates


def test_without_categories_nothing_changes() -> None:
    frame, target = rows()
    schema, matrix = learn_rates(InputSchema.fit(frame[["amount"]], {}), frame[["amount"]], target, 7)
    assert schema.categories == ()
    assert list(matrix.columns) == ["amount"]
