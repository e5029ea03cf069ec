"""Request parsing: limits first, then JSON, then the rows of the contract; every error names its field."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request

from claimvet.data.contract.errors import RowError, TimeOrderError
from claimvet.data.contract.tables import TABLES
from claimvet.scoring_service.decisions.requests import EventsRequest, RescoreRequest, ScoreRequest
from claimvet.scoring_service.errors import (
    BadRequestError,
    ConflictError,
    FieldError,
    RequestTimeoutError,
    TooLargeError,
    UnprocessableError,
    UnsupportedMediaError,
)
from claimvet.scoring_service.http.parsing.rows import parse_row
from claimvet.scoring_service.json_text import parsed
from claimvet.scoring_service.store import StoredEvent
from claimvet.scoring_service.times import parse_rfc3339

MAX_CLAIM_BYTES = 1_000_000
MAX_EVENT_BYTES = 16_000_000
"""Bytes of a body, at most; what is larger is answered before it is read to the end."""
MAX_EVIDENCE = 1_000
"""Pieces of evidence that a claim can bring along."""
MAX_EVENTS = 20_000
"""Events in one request; they are one transaction, and claims wait for it."""
MAX_ERRORS = 20
"""Fields that one answer names, at most."""
BODY_SECONDS = 20.0
"""Time for a body to arrive in."""
_STRINGS = re.compile(rb'"(?:[^"\\]+|\\.)*"\s*(:?)', re.DOTALL)
"""A string of JSON, and the colon behind it that makes a name of it."""


async def read_body(request: Request, most: int, seconds: float = BODY_SECONDS) -> bytes:
    """Return the body; raise `TooLargeError` beyond `most` bytes, `RequestTimeoutError` where it takes too long to arrive,
    `BadRequestError` where the client hangs up before its end."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise TooLargeError(f"the body has {declared} bytes, expected at most {most}")
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise TooLargeError(f"the body has more than {most} bytes, expected at most that")
    except TimeoutError:
        raise RequestTimeoutError(f"the body did not arrive within {seconds:g} seconds") from None
    except ClientDisconnect:
        raise BadRequestError(f"the client hung up after {len(body)} bytes, expected the whole body") from None
    return bytes(body)


def json_object(request: Request, body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; raise `UnsupportedMediaError`, `BadRequestError` or `UnprocessableError`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMediaError(f"the content type is {kind or 'missing'}, expected application/json")
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise UnsupportedMediaError(f"the content encoding is {coding}, expected none")
    if not body.strip():
        raise BadRequestError("the body is empty, expected a JSON object")
    try:
        value = parsed(body)
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"the body is no JSON ({error}), expected a JSON object in UTF-8 without NaN") from None
    if not isinstance(value, dict):
        raise _wrong("", f"the body is {_kind(value)}, expected a JSON object")
    if sum(map(_is_name, _STRINGS.finditer(body))) != _names_in(value):
        raise BadRequestError(f"the body has {_named_twice(body)} twice in one object, expected every name once")
    return value


def score_request(document: dict[str, Any], received: str) -> ScoreRequest:
    """Parse a claim's row with its optional list `evidence`; raise `UnprocessableError` naming every field at fault.

    A row of evidence may leave out `claim_id` and `customer_id`, which are then the claim's, and `submitted_at`, then `filed_at`; null
    means the same.
    """
    evidence = document.pop("evidence", None)
    evidence = [] if evidence is None else evidence
    _require_list(evidence, "evidence", MAX_EVIDENCE)
    errors: list[FieldError] = []
    claim = _row("claims", document, "", errors)
    shared = {"claim_id": document.get("claim_id"), "customer_id": document.get("customer_id")}
    shared["submitted_at"] = document.get("filed_at")
    pieces = [
        _row("evidence", _with_defaults(row, shared), f"evidence[{place}]", errors)
        for place, row in enumerate(evidence)
    ]
    for place, piece in enumerate(pieces):
        if claim is not None and piece is not None and piece.row["claim_id"] != claim.row["claim_id"]:
            message = f"claim_id is {piece.row['claim_id']!r}, expected that of the claim or none"
            errors.append(FieldError(f"evidence[{place}].claim_id", message))
    _raise_any(errors)
    assert claim is not None
    return ScoreRequest(claim, tuple(piece for piece in pieces if piece is not None), received)


