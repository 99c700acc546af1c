"""What a proxy in front says of a request, believed from the proxies that are named; and the path that it serves us under."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from assistant.web.guard import Application, Receive, Scope, Send
from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

Network = IPv4Network | IPv6Network
_FORWARDED = re.compile(rb"x-forwarded-.*|forwarded|x-real-ip|x-gradio-server|x-original-.*")
_AUTHORITY = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_ROOT = re.compile(r"(/[A-Za-z0-9._~-]{1,64}){1,8}")
# With one of these in front, an address with it and one without could not be told apart.
_OURS = frozenset(
    {"api", "assets", "config", "document", "embed", "embed.js", "gradio_api", "healthz", "icon.svg", "login", "logout"}
    | {"mcp", "metrics", "readyz", "static", "svelte", "theme.css", "v1"}
)
TRUSTED = "trusted_peer"  # in scope["state"]: whether the direct peer is one of trusted_proxies


def networks(listed: Sequence[str]) -> tuple[Network, ...]:
    """Read addresses and networks. Raises SettingsError naming the one that is none."""
    found = []
    for text in listed:
        try:
            found.append(ip_network(text, strict=False))
        except ValueError as error:
            raise SettingsError(
                f"trusted_proxies: {text!r} is no address and no network.", "Write 10.0.0.5 or 10.0.0.0/24."
            ) from error
    return tuple(found)


def root_path(text: str) -> str:
    """Return the path that all of ours begin with, without a slash at the end. Raises SettingsError."""
    path = text.strip().rstrip("/")
    if not path:
        return ""
    first = path.split("/")[1] if path.startswith("/") else ""
    if not _ROOT.fullmatch(path) or "/../" in f"{path}/" or "/./" in f"{path}/":
        raise SettingsError(f"root_path: {text!r} is no path.", "Write it as /research, without a host.")
    if first in _OURS:
        raise SettingsError(f"root_path: /{first} is an address of this program itself.", "Choose another path.")
    return path


def address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address, also of "[::1]:80" or "10.0.0.1:80", an IPv4 one plain; None for what is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def client(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return who began the request: the last address of ``forwarded`` that is no proxy of ours.

    What stands further left was written by whoever that is, so that it tells nothing.
    """
    last = peer
    for text in reversed(forwarded):
        found = address(text)
        if found is None:
            break
        last = str(found)
        if not any(found in network for network in trusted):
            break
    return last


class Front:
    """ASGI middleware, outside all others: scheme, host and client as the proxy saw them, and ``root_path``.

    The proxy may pass the path on with ``root_path`` or without it.
    """

    def __init__(self, app: Application, settings: Settings) -> None:
        self.app = app
        self._trusted, self._root = networks(settings.trusted_proxies), root_path(settings.root_path)
        self._users = {h.lower().encode() for h in (settings.proxy_user_header, settings.proxy_groups_header) if h}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            scope = self._seen(scope)
            if self._root and scope["path"] == self._root and scope["type"] == "http":
                # Addresses on the page are relative: without the slash they would miss the path.
                query = b"?" + scope["query_string"] if scope.get("query_string") else b""
                headers = [(b"location", self._root.encode() + b"/" + query), (b"content-length", b"0")]
                await send({"type": "http.response.start", "status": 308, "headers": headers})
                await send({"type": "http.response.body", "body": b""})
                return
        await self.app(scope, receive, send)

    def _seen(self, scope: Scope) -> Scope:
        peer = address(scope["client"][0]) if scope.get("client") else None
        trusted = peer is not None and any(peer in network for network in self._trusted)
        told: dict[bytes, list[str]] = {}
        kept = []
        for name, value in scope["headers"]:
            small = name.lower()
            if _FORWARDED.fullmatch(small) or small in self._users:
                told.setdefault(small, []).extend(value.decode("latin-1").split(","))
                if trusted and small in self._users:
                    kept.append((name, value))
                continue
            kept.append((name, value))
        scope = {**scope, "headers": kept, "state": dict(scope.get("state") or {}) | {TRUSTED: trusted}}
        if trusted:
            self._believe(scope, told)
        if self._root:
            path = scope["path"]
            if path != self._root and not path.startswith(f"{self._root}/"):
                scope["path"] = f"{self._root}{path}"
                scope["raw_path"] = self._root.encode() + (scope.get("raw_path") or path.encode())
            scope["root_path"] = self._root
        return scope

    def _believe(self, scope: Scope, told: dict[bytes, list[str]]) -> None:
        scheme = told.get(b"x-forwarded-proto", [""])[-1].strip().lower()
        if scheme in {"http", "https"}:
            scope["scheme"] = scheme
        host = told.get(b"x-forwarded-host", [""])[-1].strip()
        if _AUTHORITY.fullmatch(host):
            others = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
            scope["headers"] = [*others, (b"host", host.encode())]
        forwarded = told.get(b"x-forwarded-for", [])
        if forwarded:
            scope["client"] = (client(scope["client"][0], forwarded, self._trusted), 0)
