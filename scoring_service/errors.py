"""Every answer of the endpoint that is not a success, in one tree; each class carries its HTTP status.

    ProblemError               RFC 9457, `application/problem+json`
    ├── BadRequestError        400  the body is no JSON, or did not come whole
    ├── UnauthorizedError      401  no API key, or none that is good
    ├── ForbiddenError         403  the key's role may not
    ├── NotFoundError          404  no such claim
    ├── RequestTimeoutError    408  the body did not arrive in time
    ├── ConflictError          409  at odds with what is known already
    ├── TooLargeError          413  more than the endpoint takes at once
    ├── UnsupportedMediaError  415  not sent as JSON
    ├── UnprocessableError     422  JSON that breaks the contract
    ├── TooLargeHeadError      431  a request line and headers of more than the endpoint takes
    └── UnavailableError       503  nothing was acknowledged, and the same request may be sent again
        ├── SupersededError    503  another version of the features has taken over the store
        └── OutageError        503  the store cannot be reached; the one error for which a claim may go into the outage queue

`scoring_service.http.problems` turns them, and the errors of the lower floors, into responses; nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from claimvet.data.contract.errors import ClaimvetError


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field: its path (`evidence[0].kind`), and a sentence that says what was expected.

    `at_odds` where the field is good by itself and only another one speaks against it.
    """

    field: str
    message: str
    at_odds: bool = False


class ProblemError(ClaimvetError):
    """An answer that is not a success; `detail` is one sentence, `errors` name the fields at fault."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(
        self, detail: str, errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


class BadRequestError(ProblemError):
    """The body is no JSON, or did not come whole."""

    status, title = 400, "Not JSON"


class UnauthorizedError(ProblemError):
    """No API key, or none that is good."""

    status, title = 401, "No good API key"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class ForbiddenError(ProblemError):
    """The key's role may not do this."""

    status, title = 403, "Not with this API key"


class NotFoundError(ProblemError):
    """There is no such claim."""

    status, title = 404, "Not found"


class RequestTimeoutError(ProblemError):
    """The body did not arrive in time; the rest of it is not waited for."""

    status, title = 408, "Too slow"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Connection": "close"})


class ConflictError(ProblemError):
    """At odds with what is known already."""

    status, title = 409, "Conflict"


class TooLargeError(ProblemError):
    """More than the endpoint takes at once; the rest of the body is not read."""

    status, title = 413, "Too large"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Connection": "close"})


class UnsupportedMediaError(ProblemError):
    """Not sent as JSON."""

    status, title = 415, "Not sent as JSON"


class UnprocessableError(ProblemError):
    """JSON that breaks the contract."""

    status, title = 422, "Breaks the contract"


class TooLargeHeadError(ProblemError):
    """A request's line and headers are more than the endpoint takes."""

    status, title = 431, "Too large a head"


class UnavailableError(ProblemError):
    """Something that is needed is not there; nothing was acknowledged, so the same request may be sent again."""

    status, title = 503, "Not available"

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail, errors, headers={"Retry-After": "2"})


class OutageError(UnavailableError):
    """The store cannot be reached: it is gone, full, or somebody else holds it; never an error of a row or of a setting."""


class SupersededError(UnavailableError):
    """Another version of the features has taken over the store: this instance would answer wrong features, so it answers nothing."""
