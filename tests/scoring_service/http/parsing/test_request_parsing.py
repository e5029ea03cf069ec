"""From a body to a request: every field at fault is named, however many there are, and what may be left out is filled in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from claimvet.data.contract.tables import TABLES
from claimvet.scoring_service.errors import ConflictError, ProblemError, UnprocessableError
from claimvet.scoring_service.http.parsing.request_parsing import (
    MAX_ERRORS,
    MAX_EVENTS,
    MAX_EVIDENCE,
    events_request,
    rescore_request,
    score_request,
)
from tests.examples import examples
from tests.scoring_service.endpoint.running import PHOTO, claim

SELLER = {"seller_id": "S", "created_at": "2026-01-01T00:00:00Z"}
LAPSED = {
    "policy_id": "P",
    "seller_id": "S",
    "valid_from": "2026-01-02T00:00:00Z",
    "valid_to": "2026-01-01T00:00:00Z",
}


def fields(problem: ProblemError) -> list[str]:
    return [error.field for error in problem.errors]


def event(table: str, row: Any) -> dict[str, Any]:
    return {"table": table, "row": row}


@settings(max_examples=examples(40))
@given(st.lists(st.booleans(), max_size=60))
@example([True] + [False] * 2 * MAX_ERRORS)
def test_of_many_events_every_one_at_fault_is_named_up_to_a_number(good: list[bool]) -> None:
    events = [event("sellers", SELLER if well else {}) for well in good]
    at_fault = [f"events[{place}].row.seller_id" for place, well in enumerate(good) if not well]
    if not at_fault:
        assert len(events_request({"events": events}).events) == len(good)
        return
    rest = min(len(at_fault), MAX_ERRORS) - 1
    told = rf"^events\[{good.index(False)}\]\.row\.seller_id: seller_id is missing, expected .*"
    with pytest.raises(UnprocessableError, match=told + (f", and {rest} more$" if rest else r"characters$")) as raised:
        events_request({"events": events})
    assert fields(raised.value) == at_fault[:MAX_ERRORS]


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_row_of_any_table_is_refused_by_the_first_column_that_it_lacks(table: str) -> None:
    with pytest.raises(UnprocessableError, match="is missing, expected") as raised:
        events_request({"events": [event(table, {})]})
    assert fields(raised.value) == [f"events[0].row.{TABLES[table].column_names[0]}"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "^events is missing or null, expected a list$"),
        ({"events": "x"}, "^events is a string, expected a list$"),
        ({"events": 7}, "^events is a number, expected a list$"),
        ({"events": True}, "^events is a boolean, expected a list$"),
        ({"events": {}}, "^events is an object, expected a list$"),
        ({"events": [[]]}, r"^events\[0\]: events\[0\] is a list, expected an object with table and row$"),
        ({"events": [event("truth", {})]}, r"^events\[0\]\.table: the table is 'truth', expected one of customers, "),
        ({"events": [event("sellers", None)]}, r"^events\[0\]\.row: .* is missing or null, expected a row of sellers$"),
        (
            {"events": [{}] * (MAX_EVENTS + 1)},
            f"^events has {MAX_EVENTS + 1} entries, expected at most {MAX_EVENTS}$",
        ),
    ],
)
def test_what_is_no_list_of_events_is_refused_in_a_sentence(document: dict[str, Any], message: str) -> None:
    with pytest.raises(UnprocessableError, match=message):
        events_request(document)


def test_times_in_the_wrong_order_are_a_conflict_and_with_another_fault_no_longer() -> None:
    with pytest.raises(
        ConflictError, match="valid_to is '2026-01-01T00:00:00Z', expected valid_from at or before valid_to"
    ):
        events_request({"events": [event("insurance_policies", LAPSED)]})
    with pytest.raises(UnprocessableError, match=r", and 1 more$") as raised:
        events_request({"events": [event("insurance_policies", LAPSED), event("sellers", {})]})
    assert fields(raised.value) == ["events[0].row.valid_to", "events[1].row.seller_id"]


def test_evidence_takes_from_its_claim_what_it_leaves_out() -> None:
    bare = {"evidence_id": "E-1", "kind": "photo", "content_hash": "h"}
    request = score_request(claim(evidence=[bare, {**bare, "evidence_id": "E-2", "customer_id": "C-2"}]), "")
    filed_at = request.claim.row["filed_at"]
    assert dict(request.evidence[0].row) == {**bare, "claim_id": "CL-1", "customer_id": "C-1", "submitted_at": filed_at}
    assert request.evidence[1].row["customer_id"] == "C-2"
    said = score_request(claim(evidence=[{**bare, "claim_id": None, "customer_id": None, "submitted_at": None}]), "")
    assert said.evidence[0] == request.evidence[0]


def test_a_claim_and_its_evidence_are_named_together() -> None:
    body = claim(filed_at="today", evidence=[{**PHOTO, "kind": "film"}, 7, {**PHOTO, "claim_id": "CL-2"}])
    with pytest.raises(UnprocessableError, match=r"^filed_at: filed_at is 'today', expected .*, and 2 more$") as raised:
        score_request(body, "")
    assert fields(raised.value) == ["filed_at", "evidence[0].kind", "evidence[1]"]


def test_evidence_of_another_claim_is_refused() -> None:
    with pytest.raises(UnprocessableError, match="claim_id is 'CL-2', expected that of the claim or none") as raised:
        score_request(claim(evidence=[PHOTO, {**PHOTO, "claim_id": "CL-2"}]), "")
    assert fields(raised.value) == ["evidence[1].claim_id"]


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        ("x", "^evidence is a string, expected a list$"),
        ({}, "^evidence is an object, expected a list$"),
        (
            [PHOTO] * (MAX_EVIDENCE + 1),
            f"^evidence has {MAX_EVIDENCE + 1} entries, expected at most {MAX_EVIDENCE}$",
        ),
    ],
)
def test_what_is_no_list_of_evidence_is_refused_in_a_sentence(evidence: Any, message: str) -> None:
    with pytest.raises(UnprocessableError, match=message):
        score_request(claim(evidence=evidence), "")


@pytest.mark.parametrize(
    ("as_of", "shown"),
    [(5, "a number"), ("", "''"), ("2026-02-21", "'2026-02-21'"), ([], "a list"), (False, "a boolean")],
)
def test_an_instant_to_score_again_at_has_to_be_one(as_of: Any, shown: str) -> None:
    with pytest.raises(
        UnprocessableError, match=f"^as_of is {shown}, expected an RFC 3339 time with its zone, or null$"
    ):
        rescore_request("CL-1", {"as_of": as_of}, "")


def test_without_an_instant_it_is_this_moment() -> None:
    assert rescore_request("CL-1", {}, "").as_of is None
    assert rescore_request("CL-1", {"as_of": None}, "").as_of is None
    assert rescore_request("CL-1", {"as_of": "1970-01-01T00:00:01Z"}, "").as_of == 1_000_000
