"""The endpoint's own description, OpenAPI 3.1: made from the contract's tables, with examples that run.

A row's schema says what `scoring_service.http.parsing.rows` takes, column by column, so the two cannot drift: a test sends what the schema
allows, and what it does not.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from claimvet.data.contract.tables import LABELS, TABLES
from claimvet.models.policy.policy import DISPOSITIONS
from claimvet.scoring_service.decisions import idempotency
from claimvet.scoring_service.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ProblemError,
    RequestTimeoutError,
    TooLargeError,
    TooLargeHeadError,
    UnauthorizedError,
    UnavailableError,
    UnprocessableError,
    UnsupportedMediaError,
)
from claimvet.scoring_service.http.document import examples
from claimvet.scoring_service.http.document.row_schemas import claim_schema, row_schema
from claimvet.scoring_service.http.parsing import idempotency_key, request_parsing
from claimvet.scoring_service.http.parsing.column_schemas import TIME, nullable, value_schema
from claimvet.scoring_service.http.problems import MEDIA_TYPE

_KEYED: tuple[type[ProblemError], ...] = (UnauthorizedError, ForbiddenError, UnavailableError)
_BODY: tuple[type[ProblemError], ...] = (
    BadRequestError,
    RequestTimeoutError,
    ConflictError,
    TooLargeError,
    UnsupportedMediaError,
    UnprocessableError,
)
_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "number"}
_PERHAPS_TEXT = nullable(_TEXT)


def document() -> dict[str, Any]:
    """Return the whole document, as JSON values."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Claimvet",
            "version": version("claimvet"),
            "summary": "Scores a claim while it is taken in, and keeps every decision.",
            "description": "Claims of customers against sellers, scored as valid, frivolous or abusive. Errors are problem documents.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The instance, or the proxy before it, that serves this document."}],
        "tags": [
            {"name": "claims", "description": "What an API key is needed for."},
            {"name": "health", "description": "What anyone may ask."},
        ],
        "security": [{"key": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key of `claimvet keys create`."}
            },
            "schemas": _schemas(),
            "parameters": {"claim_id": _claim_id(), "idempotency_key": _idempotency_key()},
        },
    }


def _paths() -> dict[str, Any]:
    return {
        "/v1/claims/score": {"post": _score()},
        "/v1/claims/{claim_id}": {"parameters": [_ref("parameters", "claim_id")], "get": _claim()},
        "/v1/claims/{claim_id}/rescore": {"parameters": [_ref("parameters", "claim_id")], "post": _rescore()},
        "/v1/events": {"post": _events()},
        "/healthz": {"get": _open("healthz", "Whether the process lives", _json("Alive", _schema("Alive")))},
        "/readyz": {
            "get": _open(
                "readyz",
                "Whether claims can be scored, and with which model",
                _json("Able to score", _schema("Ready")),
                UnavailableError,
            )
        },
        "/metrics": {"get": _open("metrics", "Metrics for Prometheus", _plain("Metrics in Prometheus' text format"))},
    }


def _score() -> dict[str, Any]:
    return {
        "operationId": "score",
        "tags": ["claims"],
        "summary": "Score a claim",
        "description": "The same claim_id with the same body answers the same decision again; with another body, 409. "
        "The claim and its evidence become events of the store. Answered means durable.",
        "parameters": [_ref("parameters", "idempotency_key")],
        "requestBody": _body("ClaimToScore", {"claim": {"value": examples.CLAIM}}),
        "responses": _responses(_json("The decision", _schema("Decision")), *_KEYED, *_BODY),
    }


def _claim() -> dict[str, Any]:
    return {
        "operationId": "claim",
        "tags": ["claims"],
        "summary": "The decisions on a claim, with the feature values that they saw",
        "description": "The first decision, as it was made, and all of them, oldest first.",
        "responses": _responses(_json("The decisions", _schema("History")), *_KEYED, NotFoundError),
    }


