"""A value of the user's own column means at the endpoint what it means in a file; what the model cannot have learned is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from claimvet.data.contract.errors import InvalidDataError
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.pipeline.stages.score import score
from claimvet.scoring_service.errors import UnprocessableError
from claimvet.scoring_service.store import EventStore
from tests.scoring_service.endpoint.deciding import Office, again, events, scoring
from tests.scoring_service.endpoint.running import NOW, claim
from tests.scoring_service.endpoint.small_model import INPUTS, saved, suspicious_of_returns

ZIPS = ["7", "07", "7.0", "true", " 7"]
SHARES = ("p_valid", "p_frivolous", "p_abusive")


@pytest.fixture(scope="module")
def learned() -> ClaimModel:
    """A model that learned a text, a number and a boolean of the user's own, and minds each of them."""
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({name: rng.poisson(2, 900).astype("float64") for name in INPUTS})
    rows["claim_type"] = rng.choice(["property_damage", "personal_injury"], len(rows))
    rows["x_zip"] = rng.choice(ZIPS, len(rows))
    rows["x_floor"] = rng.normal(0, 5, len(rows)).round()
    rows["x_gift"] = rng.random(len(rows)) < 0.5
    chance = rows["x_zip"].map(dict(zip(ZIPS, (3.0, -3.0, 1.0, -1.0, 0.0), strict=True))) + rows["x_floor"] / 4
    return suspicious_of_returns(rows, (chance + 2.0 * rows["x_gift"]).to_numpy(), depth=4, trees=20, seed=1)


@pytest.fixture
def office(sqlite: EventStore, learned: ClaimModel, tmp_path: Path) -> Office:
    return Office(sqlite, saved(learned, tmp_path / "model"))


def own(name: str, **values: Any) -> dict[str, Any]:
    return claim(name, **{"x_zip": "7", "x_floor": 1.0, "x_gift": True, **values})


def batch(rows: list[dict[str, Any]], model: ClaimModel, folder: Path) -> dict[str, dict[str, Any]]:
    """The scores of a file with these claims, by claim."""
    (folder / "history").mkdir(exist_ok=True)
    frame = pd.DataFrame(rows)
    for name in ("incident_at", "filed_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True)
    frame["order_id"] = frame["order_id"].astype("str").where(frame["order_id"].notna())
    frame.to_parquet(folder / "new.parquet")
    score(folder / "history", folder / "new.parquet", folder / "scores.json", model, now=NOW)
    return {row["claim_id"]: row for row in json.loads((folder / "scores.json").read_text())}


NUMBERS = [{"x_floor": number} for number in (7, 7.0, -0.5, None)] + [{"x_gift": flag} for flag in (False, None)]
TEXTS: list[dict[str, Any]] = [{"x_zip": text, "x_floor": "1"} for text in [*ZIPS, "unseen", "", None]]
TEXTS += [
    {"x_floor": text} for text in ("7", " 7 ", "+7", "7.", "07", "7e0", "TRUE", "false", "inf", "1e999", "NaN", None)
]


@pytest.mark.parametrize("values", [NUMBERS, TEXTS], ids=["numbers", "texts"])
def test_a_value_scores_at_the_endpoint_as_in_a_file(
    values: list[dict[str, Any]], office: Office, learned: ClaimModel, tmp_path: Path
) -> None:
    rows = [own(f"CL-{number}", **one) for number, one in enumerate(values)]
    expected = batch(rows, learned, tmp_path)
    answers = [json.loads(one.entry.answer) for one in office.together(*map(scoring, rows))]
    for row, answer in zip(rows, answers, strict=True):
        wanted = expected[row["claim_id"]]
        assert [answer[name] for name in SHARES] == [wanted[name] for name in SHARES], row
        assert [(r["feature"], r["text"]) for r in answer["reasons"]] == [
            (r["feature"], r["text"]) for r in wanted["reasons"]
        ]
    assert len({answer["p_valid"] for answer in answers}) > 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"x_zip": 7}, "x_zip is the number 7, expected text, as the model has them"),
        ({"x_zip": 7.0}, "x_zip is the number 7.0, expected text"),
        ({"x_zip": True}, "x_zip is the boolean true, expected text"),
        ({"x_floor": "ground"}, "x_floor is 'ground', expected numbers, as the model has them"),
        ({"x_floor": "1_000"}, "x_floor is '1_000', expected numbers"),
        ({"x_floor": "٧"}, "x_floor is '٧', expected numbers"),
        ({"x_floor": ""}, "x_floor is '', expected numbers"),
        ({"x_gift": "yes"}, "x_gift is 'yes', expected numbers"),
    ],
)
def test_what_the_model_cannot_have_learned_is_refused_by_both_and_stops_nothing_beside_it(
    wrong: dict[str, Any], said: str, office: Office, learned: ClaimModel, tmp_path: Path
) -> None:
    with pytest.raises(InvalidDataError, match=next(iter(wrong))):
        batch([own("CL-1", **wrong)], learned, tmp_path)
    before, error, after = office.together(scoring(own("CL-0")), scoring(own("CL-1", **wrong)), scoring(own("CL-2")))
    assert isinstance(error, UnprocessableError)
    assert said in error.detail
    assert [one.field for one in error.errors] == list(wrong)
    assert before.entry.degraded is None
    assert after.entry.degraded is None
    with office.store.begin() as connection:
        assert office.store.claim("CL-1", connection) is None
    assert office.together(scoring(own("CL-1")))[0].entry.degraded is None


def test_a_claim_that_was_decided_before_is_answered_again_whatever_a_newer_model_learned(
    office: Office, learned: ClaimModel, tmp_path: Path
) -> None:
    first = office.together(scoring(own("CL-1", x_floor=None)))[0].entry
    assert office.together(scoring(own("CL-1")))[0].entry.degraded is None
    refused = office.together(scoring(own("CL-1", x_floor="ground")))[0]
    assert not hasattr(refused, "entry")
    assert office.together(scoring(own("CL-1", x_floor=None)))[0].entry == first


def test_what_an_event_says_of_a_claim_is_kept_and_such_a_claim_goes_to_an_expert(office: Office) -> None:
    assert office.together(events(("claims", own("CL-1", x_zip=7))))[0] == 1
    for asked in (scoring(own("CL-1", x_zip=None)), again("CL-1")):
        assert "feature x_zip holds 7, expected text" in office.together(asked)[0].entry.degraded
