"""Server-sent events: their wire form, and a response that ends its work when the reader goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from assistant.web.api.problems import told
from assistant.web.api.work import Event, Gone

HEARTBEAT = 10.0  # seconds without an event until a comment says that the server is at it
PING = b": still at it\n\n"
T = TypeVar("T")


def event(name: str, data: Mapping[str, Any] | str) -> bytes:
    """Return one event on the wire; ``data``: an object, or its JSON."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, allow_nan=False)
    return f"event: {name}\ndata: {text}\n\n".encode("utf-8", "replace")


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def while_there(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` returns; cancels it, and raises Gone, when whoever sent ``request`` leaves before."""
    doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_left(request.receive))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise Gone
        return doing.result()
    finally:
        for task in (doing, leaving):
            task.cancel()
        await asyncio.gather(doing, leaving, return_exceptions=True)


class EventStream(Response):
    """Sends what ``pieces`` yields as it comes; closes ``pieces`` when the reader leaves."""

    media_type = "text/event-stream"

    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        # nginx holds back what it proxies unless it is told not to.
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await while_there(Request(scope, receive), self._send(send))
        except (Gone, OSError):
            return

    async def _send(self, send: Send) -> None:
        async with aclosing(self._pieces) as pieces:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def pieces(
    request: Request,
    first: Event | None,
    events: AsyncGenerator[Event | None, None],
    show: Callable[[Event], bytes],
) -> AsyncGenerator[bytes, None]:
    """Yield events as ``show`` writes them, None as a heartbeat; what goes wrong midway is the last one."""
    async with aclosing(events):
        try:
            yield PING if first is None else show(first)
            async for one in events:
                yield PING if one is None else show(one)
        except Exception as error:  # noqa: BLE001 - the response has begun: it is told as an event
            path = request.url.path
            yield event("error", told(error, path).body(path))


def wants_events(request: Request) -> bool:
    """Whether the request asks for events rather than for one JSON object."""
    accepted = request.headers.get("accept", "")
    return any(part.partition(";")[0].strip().lower() == "text/event-stream" for part in accepted.split(","))
