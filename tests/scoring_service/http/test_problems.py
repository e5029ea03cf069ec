"""Every error is a problem document of its status, and what nobody foresaw says nothing of itself."""

from __future__ import annotations

import inspect
import json
import logging
import re

import pytest

from claimvet.data.contract import errors as contract
from claimvet.data.contract.errors import ClaimvetError, EventConflictError, RowError, StoreError
from claimvet.scoring_service import errors
from claimvet.scoring_service.errors import (
    ConflictError,
    FieldError,
    ProblemError,
    UnavailableError,
    UnprocessableError,
)
from claimvet.scoring_service.http.document.openapi import document
from claimvet.scoring_service.http.problems import MEDIA_TYPE, problem_of, response_of

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, ProblemError) and kind is not ProblemError
]
LOWER = [contract.InvalidDataError, contract.FeatureError, contract.ModelError, contract.GateError, contract.UsageError]


@pytest.mark.parametrize("kind", KINDS)
def test_a_problem_is_answered_with_its_status_its_sentence_and_its_fields(kind: type[ProblemError]) -> None:
    problem = kind("it cannot be")
    problem.errors = (FieldError("evidence[0].kind", "kind is 'film'"),)
    answer = response_of(problem_of(problem))
    assert (answer.status_code, answer.media_type) == (kind.status, MEDIA_TYPE)
    assert json.loads(bytes(answer.body)) == {
        "type": "about:blank",
        "title": kind.title,
        "status": kind.status,
        "detail": "it cannot be",
        "errors": [{"field": "evidence[0].kind", "message": "kind is 'film'"}],
    }


def test_the_tree_at_the_top_of_the_page_is_the_tree_of_the_code() -> None:
    drawn = re.findall(r"── (\w+) +(\d+) ", str(errors.__doc__))
    assert sorted(drawn) == sorted((kind.__name__, str(kind.status)) for kind in KINDS)
    assert drawn == sorted(drawn, key=lambda one: one[1])
    assert len({kind.status for kind in KINDS}) == len([kind for kind in KINDS if ProblemError in kind.__bases__])


def test_who_may_not_is_told_how_and_who_came_at_a_bad_time_is_told_when() -> None:
    assert response_of(errors.UnauthorizedError("no")).headers["www-authenticate"] == "Bearer"
    assert int(response_of(UnavailableError("no")).headers["retry-after"]) > 0
    for kind in (errors.TooLargeError, errors.RequestTimeoutError):  # the rest of the body is not read
        assert response_of(kind("no")).headers["connection"] == "close"


@pytest.mark.parametrize(
    ("error", "kind", "fields"),
    [
        (RowError("kind", "kind is 'film'"), UnprocessableError, ["kind"]),
        (EventConflictError("returns", ("R-1",), "R-1: it was another"), ConflictError, ["returns[R-1]"]),
        (
            EventConflictError("identity_links", ("C", "phone", "t"), "other"),
            ConflictError,
            ["identity_links[C, phone, t]"],
        ),
    ],
)
def test_errors_of_the_lower_floors_become_problems(
    error: ClaimvetError, kind: type[ProblemError], fields: list[str]
) -> None:
    problem = problem_of(error)
    assert type(problem) is kind
    assert problem.detail == str(error)
    assert [one.field for one in problem.errors] == fields


SECRET = "postgresql://claimvet:PASSWORD@db/claimvet at /var/lib/claimvet"


@pytest.mark.parametrize("kind", [*LOWER, StoreError])
def test_an_error_that_may_name_an_address_or_a_path_is_told_to_the_log_alone(
    kind: type[ClaimvetError], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "claimvet"):
        problem = problem_of(kind(SECRET))
    assert problem.status == (503 if kind is StoreError else 500)
    assert problem.detail.endswith("the log has more")
    assert [record.fields for record in caplog.records] == [  # type: ignore[attr-defined]
        {"error": kind.__name__, "text": SECRET}
    ]


def test_an_error_of_a_library_says_nothing_outside_and_its_kind_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "claimvet"):
        problem = problem_of(ValueError("CL-SECRET"))
    assert (problem.status, problem.errors) == (500, ())
    assert problem.detail == "something went wrong that should not have; the log has more"
    assert [record.fields for record in caplog.records] == [{"error": "ValueError"}]  # type: ignore[attr-defined]


def test_the_documentation_lists_no_status_that_cannot_be() -> None:
    known = {str(kind.status) for kind in KINDS} | {"200", "500"}
    listed = {
        status
        for item in document()["paths"].values()
        for method in ("get", "post")
        for status in item.get(method, {}).get("responses", {})
    }
    assert listed == known
