"""The gate in front of every route: sets ``scope["state"]["user"]``, or refuses; nothing that changes comes from other sites."""

from __future__ import annotations

import logging
from urllib.parse import quote

from starlette._utils import get_route_path

from assistant.web.api import hosts
from assistant.web.api.problems import Problem, of_error
from assistant.web.guard import Application, Receive, Scope, Send
from assistant.web.signin.origin import SAFE, refusal
from assistant.web.signin.who import SignIn
from vectorstore.errors import SettingsError, StoreError, ThesisError

log = logging.getLogger(__name__)
# What says nothing of the base or of anybody: the state of the server, the button for other pages, the icon.
OPEN = frozenset({"/healthz", "/readyz", "/embed.js", "/icon.svg", "/robots.txt"})
PAGES = frozenset({"/login", "/logout", "/login/oidc", "/login/oidc/callback", "/login/done"})


class Gate:
    """ASGI middleware; every request that passes has a user, but for those that OPEN and PAGES name."""

    def __init__(self, app: Application, signin: SignIn) -> None:
        self.app, self._signin = app, signin
        self._settings = signin.settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # there is none here
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = get_route_path(scope)
        problem: Problem | None = None
        if path not in OPEN or scope["method"] not in SAFE:
            pages = self._signin.has_pages and path in PAGES
            problem = self._host(scope) or (None if pages else self._admit(scope, path))
        if problem is None:
            await self.app(scope, receive, send)
        elif problem.code == 401 and self._signin.has_pages and _wants_page(scope):
            await _redirect(scope, path, send)
        else:
            await problem.response(scope)(scope, receive, send)

    def _host(self, scope: Scope) -> Problem | None:
        """Where nobody signs in, a page of another site could reach this server under a name of its own (DNS rebinding)."""
        if self._signin.mode != "open":
            return None
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        if hosts.is_own(host, (self._settings.host, *self._settings.allowed_hosts)):
            return None
        return Problem(
            "wrong_host", "This server does not know the name that it was asked by.",
            "Ask it by its own, or name yours in allowed_hosts.",
        )  # fmt: skip

    def _admit(self, scope: Scope, path: str) -> Problem | None:
        try:
            found = self._signin.find(scope)
        except (SettingsError, StoreError) as error:
            log.error("nobody can sign in: %s", error)  # noqa: TRY400 - the error says what is wrong
            return Problem("not_ready", "Signing in is not possible at the moment.", "Tell whoever runs this server.")
        except ThesisError as error:
            return of_error(error)
        if found is None:
            return Problem("not_signed_in", "Nobody is signed in.", self._how())
        if found.ambient:
            # Scripts of other sites may call the API of an open server where it names them; a session's cookie never helps.
            allowed = (
                self._settings.cors_origins
                if self._signin.mode == "open" and path.startswith(("/api/", "/v1/"))
                else ()
            )
            why = refusal(scope, cookie=bool(found.cookie), allowed=allowed)
            if why:
                return Problem("forbidden", why, "Ask from a page of this server, or send a token.")
        state = scope.setdefault("state", {})
        state["user"], state["cookie"] = found.user, found.cookie
        return None

    def _how(self) -> str:
        if self._signin.mode == "proxy":
            return "Come through the proxy that signs you in, or send a token: Authorization: Bearer …"
        return "Sign in on the page, or send a token: Authorization: Bearer …"


def _wants_page(scope: Scope) -> bool:
    accept = dict(scope["headers"]).get(b"accept", b"")
    return scope["method"] in {"GET", "HEAD"} and b"text/html" in accept


async def _redirect(scope: Scope, path: str, send: Send) -> None:
    query = scope.get("query_string", b"").decode("latin-1")
    wanted = f"{path}?{query}" if query else path
    target = "" if wanted == "/" or len(wanted) > 2000 else f"?next={quote(wanted, safe='')}"
    location = f"{scope.get('root_path', '')}/login{target}"
    headers = [
        (b"location", location.encode("latin-1", "replace")),
        (b"content-length", b"0"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