def _rescore() -> dict[str, Any]:
    return {
        "operationId": "rescore",
        "tags": ["claims"],
        "summary": "Score a claim again, with what is known now",
        "description": "`as_of`, this moment where it is left out, takes the place of filed_at; it must be later than that. "
        "The new decision stands beside the old ones.",
        "parameters": [_ref("parameters", "idempotency_key")],
        "requestBody": _body("Rescore", {"then": {"value": {"as_of": examples.LATER}}}, required=False),
        "responses": _responses(_json("The new decision", _schema("Decision")), *_KEYED, *_BODY, NotFoundError),
    }


def _events() -> dict[str, Any]:
    return {
        "operationId": "events",
        "tags": ["claims"],
        "summary": "Send events of any table of the contract",
        "description": "All or nothing. A key seen before with the same row is accepted and changes nothing; with another row, "
        "409, but null in either says nothing: it is filled, and takes nothing back. The answer is sent once the events are durable.",
        "parameters": [_ref("parameters", "idempotency_key")],
        "requestBody": _body("Events", {"events": {"value": {"events": examples.EVENTS}}}),
        "responses": _responses(_json("All of them are durable", _schema("Accepted")), *_KEYED, *_BODY),
    }


def _open(name: str, summary: str, good: dict[str, Any], *problems: type[ProblemError]) -> dict[str, Any]:
    """Return an operation that needs no key."""
    described = {
        "operationId": name,
        "tags": ["health"],
        "summary": summary,
        "description": f"{summary}; without a key.",
    }
    return {**described, "security": [], "responses": _responses(good, *problems)}


def _responses(good: dict[str, Any], *problems: type[ProblemError]) -> dict[str, Any]:
    """Responses of an operation by status; each error is a problem document."""
    answers = {"200": good}
    kinds: set[type[ProblemError]] = {*problems, BadRequestError, TooLargeHeadError, ProblemError}
    for problem in sorted(kinds, key=_status):
        content = {MEDIA_TYPE: {"schema": _schema("Problem")}}
        answers[str(problem.status)] = {"description": problem.title, "content": content}
    return answers


def _status(problem: type[ProblemError]) -> int:
    return problem.status


