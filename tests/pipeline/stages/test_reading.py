"""Wherever and however the same data lie, features and scores are the same, or the difference is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.errors import InvalidDataError
from claimvet.data.contract.reading.feature_types import FeatureTypes
from claimvet.data.contract.reading.options import ReadOptions
from claimvet.features.batch.build import build_features
from claimvet.features.catalogue.features import BY_NAME
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.models.scoring.own_values import learned_types
from claimvet.pipeline.stages.score import score
from tests.pipeline.stages.small_scoring import INPUTS, claims_file, feature_rows
from tests.scoring_service.endpoint.small_model import suspicious_of_returns

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ZIPS = ["02139", "10001", "2139", "007"]
PRICES = ["1.50", "1.5", "1", "01"]
FLAGS = ["true", "false", "TRUE", "1"]
OWN = {
    "x_zip": ZIPS,
    "x_price": PRICES,
    "x_flag": FLAGS,
    "x_gift": [True, False, True, None],
    "x_ratio": [0.1 + 0.2, np.inf, -np.inf, 1e-9],
    "x_floor": [1.0, None, 3.0, -2.0],
}


@pytest.fixture(scope="module")
def model() -> ClaimModel:
    """A model that learned text, booleans and numbers of the user's own."""
    rng = np.random.default_rng(5)
    rows = feature_rows(1_500, seed=1)[INPUTS]
    for name, values in OWN.items():
        rows[name] = [values[place] for place in rng.integers(0, 4, len(rows))]
    rows["x_ratio"] = rows["x_ratio"].where(np.isfinite(rows["x_ratio"]))
    chance = rows["x_zip"].map({"02139": 2.0, "2139": -2.0}).fillna(0.0) + rows["x_price"].map({"1.50": 1.0}).fillna(
        0.0
    )
    chance += rows["x_flag"].map({"true": 1.0}).fillna(0.0)
    return suspicious_of_returns(rows, chance.to_numpy() + rng.normal(size=len(rows)), depth=4, trees=20, seed=1)


def claims(folder: Path, **own: Any) -> pd.DataFrame:
    return pd.read_parquet(claims_file(folder, rows=4)).assign(**(OWN | own))


def as_parquet(frame: pd.DataFrame, folder: Path) -> Path:
    frame.to_parquet(folder / "NEW.PARQUET")
    return folder / "NEW.PARQUET"


def as_csv(frame: pd.DataFrame, folder: Path) -> Path:
    frame.to_csv(folder / "new.csv", index=False)
    return folder / "new.csv"


def as_gzip(frame: pd.DataFrame, folder: Path) -> Path:
    frame.to_csv(folder / "NEW.CSV.GZ", index=False, compression="gzip", encoding="utf-8-sig")
    return folder / "NEW.CSV.GZ"


def as_misnamed(frame: pd.DataFrame, folder: Path) -> Path:
    return as_parquet(frame, folder).rename(folder / "new.csv.parquet")


def as_directory(frame: pd.DataFrame, folder: Path) -> Path:
    for part, rows in (("x_gift=1", frame[:2]), ("x_gift=0", frame[2:])):
        (folder / "x_run=7" / "new" / part.replace("=", "-")).mkdir(parents=True)
        rows.to_parquet(folder / "x_run=7" / "new" / part.replace("=", "-") / "part-0.parquet")
    return folder / "x_run=7" / "new"


ENGINES = [
    "duckdb",
    pytest.param("spark", marks=[pytest.mark.spark, pytest.mark.slow]),
]
FORMS = [as_csv, as_gzip, as_misnamed, as_directory]


def scored(file: Path, model: ClaimModel, folder: Path, engine: str) -> pd.DataFrame:
    """Scores by claim; Spark builds what the model needs alone, since each plan of all features costs it ten seconds."""
    (folder / "history").mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("claimvet.pipeline.stages.spark_score.FEATURES", [BY_NAME[name] for name in INPUTS])
        score(folder / "history", file, folder / "scores.parquet", model, engine=engine, now=NOW)
    return pd.read_parquet(folder / "scores.parquet").set_index("claim_id").sort_index()


