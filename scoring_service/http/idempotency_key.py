"""The header `Idempotency-Key` of a POST, which makes it safe to send again (`scoring_service.decisions.idempotency`)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from claimvet.scoring_service.auth.keys import ApiKey
from claimvet.scoring_service.decisions.idempotency import HEADER, LONGEST_KEY, Idempotency
from claimvet.scoring_service.errors import FieldError, UnprocessableError

PARAMETER: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Any text that names this request, such as a UUID. For a day the same key with the same body is answered with the same "
    "bytes, and nothing is done a second time; with another body it is a 422.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
}
"""As the OpenAPI document describes it."""


def idempotency_of(request: Request, caller: ApiKey, body: bytes) -> Idempotency | None:
    """Return what the request is known by, None where it has no such header.

    Raises:
        UnprocessableError: where the key is empty, too long, or there are several.
    """
    keys = request.headers.getlist(HEADER)
    if not keys:
        return None
    if len(keys) > 1 or not 1 <= len(keys[0]) <= LONGEST_KEY:
        message = f"{HEADER} is given {len(keys)} times" if len(keys) > 1 else f"{HEADER} has {len(keys[0])} characters"
        message = f"{message}, expected one of 1 to {LONGEST_KEY} characters"
        raise UnprocessableError(message, [FieldError(HEADER, message)])
    return Idempotency.of(caller.key_id, f"{request.method} {request.url.path}", keys[0], body)
