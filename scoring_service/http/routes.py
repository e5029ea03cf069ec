"""The routes of CONTRACT.md section 4; each reads its body, asks the service, and translates the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from claimvet.data.contract.rules import IDENTIFIER_LENGTH
from claimvet.scoring_service.auth.keys import ApiKey
from claimvet.scoring_service.auth.roles import Action
from claimvet.scoring_service.decisions.decided import Decided
from claimvet.scoring_service.decisions.ledger import Decision
from claimvet.scoring_service.errors import NotFoundError, UnavailableError
from claimvet.scoring_service.http.parsing import request_parsing
from claimvet.scoring_service.http.parsing.idempotency_key import idempotency_of
from claimvet.scoring_service.json_text import parsed, text
from claimvet.scoring_service.model_loading.loaded_model import public_uri
from claimvet.scoring_service.service import Service
from claimvet.scoring_service.times import rfc3339

_MANY_EVENTS = 100
"""From so many on, rows are validated beside the event loop, which would stand still otherwise."""


class Routes:
    """The handlers, around one service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def score(self, request: Request) -> Response:
        """`POST /v1/claims/score`."""
        key = await self._allow(request, Action.SCORE)
        body = await request_parsing.read_body(request, request_parsing.MAX_CLAIM_BYTES)
        with self._service.metrics.part("parse"):
            task = request_parsing.score_request(request_parsing.json_object(request, body), body.decode())
            task = replace(task, idempotency=idempotency_of(request, key, body))
        return self._decision(request, (await self._service.decide(task)).entry)

    async def rescore(self, request: Request) -> Response:
        """`POST /v1/claims/{claim_id}/rescore`; an empty body asks for now."""
        key = await self._allow(request, Action.SCORE)
        body = await request_parsing.read_body(request, request_parsing.MAX_CLAIM_BYTES)
        document = request_parsing.json_object(request, body) if body.strip() else {}
        task = request_parsing.rescore_request(_claim_id(request), document, body.decode())
        task = replace(task, idempotency=idempotency_of(request, key, body))
        return self._decision(request, (await self._service.decide(task)).entry)

    async def events(self, request: Request) -> Response:
        """`POST /v1/events`."""
        key = await self._allow(request, Action.SEND_EVENTS)
        body = await request_parsing.read_body(request, request_parsing.MAX_EVENT_BYTES)
        document = await _beside(len(body) > 100_000, request_parsing.json_object, request, body)
        events = document.get("events")
        many = isinstance(events, list) and len(events) > _MANY_EVENTS
        task = await _beside(many, request_parsing.events_request, document)
        task = replace(task, idempotency=idempotency_of(request, key, body))
        return _json({"accepted": await self._service.take_in(task)})

    async def claim(self, request: Request) -> Response:
        """`GET /v1/claims/{claim_id}`."""
        await self._allow(request, Action.READ)
        claim_id = _claim_id(request)
        found = await self._service.decisions_of(claim_id)
        if not found:
            raise NotFoundError(f"there is no decision on the claim {claim_id!r}, expected one that was scored here")
        return Response(_history(found), media_type="application/json")

    async def healthz(self, request: Request) -> Response:
        """`GET /healthz`: the process lives."""
        return _json({"status": "alive"})

    async def readyz(self, request: Request) -> Response:
        """`GET /readyz`: claims can be scored, or what is missing."""
        missing = await self._service.missing()
        if missing:
            detail = "; ".join(f"{error.field}: {error.message}" for error in missing)
            raise UnavailableError(f"claims cannot be scored now ({detail})", missing)
        return _json(await self._state())

    async def metrics(self, request: Request) -> Response:
        """`GET /metrics`."""
        try:
            await self._service.staleness()
            await self._service.missing()
        except UnavailableError:
            self._service.metrics.ready.labels("store").set(0)
        return Response(self._service.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    async def _state(self) -> dict[str, Any]:
        service = self._service
        latest = await service.staleness()
        held = service.champion.loaded
        assert held is not None
        state: dict[str, Any] = {"status": "ready", "model_version": held.version, "model_uri": public_uri(held.uri)}
        state["model_problem"] = _public_problem(service.champion.problem)
        if service.shadow is not None:
            shadow = service.shadow.loaded
            state["shadow"] = {
                "model_version": shadow and shadow.version,
                "problem": _public_problem(service.shadow.problem),
            }
        state["latest_events"] = {
            table: None if instant is None else rfc3339(instant) for table, instant in latest.items()
        }
        return state

    async def _allow(self, request: Request, action: Action) -> ApiKey:
        return await self._service.authenticator.require(request.headers.get("authorization"), action)

    def _decision(self, request: Request, entry: Decision) -> Response:
        request.scope["claimvet.decision_id"] = entry.decision_id
        return Response(entry.answer, media_type="application/json")


def _public_problem(problem: str | None) -> str | None:
    """Return a sentence as anyone may read it: what is wrong names addresses and paths, and is in the log."""
    return None if problem is None else "the model that the address names now was not taken; the log says why"


def _claim_id(request: Request) -> str:
    """Return the claim's id in the path; raises `NotFoundError` for what can be none, which the store need not be asked for."""
    claim_id = str(request.path_params["claim_id"])
    shortest, longest = IDENTIFIER_LENGTH
    if not shortest <= len(claim_id) <= longest or "\0" in claim_id:
        raise NotFoundError(
            f"no claim has that name, expected a string of {shortest} to {longest} characters without NUL"
        )
    return claim_id


def _json(value: Any) -> Response:
    return Response(text(value), media_type="application/json")


def _history(found: list[Decided]) -> str:
    """Return the first decision with what it saw, and all of them, oldest first; the answers as they were sent."""
    whole = {**_shown(found[0]), "decisions": [_shown(entry) for entry in found]}
    return text(whole)


def _shown(decided: Decided) -> dict[str, Any]:
    entry = decided.entry
    return {
        **parsed(entry.answer),
        "kind": entry.kind,
        "as_of": rfc3339(entry.as_of),
        "received": entry.received if entry.erased_at is None else f"erased at {rfc3339(entry.erased_at)}",
        "features": None if entry.features is None else parsed(entry.features),
        "policy": None if entry.policy is None else parsed(entry.policy),
        "model_uri": None if entry.model_uri is None else public_uri(entry.model_uri),
        "code_version": entry.code_version,
        "degraded": f"{entry.degraded}; {decided.set_aside}" if decided.set_aside else entry.degraded,
        "shadow": None if entry.shadow is None else _public_shadow(parsed(entry.shadow)),
    }


def _public_shadow(shadow: dict[str, Any]) -> dict[str, Any]:
    return {**shadow, "model_uri": public_uri(shadow["model_uri"])}


async def _beside(large: bool, do: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(do, *arguments) if large else do(*arguments)
