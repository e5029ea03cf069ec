"""The one place where errors become answers: RFC 9457 problem documents that name the field."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from claimvet.data.contract.errors import ClaimvetError, EventConflictError, RowError, StoreError
from claimvet.scoring_service.errors import (
    ConflictError,
    FieldError,
    ProblemError,
    UnavailableError,
    UnprocessableError,
)
from claimvet.scoring_service.json_text import text

MEDIA_TYPE = "application/problem+json"
_LOG = logging.getLogger("claimvet.service")


def problem_of(error: Exception) -> ProblemError:
    """Return the problem document of an error; addresses, paths and what libraries say go to the log alone."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, RowError):
        return UnprocessableError(str(error), [FieldError(error.field, str(error))])
    if isinstance(error, EventConflictError):
        where = f"{error.table}[{', '.join(error.key)}]"
        return ConflictError(str(error), [FieldError(where, str(error))])
    told = (
        {"text": str(error)} if isinstance(error, ClaimvetError) else {}
    )  # what one of a library says might hold data
    fields = {"error": type(error).__name__, **told}
    if isinstance(error, StoreError):
        _LOG.error("the event store failed", exc_info=error, extra={"fields": fields})
        return UnavailableError("the event store cannot be asked; the log has more")
    _LOG.error("unexpected error", exc_info=error, extra={"fields": fields})
    return ProblemError("something went wrong that should not have; the log has more")


def response_of(problem: ProblemError) -> Response:
    """Return the response to send."""
    return _response(problem.status, problem.title, problem.detail, problem.errors, problem.headers)


def _response(
    status: int, title: str, detail: str, errors: Sequence[FieldError] = (), headers: dict[str, str] | None = None
) -> Response:
    document: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    document["errors"] = [{"field": error.field, "message": error.message} for error in errors]
    return Response(text(document), status, headers, MEDIA_TYPE)


def install(app: Starlette) -> None:
    """Make `app` answer every error this way."""

    async def on_error(request: Request, error: Exception) -> Response:
        return response_of(problem_of(error))

    async def on_http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        title = HTTPStatus(error.status_code).phrase
        detail = f"{request.method} {request.url.path}: {title.lower()}; /openapi.json lists what can be asked"
        return _response(error.status_code, title, detail, headers=dict(error.headers or {}))

    app.add_exception_handler(ClaimvetError, on_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(Exception, on_error)
