"""Puts the API in front of the page: routes, errors, limits, the lifetime of its threads."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from assistant.service import Service
from assistant.web.api import board, chat, conversations, documents, edge, health, live, questions, spec, uploads
from assistant.web.api.body import strict_route
from assistant.web.api.context import Api
from assistant.web.api.counters import Base, Counters
from assistant.web.api.limits import Rates, Slots, TooMany
from assistant.web.api.mcp_server import McpServer
from assistant.web.api.problems import shown
from assistant.web.api.work import Gone, Work, threads_for
from vectorstore.errors import ThesisError
from vectorstore.settings import Settings

SESSION_COOKIE = "thesis_session"
_FORM_SLACK = 64 * 1024  # bytes of a form beside its files


def mount(app: FastAPI, service: Service, settings: Settings) -> Counters:
    """Add the API to ``app``: before Gradio is mounted at "/", and after every other middleware was added.

    Returns what it counts.
    """
    slots = Slots(settings.concurrent_answers, settings.concurrent_per_user)
    counters = Counters(lambda: _base(service), lambda: slots.used)
    waits = settings.model not in {"", "extractive"} or bool(settings.sources)
    work = Work(slots, threads_for(settings.concurrent_answers, waits=waits))
    api = Api(service, settings, work, Rates(settings.rate_per_minute, time.monotonic), counters)
    service.watch(counters.answered)
    mcp = McpServer(api, _json_limit(settings))
    inner = _application(api, mcp)
    outer = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(whole: FastAPI) -> AsyncIterator[Any]:
        async with outer(whole) as state, mcp.manager.run():
            try:
                yield state
            finally:
                work.close()

    app.router.lifespan_context = lifespan
    app.router.routes.append(edge.Under(edge.Limited(inner, api)))
    app.add_middleware(edge.Around, counters=counters, origins=settings.cors_origins)
    return counters


def _json_limit(settings: Settings) -> int:
    return max(1, settings.request_limit_kb) * 1024


def _base(service: Service) -> Base:
    documents, chunks = service.size()
    try:
        service.ready()
    except ThesisError:
        return Base(documents, chunks, ready=False)
    return Base(documents, chunks, ready=True)


def _application(api: Api, mcp: McpServer) -> FastAPI:
    settings = api.settings
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    router = APIRouter(
        route_class=strict_route(_json_limit(settings), settings.file_limit_mb * 1024 * 1024 + _FORM_SLACK, edge.note),
        redirect_slashes=False,
    )
    for part in (questions, conversations, documents, uploads, live, board, chat, health):
        part.routes(api, router)
    app.include_router(router)
    made: dict[str, Any] = {}

    async def openapi(request: Request) -> Response:
        edge.note(request, "/api/v1/openapi.json")
        if not made:
            own = [route for route in router.routes if isinstance(route, APIRoute)]
            open_to_all = settings.auth == "open"
            made.update(spec.document(app, own, models=api.models, cookie=SESSION_COOKIE, open_to_all=open_to_all))
        return JSONResponse(made | {"servers": [{"url": request.scope.get("root_path", "").rstrip("/") or "/"}]})

    app.router.routes.append(Route("/api/v1/openapi.json", openapi, methods=["GET"]))
    app.router.routes.append(Route("/mcp", mcp, methods=["POST"]))
    _handle_errors(app, router, api)
    return app


def _handle_errors(app: FastAPI, router: APIRouter, api: Api) -> None:
    async def ours(request: Request, error: Exception) -> Response:
        if isinstance(error, TooMany):
            api.counters.rejected(error.reason)
        if getattr(error, "kind", "") == "too_large":
            api.counters.rejected("size")
        request.scope["state"][edge.TOLD] = True
        return shown(request, error)

    async def framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            error = HTTPException(
                405, headers={"Allow": ", ".join(sorted(_methods([*app.router.routes, *router.routes], request)))}
            )
        return shown(request, error)

    async def gone(request: Request, error: Exception) -> Response:
        return Response(status_code=499)  # nobody reads it

    app.add_exception_handler(ThesisError, ours)
    app.add_exception_handler(RequestValidationError, ours)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(Gone, gone)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, ours)


def _methods(routes: Sequence[Any], request: Request) -> set[str]:
    """Return every method that some route takes at the path of a request."""
    found: set[str] = set()
    for route in routes:
        regex = getattr(route, "path_regex", None)
        if regex is not None and regex.match(get_route_path(request.scope)):
            found |= getattr(route, "methods", None) or set()
    return found
