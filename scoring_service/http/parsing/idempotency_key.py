"""The `Idempotency-Key` of a request (draft-ietf-httpapi-idempotency-key-header): the same key and body, the same answer."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from claimvet.scoring_service.auth.keys import ApiKey
from claimvet.scoring_service.decisions.idempotency import HEADER, MAX_KEY_LENGTH, Idempotency
from claimvet.scoring_service.errors import FieldError, UnprocessableError
from claimvet.scoring_service.http.parsing.column_schemas import compiled

SCHEMA: dict[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_KEY_LENGTH,
    "pattern": "^[!-~]([ -~]*[!-~])?$",
}
"""Visible ASCII characters, with blanks between them: a UUID, say, with quotation marks or without, which are part of the key."""
_allows = compiled(SCHEMA)


def idempotency_of(request: Request, key: ApiKey, body: bytes) -> Idempotency | None:
    """Return the request's idempotency key with what it was sent with; None without one.

    Raises:
        UnprocessableError: where the header is no key, or comes twice.
    """
    found = request.headers.getlist(HEADER)
    if not found:
        return None
    if len(found) > 1 or not _allows(found[0]):
        message = (
            f"the header {HEADER} is no key, expected it once, with 1 to {MAX_KEY_LENGTH} visible ASCII characters"
        )
        raise UnprocessableError(message, [FieldError(HEADER, message)])
    return Idempotency.of(key.key_id, f"{request.method} {request.url.path}", found[0], body)
