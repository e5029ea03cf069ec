"""The ASGI application: routes, errors and documentation put together around a service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from claimvet.scoring_service.http import problems
from claimvet.scoring_service.http.access_log import AccessLog
from claimvet.scoring_service.http.connection.connection_limit import MAX_CONNECTIONS, ConnectionLimit
from claimvet.scoring_service.http.connection.unread_bodies import CloseUnread
from claimvet.scoring_service.http.document.openapi import document
from claimvet.scoring_service.http.routes import Routes
from claimvet.scoring_service.json_text import text
from claimvet.scoring_service.service import Service


class _ClaimId(StringConvertor):
    """Any text: an identifier of the contract may hold slashes and line ends, and stands percent-encoded in a path."""

    regex = r"[\s\S]*"


def create_app(service: Service, max_connections: int = MAX_CONNECTIONS) -> Starlette:
    """Return the application of one service, which it starts and stops; its connections share one limit.

    Starlette, on which FastAPI stands: bodies are validated by the contract's own declarations, and the documentation is made of
    them, so that nothing would be left for FastAPI to do.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        service.start()
        yield {"connection_limit": ConnectionLimit(max_connections, service.metrics)}
        await service.stop()

    routes = Routes(service)
    described_text = text(document())

    async def openapi(request: Request) -> Response:
        return Response(described_text, media_type="application/json")

    register_url_convertor("claim_id", _ClaimId())
    app = Starlette(
        lifespan=lifespan,
        middleware=[Middleware(CloseUnread), Middleware(AccessLog, metrics=service.metrics)],
        routes=[
            Route("/v1/claims/score", routes.score, methods=["POST"]),
            Route("/v1/claims/{claim_id:claim_id}/rescore", routes.rescore, methods=["POST"]),
            Route("/v1/claims/{claim_id:claim_id}", routes.claim),
            Route("/v1/events", routes.events, methods=["POST"]),
            Route("/healthz", routes.healthz),
            Route("/readyz", routes.readyz),
            Route("/metrics", routes.metrics),
            Route("/openapi.json", openapi),
        ],
    )
    app.router.redirect_slashes = (
        False  # a redirection would be no problem document, and would name http where a proxy ends TLS
    )
    problems.install(app)
    return app