def _body(schema: str, shown: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {"application/json": {"schema": _schema(schema), "examples": shown}}}


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _plain(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/plain": {"schema": _TEXT}}}


def _ref(kind: str, name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _schema(name: str) -> dict[str, Any]:
    return _ref("schemas", name)


def _claim_id() -> dict[str, Any]:
    schema = value_schema(TABLES["claims"].column("claim_id"))
    return {"name": "claim_id", "in": "path", "required": True, "schema": schema, "example": examples.CLAIM["claim_id"]}


def _idempotency_key() -> dict[str, Any]:
    hours = idempotency.KEPT_SECONDS // 3600
    description = f"A retry with the same key and body is answered with the same bytes, for {hours} hours; with another body, 409."
    shown = {"name": idempotency.HEADER, "in": "header", "required": False, "schema": idempotency_key.SCHEMA}
    return {**shown, "description": description, "example": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


def _object(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), **more}


def _any_object(description: str) -> dict[str, Any]:
    return {"type": ["object", "null"], "additionalProperties": True, "description": description}


def _schemas() -> dict[str, Any]:
    rows = {f"row_{name}": row_schema(table) for name, table in TABLES.items()}
    rows["row_claims"] = claim_schema(TABLES["claims"])
    return {**rows, **_requests(), **_answers()}


def _requests() -> dict[str, Any]:
    evidence = row_schema(TABLES["evidence"], optional=("claim_id", "customer_id", "submitted_at"))
    del evidence["properties"]["claim_id"]  # which can only be that of the claim, as no schema can say
    claim = claim_schema(TABLES["claims"])
    claim["properties"]["evidence"] = {
        "type": ["array", "null"],
        "items": _schema("EvidenceOfClaim"),
        "maxItems": request_parsing.MAX_EVIDENCE,
        "description": "Rows of evidence handed in with the claim.",
    }
    one_event = [_object({"table": {"const": name}, "row": _schema(f"row_{name}")}) for name in TABLES]
    many = {"type": "array", "items": {"oneOf": one_event}, "maxItems": request_parsing.MAX_EVENTS}
    return {
        "EvidenceOfClaim": {
            **evidence,
            "description": "A row of evidence; customer_id left out or null is the claim's, submitted_at is filed_at; claim_id may be "
            "left out, and has to be the claim's otherwise.",
        },
        "ClaimToScore": claim,
        "Rescore": {"type": "object", "properties": {"as_of": nullable(TIME)}},
        "Events": _object({"events": many}),
    }


def _answers() -> dict[str, Any]:
    decision = _decision()
    detail = {
        "kind": {"type": "string", "enum": ["score", "rescore", "outage"]},
        "as_of": {**_TEXT, "description": "The features saw what was known before this instant."},
        "received": {**_TEXT, "description": "The body as it came."},
        "features": {
            **_any_object("The feature values that the decision saw, by name."),
            "additionalProperties": {"type": ["number", "string", "boolean", "null"]},
        },
        "policy": _any_object("The policy that decided."),
        "model_uri": _PERHAPS_TEXT,
        "code_version": _TEXT,
        "degraded": {**_PERHAPS_TEXT, "description": "Why there is no score; null where there is one."},
        "shadow": _any_object("What the challenger would have said."),
    }
    entry = _object({**decision["properties"], **detail})
    return {
        "Decision": decision,
        "LedgerEntry": entry,
        "History": {
            "description": "The first decision, as it was made, and all of them, oldest first.",
            **_object({**entry["properties"], "decisions": {"type": "array", "items": _schema("LedgerEntry")}}),
        },
        "Accepted": _object({"accepted": {"type": "integer", "description": "Number of events."}}),
        "Alive": _object({"status": {"const": "alive"}}),
        "Ready": _ready(),
        "Problem": _problem(),
    }


def _ready() -> dict[str, Any]:
    shadow = _object({"model_version": _PERHAPS_TEXT, "problem": _PERHAPS_TEXT})
    latest = _object({name: {**_PERHAPS_TEXT, "description": "RFC 3339, null without events."} for name in TABLES})
    problem = {
        **_PERHAPS_TEXT,
        "description": "Why the model that the address names now was not taken; the log has more.",
    }
    shown = {"status": {"const": "ready"}, "model_version": _TEXT, "model_uri": _TEXT, "model_problem": problem}
    schema = _object(
        {**shown, "latest_events": latest}, description="The model that scores, and how fresh the events are."
    )
    schema["properties"]["shadow"] = {**shadow, "description": "The model that scores beside it, where there is one."}
    return schema


def _decision() -> dict[str, Any]:
    reason = _object(
        {"feature": _TEXT, "value": _PERHAPS_TEXT, "contribution": nullable(_NUMBER), "text": _TEXT},
        description="Strongest first, towards the label; the contribution is in log-odds. A claim that could not be scored has one "
        "reason, whose feature is scoring_unavailable.",
    )
    probability = nullable({**_NUMBER, "minimum": 0, "maximum": 1})
    return _object(
        {
            "claim_id": _TEXT,
            "p_valid": probability,
            "p_frivolous": probability,
            "p_abusive": probability,
            "label": nullable({"type": "string", "enum": [*LABELS]}),
            "disposition": {"type": "string", "enum": [*DISPOSITIONS]},
            "reasons": {"type": "array", "items": reason},
            "model_version": _PERHAPS_TEXT,
            "scored_at": _TEXT,
            "otherwise": {
                **nullable({"type": "string", "enum": [*DISPOSITIONS]}),
                "description": "The disposition where no expert is free.",
            },
            "expert_saving_usd": {**nullable(_NUMBER), "description": "What a review saves against that, US dollars."},
            "audited": {"type": ["boolean", "null"], "description": "Whether an expert reviews it whatever its score."},
            "audit_probability": {**probability, "description": "How likely that was."},
            "decision_id": _TEXT,
        },
        description="A score row of the contract; what comes of the score is null where there is none.",
    )


def _problem() -> dict[str, Any]:
    return _object(
        {
            "type": _TEXT,
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "errors": {"type": "array", "items": _object({"field": _TEXT, "message": _TEXT})},
        },
        description="RFC 9457; `errors` name the fields at fault.",
    )
