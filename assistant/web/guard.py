"""What stands in front of every response: security headers, who may frame it, a page without outside hosts."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from starlette._utils import get_route_path

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# Gradio's page needs inline scripts and compiles its templates; it may load from and talk to this server only, and
# no attribute of any element runs as a script. Other pages may show /embed in a frame where the settings name them.
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; script-src-attr 'none'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors {ancestors}"
)
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",  # with none at all browsers send forms with `Origin: null`
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
}
FRAMED = "/embed"
# What is the same for everybody; what is in the first of these is named by its content.
_NAMED = "/assets/"
_SHARED = (_NAMED, "/static/", "/svelte/")
# Gradio's template names its own site and picture for previews of shared links.
_PREVIEW = re.compile(rb"<meta\b[^>]*\b(?:property|name)=\"(?:og|twitter):[^>]*>\s*", re.IGNORECASE)


class Guard:
    """ASGI middleware; streams pass through untouched, only HTML is held until it is whole."""

    def __init__(self, app: Application, frame_origins: Sequence[str] = ()) -> None:
        self.app = app
        self._closed = PAGE_POLICY.format(ancestors="'none'").encode()
        self._framed = PAGE_POLICY.format(ancestors=" ".join(frame_origins) or "'none'").encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        accept = dict(scope["headers"]).get(b"accept", b"*/*")
        path = get_route_path(scope)
        shared = path.startswith(_SHARED)
        if not shared and (b"text/html" in accept or accept == b"*/*"):
            # A compressed page could not be read here.
            scope = {**scope, "headers": [h for h in scope["headers"] if h[0] != b"accept-encoding"]}
        policy = self._framed if path == FRAMED else self._closed
        # Else made for one user: neither a proxy nor the browser shows it to the next.
        kept = b"" if shared else b"no-store"
        if path.startswith(_NAMED):
            kept = b"public, max-age=31536000, immutable"
        await self.app(scope, receive, _Rewrite(send, policy, kept))


class _Rewrite:
    def __init__(self, send: Send, policy: bytes, kept: bytes) -> None:
        self.send, self.policy, self.kept = send, policy, kept
        self.start: Message | None = None
        self.body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            html = any(n.lower() == b"content-type" and v.startswith(b"text/html") for n, v in message["headers"])
            added = [(name, value) for name, value in HEADERS.items() if name not in present]
            if b"content-security-policy" not in present:
                added.append((b"content-security-policy", self.policy))
            if b"cache-control" not in present and self.kept:
                added.append((b"cache-control", self.kept if message["status"] < 400 else b"no-store"))
            message["headers"] = [*message["headers"], *added]
            if html and b"content-encoding" not in present:
                self.start = message
                return
        elif self.start is not None and message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            if message.get("more_body"):
                return
            body = _PREVIEW.sub(b"", bytes(self.body))
            kept = [h for h in self.start["headers"] if h[0].lower() != b"content-length"]
            self.start["headers"] = [*kept, (b"content-length", str(len(body)).encode())]
            start, self.start = self.start, None
            await self.send(start)
            message = {"type": "http.response.body", "body": body}
        await self.send(message)
