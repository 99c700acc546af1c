"""What stands around the API: its part of all paths, CORS, figures of each request, limits, and the last net for errors."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from fastapi import Request
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.web.api import hosts
from assistant.web.api.context import Api
from assistant.web.api.counters import Counters
from assistant.web.api.limits import TooMany
from assistant.web.api.problems import MEDIA_TYPE, Problem, Unacceptable, of_http, shown
from assistant.web.asking import user_of
from vectorstore.errors import Forbidden, ThesisError

HEALTH = ("/healthz", "/readyz")
_ALONE = (*HEALTH, "/metrics")
_TREES = ("/api", "/v1", "/mcp")
_CORS_TREES = ("/api", "/v1")
_ROUTE = "thesis_route"  # in scope["state"], which every layer shares: the template of the path
TOLD = "thesis_told"  # there: an error that has been told and logged
_SAFE = {"GET", "HEAD", "OPTIONS"}


def _in(path: str, trees: tuple[str, ...]) -> bool:
    return any(path == tree or path.startswith(tree + "/") for tree in trees)


def is_api(path: str) -> bool:
    """Whether a path (without the root path) belongs to the API."""
    return path in _ALONE or _in(path, _TREES)


def note(request: Request, template: str) -> None:
    """Keep which route a request met."""
    request.scope.setdefault("state", {})[_ROUTE] = template


class Under(BaseRoute):
    """Sends every path of the API to one application, unknown ones too: so that they are told as problems."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and is_api(get_route_path(scope)):
            return Match.FULL, {}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Limited:
    """ASGI: refuses what comes by another host's name or too often, and lets no error out that has not been told."""

    def __init__(self, app: ASGIApp, api: Api) -> None:
        self.app, self._api = app, api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        note(request, "unknown")
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            if get_route_path(scope) not in HEALTH:
                self._look(request)
        except ThesisError as error:
            await shown(request, error)(scope, receive, send)
            return
        try:
            await self.app(scope, receive, noting)
        except Exception as error:
            if TOLD in request.scope["state"]:
                return  # its problem went out, and the log has it
            if begun:
                raise
            await shown(request, error)(scope, receive, send)

    def _look(self, request: Request) -> None:
        """Raises Forbidden, Unacceptable, TooMany."""
        settings, counters = self._api.settings, self._api.counters
        user = user_of(request)
        if user.via == "open":
            names = (settings.host, *settings.allowed_hosts)
            origin = request.headers.get("origin")
            if not hosts.is_own(request.headers.get("host", ""), names):
                counters.rejected("host")
                raise Unacceptable(
                    "wrong_host", "This server does not know the name that it was asked by.",
                    "Ask it by its own, or name yours in allowed_hosts.",
                )  # fmt: skip
            if request.method not in _SAFE and origin and not hosts.origin_is_own(origin, names, settings.cors_origins):
                counters.rejected("host")
                raise Forbidden("Requests from other sites are refused.", "Name the site in cors_origins.")
        try:
            self._api.rates.take(user.name)
        except TooMany as error:
            counters.rejected(error.reason)
            raise


class _Cors(CORSMiddleware):
    """CORS with a list of origins, without cookies: scripts of other sites send a token."""

    def preflight_response(self, request_headers: Any) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        problem = Problem(
            "bad_request",
            "This site, method or header is not allowed from another site.",
            "Name the site in cors_origins.",
        )
        return problem.response({"path": ""})


class Around:
    """ASGI, outside everything else: counts all requests, speaks CORS for the API, and tells refusals of it as problems."""

    def __init__(self, app: ASGIApp, counters: Counters, origins: tuple[str, ...]) -> None:
        self.app, self._counters = app, counters
        self._cors = _Cors(
            app,
            allow_origins=origins,
            allow_methods=("GET", "POST", "PATCH", "DELETE"),
            allow_headers=("Authorization", "Content-Type", "Accept"),
            expose_headers=("Retry-After",),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = get_route_path(scope)
        ours = is_api(path)
        state = scope.setdefault("state", {})
        state[_ROUTE] = "refused" if ours else "page"
        status, begun = 499, time.monotonic()  # as nginx counts those whose reader has gone
        # What never came to the API was refused by what stands before it.
        inner = Told(scope, send, lambda: state[_ROUTE] == "refused") if ours else send

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await inner(message)

        self._counters.began()
        try:
            await (self._cors if _in(path, _CORS_TREES) else self.app)(scope, receive, counted)
        finally:
            self._counters.ended(scope["method"], str(state[_ROUTE]), status, time.monotonic() - begun)


class Told:
    """Makes a problem of a refusal in plain text, keeping its headers. ``when``: whether to, asked at its start."""

    def __init__(self, scope: Scope, send: Send, when: Callable[[], bool] = lambda: True) -> None:
        self._scope, self._send, self._when = scope, send, when
        self._muted = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = next((v for k, v in message.get("headers", []) if k.lower() == b"content-type"), b"")
            plain = not kind.startswith((b"application/json", MEDIA_TYPE.encode()))
            if message["status"] >= 400 and plain and self._when():
                self._muted = True
                await self._tell(message)
                return
        if not self._muted:
            await self._send(message)

    async def _tell(self, message: Message) -> None:
        response = of_http(HTTPException(message["status"], "The request was refused.")).response(self._scope)
        drop = {b"content-type", b"content-length"}
        kept = [(k, v) for k, v in message.get("headers", []) if k.lower() not in drop]
        names = {k.lower() for k, _ in kept}
        headers = [*((k, v) for k, v in response.raw_headers if k not in names), *kept]
        await self._send({"type": "http.response.start", "status": message["status"], "headers": headers})
        await self._send({"type": "http.response.body", "body": response.body})
