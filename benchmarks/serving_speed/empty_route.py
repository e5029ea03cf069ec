"""The least that the framework does: reads a body, answers a few bytes. `python -m benchmarks.serving_speed.empty_route PORT`."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from claimvet.scoring_service.http.server import server_config


async def empty(request: Request) -> Response:
    """Answers nothing of interest."""
    await request.body()
    return Response(b"{}", media_type="application/json")


async def ready(request: Request) -> Response:
    """There is nothing to wait for."""
    return Response(b"{}")


if __name__ == "__main__":
    config = server_config(Starlette(routes=[Route("/", empty, methods=["POST"]), Route("/readyz", ready)]))
    config.port = int(sys.argv[1])
    uvicorn.Server(config).run()
