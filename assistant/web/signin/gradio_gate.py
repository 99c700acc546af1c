"""The gate in front of Gradio's own routes: those that the page needs, and each session and event to its owner only."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from fastapi import Request
from starlette._utils import get_route_path

from assistant.access import User
from assistant.web.api.limits import Rates, TooMany
from assistant.web.api.problems import Problem, of_error
from assistant.web.asking import user_of
from assistant.web.guard import Application, Message, Receive, Scope, Send
from assistant.web.signin.owned import Owned
from vectorstore.errors import Forbidden

_API = "/gradio_api"
_PAGES = frozenset({"/", "/config", "/embed", "/favicon.ico", "/manifest.json", "/robots.txt", "/theme.css"})
_FILES = ("/assets/", "/static/", "/svelte/")
_READS = frozenset({"/app_id", "/info", "/queue/data", "/startup-events", "/theme.css"})
_WRITES = frozenset({"/cancel", "/queue/join", "/reset"})
_BODY = 1 << 20  # bytes of an event; files come by /api/v1/documents
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CALL = re.compile(r"/call/([a-z0-9_]{1,40})")
_CALLED = re.compile(r"/call/[a-z0-9_]{1,40}/([A-Za-z0-9_-]{1,64})")
_HEARTBEAT = re.compile(r"/heartbeat/([A-Za-z0-9_-]{1,64})")
_NOTHING = Problem("not_found", "There is nothing at this address.", "Load the page again.")


class _Refused(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class GradioGate:
    """ASGI application around Gradio's; mounted in its place."""

    def __init__(self, app: Application, numbers: frozenset[int], names: frozenset[str], per_minute: int = 0) -> None:
        """``numbers`` and ``names``: of the page's events; ``per_minute``: events of one user (0: no limit)."""
        self.app = app
        self._owned = Owned()
        self._numbers, self._names = numbers, names
        self._rates = Rates(per_minute, time.monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            receive, send = await self._looked(scope, receive, send)
        except _Refused as refused:
            await refused.problem.response(scope)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _looked(self, scope: Scope, receive: Receive, send: Send) -> tuple[Receive, Send]:
        path, reads = get_route_path(scope), scope["method"] in {"GET", "HEAD"}
        if reads and path == "/robots.txt":
            return receive, send
        try:
            user = user_of(Request(scope))
        except Forbidden as error:  # a path that is open to all, but that nobody serves
            raise _Refused(_NOTHING) from error
        if not user.may("ask"):
            raise _Refused(Problem("forbidden", f"{user.name} may not use this (ask).", "Ask who runs this server."))
        if reads and (path in _PAGES or path.startswith(_FILES)):
            return receive, send
        inner = path.removeprefix(_API).rstrip("/") if path.startswith(f"{_API}/") else ""
        if reads:
            self._read(inner, scope, user)
            return receive, send
        called = _CALL.fullmatch(inner)
        if scope["method"] == "POST" and (inner in _WRITES or (called and called.group(1) in self._names)):
            try:
                self._rates.take(user.name)
            except TooMany as error:
                raise _Refused(of_error(error)) from error
            # What Gradio compresses could not be read on its way out.
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
            return await self._write(inner, receive, send, user)
        raise _Refused(_NOTHING)

    def _read(self, inner: str, scope: Scope, user: User) -> None:
        called, beating = _CALLED.fullmatch(inner), _HEARTBEAT.fullmatch(inner)
        if called is not None:
            if not self._owned.holds("event", called.group(1), user.name):
                raise _Refused(_NOTHING)
        elif beating is not None:
            self._claim("session", beating.group(1), user)
        elif inner == "/queue/data":
            self._claim("session", _asked(scope, "session_hash"), user)
        elif inner not in _READS:
            raise _Refused(_NOTHING)

    async def _write(self, inner: str, receive: Receive, send: Send, user: User) -> tuple[Receive, Send]:
        data = await _whole(receive)
        body = _object(data)
        session, event = body.get("session_hash"), body.get("event_id")
        if inner == "/reset":
            pass  # does nothing
        elif inner == "/cancel":
            if not isinstance(event, str) or not self._owned.holds("event", event, user.name):
                raise _Refused(_NOTHING)
            self._claim("session", session, user)
        else:
            number = body.get("fn_index")
            if inner == "/queue/join" and (not isinstance(number, int) or number not in self._numbers):
                raise _Refused(_NOTHING)
            if session is not None or inner == "/queue/join":
                self._claim("session", session, user)
            if _names_a_file(body.get("data")):
                raise _Refused(Problem("not_found", "No event takes a file.", "Send it to /api/v1/documents."))
            send = _Noting(send, lambda value: self._joined(value, user))
        return _again(data, receive), send

    def _claim(self, kind: Any, name: object, user: User) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name) or not self._owned.claim(kind, name, user.name):
            raise _Refused(_NOTHING)

    def _joined(self, value: object, user: User) -> None:
        event = value.get("event_id") if isinstance(value, Mapping) else None
        if isinstance(event, str):
            self._owned.claim("event", event, user.name)
            self._owned.claim("session", event, user.name)  # where none was named, Gradio takes the event's name for it


class _Noting:
    """Reads the JSON of a short answer on its way out, before the client has it."""

    def __init__(self, send: Send, note: Any) -> None:
        self._send, self._note = send, note
        self._body = bytearray()
        self._held: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self._held.append(message)
        if message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                if self._held[0].get("status") == 200:
                    self._note(json.loads(bytes(self._body)))
                for one in self._held:
                    await self._send(one)
                self._held.clear()


def _asked(scope: Scope, name: str) -> object:
    found = parse_qs(scope.get("query_string", b"").decode("latin-1")).get(name, [])
    return found[0] if len(found) == 1 else None


async def _whole(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _Refused(Problem("bad_request", "The request ended too early."))
        body += message.get("body", b"")
        if len(body) > _BODY:
            raise _Refused(Problem("too_large", "The body is larger than 1 MB.", "Send less; files go by the page."))
        if not message.get("more_body"):
            return bytes(body)


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _Refused(Problem("bad_request", "The body is no JSON object.", "Load the page again."))
    return found


def _names_a_file(value: object) -> bool:
    """Whether anything in an event's data, however deep, names a file of the server."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            if one.get("path") is not None:
                return True
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return False


def _again(data: bytes, receive: Receive) -> Receive:
    """Return what gives the body that was read already, and then waits as ``receive`` does."""
    sent = False

    async def repeated() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": data, "more_body": False}

    return repeated