def rescore_request(claim_id: str, document: dict[str, Any], received: str) -> RescoreRequest:
    """Parse a claim's id in the path and `as_of` in the body, null or left out for now; raise `UnprocessableError`."""
    as_of = document.get("as_of")
    try:
        instant = None if as_of is None else parse_rfc3339(as_of if isinstance(as_of, str) else "")
    except ValueError:
        raise _wrong("as_of", f"as_of is {_shown(as_of)}, expected an RFC 3339 time with its zone, or null") from None
    return RescoreRequest(claim_id, instant, received)


def events_request(document: dict[str, Any]) -> EventsRequest:
    """Parse the events of a body `{"events": [{"table": …, "row": …}, …]}`; raise `UnprocessableError` naming the fields at fault."""
    events = document.get("events")
    _require_list(events, "events", MAX_EVENTS)
    errors: list[FieldError] = []
    found = []
    for place, event in enumerate(events or []):
        found.append(_event(event, f"events[{place}]", errors))
        if len(errors) >= MAX_ERRORS:
            break
    _raise_any(errors)
    return EventsRequest(tuple(event for event in found if event is not None))


def _is_name(string: re.Match[bytes]) -> bool:
    """Take it string by string, so that other threads have their turn within a large body."""
    return bool(string.group(1))


def _names_in(value: Any) -> int:
    """Return how many names the objects of a document have, each once; a parser keeps but one of two, and another
    one may keep the other.
    """
    found, rest = 0, [value]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            found += len(one)
            rest += [each for each in one.values() if isinstance(each, dict | list)]
        else:
            rest += [each for each in one if isinstance(each, dict | list)]
    return found


def _named_twice(body: bytes) -> str:
    twice: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        twice.extend(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)

    try:
        json.loads(body, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return "a name"
    return _shown(twice[0]) if twice else "a name"


def _event(event: Any, where: str, errors: list[FieldError]) -> StoredEvent | None:
    if not isinstance(event, dict):
        errors.append(FieldError(where, f"{where} is {_kind(event)}, expected an object with table and row"))
        return None
    table = event.get("table")
    if not isinstance(table, str) or table not in TABLES:
        message = f"the table is {_shown(table)}, expected one of {', '.join(TABLES)}"
        errors.append(FieldError(f"{where}.table", message))
        return None
    return _row(table, event.get("row"), f"{where}.row", errors)


def _row(table: str, row: Any, where: str, errors: list[FieldError]) -> StoredEvent | None:
    if not isinstance(row, Mapping):
        errors.append(FieldError(where, f"{where} is {_kind(row)}, expected a row of {table}"))
        return None
    try:
        return parse_row(table, row)
    except RowError as error:
        path = ".".join(part for part in (where, error.field) if part)
        errors.append(FieldError(path, str(error), at_odds=isinstance(error, TimeOrderError)))
        return None


def _with_defaults(row: Any, shared: Mapping[str, Any]) -> Any:
    if not isinstance(row, dict):
        return row
    return {**row, **{name: value for name, value in shared.items() if row.get(name) is None}}


def _require_list(value: Any, field: str, most: int) -> None:
    if not isinstance(value, list):
        raise _wrong(field, f"{field} is {_kind(value)}, expected a list")
    if len(value) > most:
        raise _wrong(field, f"{field} has {len(value)} entries, expected at most {most}")


def _raise_any(errors: list[FieldError]) -> None:
    if errors:
        kind = ConflictError if all(error.at_odds for error in errors) else UnprocessableError
        rest = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
        raise kind(f"{errors[0].field or 'the body'}: {errors[0].message}{rest}", errors[:MAX_ERRORS])


def _wrong(field: str, message: str) -> UnprocessableError:
    return UnprocessableError(message, [FieldError(field, message)])


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return "missing or null" if value is None else names.get(type(value), "of an unknown kind")


def _shown(value: Any) -> str:
    return repr(value)[:60] if isinstance(value, str) else _kind(value)