@pytest.mark.parametrize("engine", ENGINES)
def test_scores_are_the_same_in_every_form(
    engine: str, model: ClaimModel, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if engine == "spark":
        request.getfixturevalue("spark")
    frame = claims(tmp_path)
    expected = scored(as_parquet(frame, tmp_path), model, tmp_path, "duckdb")
    for form in FORMS:
        found = scored(form(frame, tmp_path), model, tmp_path, engine)
        pd.testing.assert_frame_equal(found, expected, obj=form.__name__)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("write", "own", "culprit"),
    [
        (as_parquet, {"x_zip": [2139, 10001, 2139, 7]}, "column x_zip of NEW.PARQUET holds '2139' .*expected text"),
        (as_csv, {"x_floor": ["1", "ground", "", "3"]}, "column x_floor of new.csv holds 'ground' .*expected numbers"),
        (
            as_parquet,
            {"x_floor": ["1", "ground", None, "3"]},
            "x_floor of NEW.PARQUET holds 'ground' .*expected numbers",
        ),
    ],
)
def test_what_the_model_cannot_have_meant_is_refused_by_column_and_value(
    engine: str,
    write: Callable[[pd.DataFrame, Path], Path],
    own: dict[str, Any],
    culprit: str,
    model: ClaimModel,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    if engine == "spark":
        request.getfixturevalue("spark")
    (tmp_path / "history").mkdir()
    file = write(claims(tmp_path, **own), tmp_path)
    history = DataSet.open(tmp_path / "history", learned_types(model.schema))
    with pytest.raises(InvalidDataError, match=culprit):
        build_features(history, tmp_path / "features.parquet", claims=file, engine=engine)
    if engine == "duckdb":
        with pytest.raises(
            InvalidDataError, match=r"claims of .*\.x_\w+: wrong type in \d rows? .*as the model has them"
        ):
            score(tmp_path / "history", file, tmp_path / "scores.parquet", model, now=NOW)


def test_numbers_as_text_are_numbers_for_a_model_that_learned_numbers(model: ClaimModel, tmp_path: Path) -> None:
    expected = scored(as_parquet(claims(tmp_path), tmp_path), model, tmp_path, "duckdb")
    text = claims(tmp_path, x_floor=["1", None, "3.0", "-2"], x_gift=["true", "false", "TRUE", None])
    found = scored(as_parquet(text, tmp_path), model, tmp_path, "duckdb")
    pd.testing.assert_frame_equal(found, expected)


def built(data: Path, out: Path, **types: Any) -> pd.DataFrame:
    build_features(DataSet.open(data, FeatureTypes(types)), out)
    return pd.read_parquet(out).set_index("claim_id")


def test_a_name_above_a_data_set_changes_no_feature(tmp_path: Path) -> None:
    folders = [tmp_path / "d", tmp_path / "x_run=7" / "claim_type=personal_injury" / "amount=5.00" / "d"]
    made = []
    for folder in folders:
        folder.mkdir(parents=True)
        claims(folder).to_parquet(folder / "claims.parquet")
        (folder / "new.parquet").unlink()
        made.append(built(folder, tmp_path / "features.parquet"))
    pd.testing.assert_frame_equal(made[0], made[1])


def test_features_of_csv_are_those_of_parquet_where_a_person_says_the_types(tmp_path: Path) -> None:
    frame = claims(tmp_path)
    made = []
    for name, write in (("one", as_parquet), ("two", as_csv)):
        (tmp_path / name).mkdir()
        file = write(frame, tmp_path / name)
        file.rename(file.with_name(f"CLAIMS{file.suffix}"))
        made.append(built(tmp_path / name, tmp_path / "features.parquet", x_price="text", x_flag="text"))
    pd.testing.assert_frame_equal(made[0], made[1], check_dtype=False)
    assert made[1]["x_zip"].tolist() == ZIPS
    assert made[1]["x_ratio"].isna().sum() == 2


def test_an_event_after_now_is_refused_before_anything_is_scored(model: ClaimModel, tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    file = as_csv(claims(tmp_path), tmp_path)
    early = ReadOptions(latest=datetime(2026, 3, 2, tzinfo=UTC))
    with pytest.raises(
        InvalidDataError, match=r"filed_at: a time after now in 2 rows \(found .*; expected a time that has come"
    ):
        score(tmp_path / "history", file, tmp_path / "scores.parquet", model, now=NOW, read=early)


def test_claims_beside_a_data_set_have_the_types_of_its_own_claims(tmp_path: Path) -> None:
    frame = claims(tmp_path)
    (tmp_path / "d").mkdir()
    frame.to_parquet(tmp_path / "d" / "claims.parquet")
    (tmp_path / "new.parquet").unlink()
    data_set, made = DataSet.open(tmp_path / "d"), []
    for write in (as_parquet, as_csv):
        build_features(data_set, tmp_path / "features.parquet", claims=write(frame, tmp_path))
        made.append(pd.read_parquet(tmp_path / "features.parquet"))
    pd.testing.assert_frame_equal(made[0], made[1], check_dtype=False)
    with pytest.raises(
        InvalidDataError, match=r"column x_price of NEW.PARQUET holds '1' .*expected text, as the data set has"
    ):
        build_features(
            data_set, tmp_path / "f.parquet", claims=as_parquet(frame.assign(x_price=[1, 2, 3, 4]), tmp_path)
        )
