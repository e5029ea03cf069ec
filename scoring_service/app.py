"""The ASGI application: routes, errors and documentation put together around a service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response

from scoring_service import problems
from scoring_service.json_text import text
from scoring_service.observed import Observed
from scoring_service.openapi import document
from scoring_service.routes import Routes
from scoring_service.service import Service


def create_app(service: Service) -> FastAPI:
    """The application of one service, which it starts and stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await service.stop()

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    routes = Routes(service)
    described: list[tuple[str, str, Callable[..., Any]]] = [
        ("POST", "/v1/claims/score", routes.score),
        ("GET", "/v1/claims/{claim_id}", routes.claim),
        ("POST", "/v1/claims/{claim_id}/rescore", routes.rescore),
        ("POST", "/v1/events", routes.events),
        ("GET", "/healthz", routes.healthz),
        ("GET", "/readyz", routes.readyz),
        ("GET", "/metrics", routes.metrics),
    ]
    for method, path, handler in described:
        app.add_api_route(path, handler, methods=[method])
    described_text = text(document())

    async def openapi() -> Response:
        return Response(described_text, media_type="application/json")

    app.add_api_route("/openapi.json", openapi, methods=["GET"])
    problems.install(app)
    app.add_middleware(Observed, metrics=service.metrics)
    return app
