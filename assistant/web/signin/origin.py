"""Whether a request that changes something was begun by a page of ours; pure."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from assistant.web.guard import Scope

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PORTS = {"http": 80, "https": 443}


def refusal(scope: Scope, *, cookie: bool, allowed: Sequence[str] = ()) -> str:
    """Return why a request of somebody whom the browser names by itself is refused; "" where it is fine.

    ``cookie``: a session's cookie names them, so that one of the two headers must be there: every browser sends one.
    ``allowed``: origins of other sites that may ask.
    """
    if scope["method"] in SAFE:
        return ""
    headers = dict(scope["headers"])
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if origin is not None:
        told = origin.decode("latin-1")
        if told in allowed:
            return ""
        if not same(told, headers.get(b"host", b"").decode("latin-1"), scope.get("scheme", "http")):
            return "Requests from other sites are refused."
    # A page over plain HTTP that is not localhost sends no Sec-Fetch-Site, but its Origin.
    if site is not None and site not in {b"same-origin", b"none"}:
        return "Requests from other sites are refused."
    if cookie and site is None and origin is None:
        return "A request with a session's cookie must say where it comes from (Origin)."
    return ""


def same(origin: str, host: str, scheme: str) -> bool:
    """Whether an Origin header names the host that was asked (and its port).

    A server that was asked over https takes https only. One that knows http takes both: a proxy may have ended TLS unsaid.
    """
    try:
        parts = urlsplit(origin)
        asked = urlsplit(f"//{host}")
        if parts.scheme not in _PORTS or not parts.hostname or parts.path or parts.query:
            return False
        if scheme == "https" and parts.scheme != "https":
            return False
        default = _PORTS[parts.scheme]
        return (parts.hostname, parts.port or default) == (asked.hostname, asked.port or default)
    except ValueError:
        return False
