"""What is decided together is decided as if one came after the other, and nobody's trouble is another's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.data.contract.errors import FeatureError
from claimvet.scoring_service.decisions import ledger
from claimvet.scoring_service.decisions.decided import Decided
from claimvet.scoring_service.errors import ConflictError, NotFoundError, ProblemError
from claimvet.scoring_service.store import EventStore
from tests.examples import examples
from tests.scoring_service.endpoint.deciding import Office, Request, again, events, scoring
from tests.scoring_service.endpoint.running import PHOTO, claim
from tests.scoring_service.endpoint.small_model import saved, small_model

KINDS = ["claim", "with evidence", "twice", "other body", "odd column", "again", "again of none", "again too early"]


def own(number: int, **changed: Any) -> dict[str, Any]:
    """A claim that shares nobody with another one."""
    parties = {f"{party}_id": f"{party}-{number}" for party in ("customer", "seller", "product")}
    return claim(f"CL-{number}", **parties, amount_claimed=50.0 * (number + 1), **changed)


def asked(number: int, kind: str) -> Request:
    """A request about the claim of that number; some of them are about one that was scored before."""
    known = f"CL-{number + 1000}"
    requests: dict[str, Request] = {
        "claim": scoring(own(number)),
        "with evidence": scoring(own(number, evidence=[{**PHOTO, "evidence_id": f"E-{number}"}])),
        "twice": scoring(own(number + 1000)),
        "other body": scoring(own(number + 1000, narrative="another one")),
        "odd column": scoring(own(number, x_odd=1)),
        "again": again(known, "2026-03-01T00:00:00Z"),
        "again of none": again("none"),
        "again too early": again(known, "2026-02-21T09:30:00Z"),
    }
    return requests[kind]


def told(answers: list[Any]) -> list[Any]:
    """What a client would see."""
    return [
        (type(one), one.detail) if isinstance(one, ProblemError) else (json.loads(one.entry.answer), one.disposition)
        for one in answers
    ]


@settings(max_examples=examples(10), deadline=None)
@given(kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=12))
def test_together_is_one_after_the_other(
    tmp_path_factory: pytest.TempPathFactory, model: Path, kinds: list[str]
) -> None:
    requests = [asked(number, kind) for number, kind in enumerate(kinds)]
    known = [scoring(own(number + 1000)) for number in range(len(kinds))]
    found = []
    for way in ("together", "one_by_one"):
        store = EventStore.open(f"sqlite:///{tmp_path_factory.mktemp('office') / 'store.db'}")
        office = Office(store, model)
        office.together(*known)
        found.append(sorted_by_claim(told(getattr(office, way)(*requests))))
        store.close()
    assert found[0] == found[1]


def sorted_by_claim(answers: list[Any]) -> list[Any]:
    """Without the numbers of decisions, which those that are seen together get in another order."""
    return [
        ({name: value for name, value in answer.items() if name != "decision_id"}, rest)
        if isinstance(answer, dict)
        else (answer, str(rest).split(" (decision")[0])
        for answer, rest in answers
    ]


def test_each_is_answered_in_its_place(sqlite: EventStore, model: Path) -> None:
    office = Office(sqlite, model)
    seller = ("sellers", {"seller_id": "S", "created_at": "2026-01-01T00:00:00Z"})
    office.together(scoring(own(0)))
    count, missing, first, other, early = office.together(
        events(seller, seller),
        again("none"),
        scoring(own(1)),
        scoring({**own(0), "amount_claimed": 1.0}),
        again("CL-0", "2026-01-01T00:00:00Z"),
    )
    assert count == 2
    assert isinstance(missing, NotFoundError)
    assert isinstance(first, Decided)
    assert (first.entry.claim_id, first.disposition) == ("CL-1", json.loads(first.entry.answer)["disposition"])
    assert isinstance(other, ConflictError)
    assert "was scored before with another body (decision D-1), expected the same" in other.detail
    assert isinstance(early, ConflictError)
    assert "expected later than filed_at, 2026-02-21T09:30:00.000000Z" in early.detail


def test_a_claim_that_a_model_refuses_costs_the_others_nothing(sqlite: EventStore, model: Path) -> None:
    found = Office(sqlite, model).together(
        *(scoring(own(number, **({"x_odd": 1} if number == 1 else {}))) for number in range(3))
    )
    assert [one.entry.degraded is None for one in found] == [True, False, True]
    assert "x_odd" in found[1].entry.degraded
    assert (found[1].entry.model_version, found[1].disposition) == (None, "refer_to_expert")
    reviews = [json.loads(one.entry.experts)["reviews"] for one in found]
    assert reviews[1] == reviews[0] + 1, "of the experts of its day"
    assert found[1].entry.features is not None


def test_claims_whose_features_cannot_be_had_go_to_an_expert(
    sqlite: EventStore, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sqlite.features_together

    def some(claims: Any, connection: sa.Connection) -> Any:
        if any(one["claim_id"] == "CL-1" for one in claims):
            raise FeatureError("a table is on fire")
        return whole(claims, connection)

    monkeypatch.setattr(sqlite, "features_together", some)
    found = Office(sqlite, model).together(*(scoring(own(number)) for number in range(3)))
    assert [one.entry.features is None for one in found] == [False, True, False]
    answer = json.loads(found[1].entry.answer)
    assert (answer["disposition"], answer["p_valid"]) == ("refer_to_expert", None)
    assert answer["reasons"][0]["text"] == "its features could not be computed: a table is on fire"


def test_without_a_model_all_are_recorded_and_none_is_scored(sqlite: EventStore, tmp_path: Path) -> None:
    office = Office(sqlite, tmp_path)
    found = office.together(scoring(own(0)), scoring(own(1)))
    assert {one.entry.degraded for one in found} == {"there is no model that works; the log says why"}
    with sqlite.begin() as connection:
        assert list(ledger.first_decisions(["CL-0", "CL-1"], connection)) == ["CL-0", "CL-1"]
        assert [row[0] for row in connection.exec_driver_sql("SELECT claim_id FROM claims")] == ["CL-0", "CL-1"]


def test_a_model_in_the_shadow_is_recorded_and_never_answered(sqlite: EventStore, model: Path, tmp_path: Path) -> None:
    other = saved(small_model(2, extra=("x_site",)), tmp_path / "other")
    beside = [one.entry for one in Office(sqlite, model, shadow=other).together(scoring(own(0)))]
    alone = EventStore.open(f"sqlite:///{tmp_path / 'alone.db'}")
    assert json.loads(Office(alone, model).together(scoring(own(0)))[0].entry.answer) == json.loads(beside[0].answer)
    alone.close()
    shadow = json.loads(beside[0].shadow or "")
    assert shadow["model_version"] == small_model(2, extra=("x_site",)).version
    assert "x_site" in shadow["problem"]
