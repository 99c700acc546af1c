"""Bodies of requests: bounded while they are read, and strict JSON. What is wrong is named with its place."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from assistant.web.api.problems import Unacceptable

DEEPEST = 32
LONGEST_NUMBER = 40  # digits
_SURROGATE = re.compile("[\ud800-\udfff]")
_MEND = "Send one JSON object in UTF-8."


def parse(data: bytes) -> Any:
    """Return the value of strict JSON: UTF-8, finite numbers, no name twice, no half surrogate pair, at most 32 deep.

    Raises Unacceptable.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unacceptable("bad_request", f"The body is no UTF-8 (byte {error.start}).", _MEND) from None
    try:
        value = json.loads(text, parse_constant=_constant, parse_int=_int, parse_float=_float, object_pairs_hook=_pairs)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Unacceptable("bad_request", f"The body is no JSON: {error.msg} ({place}).", _MEND) from None
    except RecursionError:
        raise _too_deep() from None
    _walk(value)
    return value


def _too_deep() -> Unacceptable:
    return Unacceptable("bad_request", f"The body is nested more than {DEEPEST} deep.", _MEND)


def _constant(name: str) -> float:
    raise Unacceptable("bad_request", f"The body is no JSON: {name} is no number there.", _MEND)


def _int(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise Unacceptable("bad_request", f"The body holds a number of {len(text)} digits.", "Send smaller numbers.")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Unacceptable("bad_request", "The body holds a number that is too large.", "Send smaller numbers.")
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unacceptable("bad_request", f"The body names {twice[:80]!r} twice.", "Send each name once.")
    return found


def _walk(value: Any) -> None:
    waiting = [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        if depth > DEEPEST:
            raise _too_deep()
        if isinstance(one, dict):
            waiting += [(inner, depth + 1) for inner in one.values()]
            waiting += [(name, depth) for name in one]
        elif isinstance(one, list):
            waiting += [(inner, depth + 1) for inner in one]
        elif isinstance(one, str) and _SURROGATE.search(one):
            raise Unacceptable(
                "bad_request", "The body holds half of a surrogate pair, which is no text.", "Send whole characters."
            )


def too_large(limit: int) -> Unacceptable:
    size = f"{limit // 1024:,} KB" if limit >= 1024 else f"{limit} bytes"
    return Unacceptable("too_large", f"The body is larger than {size}.", "Send less at once.")


class Bounded:
    """Reads a body up to ``limit`` bytes, whatever its length is said to be. Raises Unacceptable."""

    def __init__(self, request: Request, limit: int) -> None:
        self._receive, self._limit, self._read = request.receive, limit, 0
        said = request.headers.get("content-length", "")
        if said.isascii() and said.isdigit() and (len(said) > 15 or int(said) > limit):
            raise too_large(limit)

    async def __call__(self) -> Any:
        message = await self._receive()
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            if self._read > self._limit:
                raise too_large(self._limit)
        return message


class _Parsed(Request):
    """A request whose body has been read and understood."""

    def __init__(self, request: Request, data: bytes, value: Any) -> None:
        super().__init__(request.scope, request.receive, request._send)
        self._data, self._value = data, value

    async def body(self) -> bytes:
        return self._data

    async def json(self) -> Any:
        return self._value


def media_type(request: Request) -> str:
    """Return what a body is said to be, without parameters, in small letters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def need_json(request: Request) -> None:
    """Raise Unacceptable for a body that is not said to be JSON."""
    if media_type(request) != "application/json":
        raise Unacceptable(
            "wrong_content_type", "This address takes JSON.", "Send the header Content-Type: application/json."
        )


async def parsed(request: Request, limit: int) -> Request:
    """Return ``request`` with its JSON read. Raises Unacceptable."""
    need_json(request)
    data = await Request(request.scope, Bounded(request, limit)).body()
    return _Parsed(request, data, parse(data))


def strict_route(json_limit: int, form_limit: int, note: Callable[[Request, str], None]) -> type[APIRoute]:
    """Return a kind of route that reads bodies so; limits in bytes. ``note`` is told each request with its template."""

    class Strict(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()
            template = self.path_format
            form = self.body_field is not None and "multipart" in str(
                getattr(self.body_field.field_info, "media_type", "")
            )

            async def strictly(request: Request) -> Response:
                note(request, template)
                if form:
                    if media_type(request) != "multipart/form-data":
                        raise Unacceptable(
                            "wrong_content_type",
                            "This address takes files.",
                            "Send a form with Content-Type: multipart/form-data.",
                        )
                    request = Request(request.scope, Bounded(request, form_limit), request._send)
                elif self.body_field is not None:
                    request = await parsed(request, json_limit)
                return await handle(request)

            return strictly

    return Strict
