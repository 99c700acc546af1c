"""Signing in and out: the form, the way to the provider and back, the cookies."""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import anyio
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from assistant.access import User
from assistant.web.signin import pages
from assistant.web.signin.check import frame_origins
from assistant.web.signin.oidc import Provider
from assistant.web.signin.origin import refusal
from assistant.web.signin.sessions import FLOW_S, form_token
from assistant.web.signin.who import COOKIE, SignIn, cookie_of
from vectorstore.errors import ThesisError

log = logging.getLogger(__name__)
FORM, FLOW = "thesis_form", "thesis_flow"  # cookies of a form that waits, and of a sign-in at the provider
_LARGEST = 16 * 1024  # bytes of a form
_FORM_S = 3600
_AT_ONCE = 2  # passwords that are looked at together: each takes 64 MB
Answering = Callable[[Request], Awaitable[Response]]
WRONG = "The name or the password is wrong."
STALE = "This form is too old, or your browser keeps no cookies. Try again."


def add(app: FastAPI, signin: SignIn, provider: Provider | None) -> None:
    """Add the routes of the settings' mode to ``app``: none where people do not sign in here."""
    if not signin.has_pages:
        return
    routes = _Routes(signin, provider)
    listed: list[tuple[str, str, Answering]] = [
        ("GET", "/login", routes.show), ("GET", "/logout", routes.ask_out), ("POST", "/logout", routes.out),
    ]  # fmt: skip
    if provider is None:
        listed.append(("POST", "/login", routes.take))
    else:
        listed += [
            ("GET", "/login/oidc", routes.leave), ("GET", "/login/oidc/callback", routes.back),
            ("GET", "/login/done", routes.done),
        ]  # fmt: skip
    for method, path, answering in listed:
        app.router.routes.append(Route(path, routes.safely(answering), methods=[method]))


def safe_target(text: str | None) -> str:
    """Return where to go after signing in: a path of ours (from the root path on); "/" for anything else."""
    path = text or "/"
    if not path.startswith("/") or path.startswith("//") or len(path) > 2000 or not path.isprintable() or "\\" in path:
        return "/"
    parts = urlsplit(path)
    return "/" if parts.scheme or parts.netloc or parts.path.startswith(("/login", "/logout")) else path


class _Routes:
    def __init__(self, signin: SignIn, provider: Provider | None) -> None:
        self._signin, self._provider = signin, provider
        self._ancestors = " ".join(frame_origins(signin.settings)) or "'none'"
        self._limit = anyio.CapacityLimiter(_AT_ONCE)

    def safely(self, answering: Answering) -> Answering:
        """Tell of a file that cannot be used without its name: nobody has signed in yet."""

        async def told(request: Request) -> Response:
            try:
                return await answering(request)
            except ThesisError as error:
                log.error("nobody can sign in: %s", error)  # noqa: TRY400 - the error says what is wrong
                said = "Signing in is not possible at the moment. Tell whoever runs this server."
                return self._page(
                    lambda nonce: pages.told(nonce=nonce, root=_root(request), title="Sign in", text=said, bad=True),
                    503,
                )

        return told

    async def show(self, request: Request) -> Response:
        target = safe_target(request.query_params.get("next"))
        root = _root(request)
        if self._signed_in(request) is not None:
            return _go(root + target)
        if self._provider is None:
            return self._form(request, target)
        framed = request.headers.get("sec-fetch-dest") in {"iframe", "frame", "embed", "object"}
        stay = framed or "out" in request.query_params
        start = f"{root}/login/oidc?next={quote('/login/done' if framed else target, safe='')}"
        if not stay:
            return _go(start)
        return self._page(
            lambda nonce: pages.at_provider(
                nonce=nonce, root=root, host=self._host, start=start, target=target, framed=framed, theme=_theme(target)
            )
        )

    async def take(self, request: Request) -> Response:
        form = await _form_of(request)
        target = safe_target(form.get("next"))
        why = refusal(request.scope, cookie=False)
        if why:
            return self._page(
                lambda nonce: pages.told(nonce=nonce, root=_root(request), title="Sign in", text=why, bad=True), 403
            )
        kept = cookie_of(request.scope, FORM)
        if not kept or not hmac.compare_digest(kept.encode(), form.get("form", "").encode("utf-8", "surrogatepass")):
            return self._form(request, target, problem=STALE, status=403)
        name, password, address = form.get("name", "").strip(), form.get("password", ""), _address(request)
        wait = self._signin.attempts.take(name, address)
        if wait:
            said = f"Too many attempts. Wait {_minutes(wait)} and try again."
            answer = self._form(request, target, problem=said, name=name, status=429)
            answer.headers["retry-after"] = str(wait)
            return answer
        account = await anyio.to_thread.run_sync(self._signin.users.verify, name, password, limiter=self._limit)
        if account is None:
            log.warning("a sign-in failed, from %s", address)
            self._signin.note(User(name[:80] or "?", via="password"), "sign_in_failed", {"address": address})
            return self._form(request, target, problem=WRONG, name=name, status=401)
        self._signin.attempts.right(name, address)
        return self._enter(request, account.user(), account.stamp, target)

    def _enter(self, request: Request, user: User, stamp: str, target: str) -> Response:
        """Begin a session under a new name, whatever cookie came, and go on."""
        old = cookie_of(request.scope, COOKIE)
        if old:
            self._signin.sessions.end(old)
        cookie = self._signin.sessions.begin(user.name, user.groups, user.via, stamp)
        self._signin.note(user, "sign_in", {"address": _address(request), "via": user.via})
        answer = _go(_root(request) + target)
        self._set(answer, request, COOKIE, cookie, self._signin.settings.session_hours * 3600)
        for name in (FORM, FLOW):
            self._set(answer, request, name, "", 0)
        return answer

    async def leave(self, request: Request) -> Response:
        assert self._provider is not None
        # A new window's last page is one of ours too, which says that it may be closed.
        wanted = request.query_params.get("next")
        target = wanted if wanted == "/login/done" else safe_target(wanted)
        browser = secrets.token_urlsafe(32)
        state, flow = self._signin.sessions.begin_flow(browser, target)
        try:
            address = await anyio.to_thread.run_sync(self._provider.address, state, flow, self._redirect_uri(request))
        except ThesisError as error:
            return self._refused(request, error)
        answer = _go(address)
        self._set(answer, request, FLOW, browser, int(FLOW_S))
        return answer

    async def back(self, request: Request) -> Response:
        assert self._provider is not None
        query = request.query_params
        flow = self._signin.sessions.end_flow(query.get("state", ""), cookie_of(request.scope, FLOW))
        if flow is None:
            return self._refused(request, ThesisError("This sign-in was not begun here, or too long ago."))
        if "error" in query or not query.get("code"):
            log.warning("OIDC: the provider sends no code but %r", query.get("error", "")[:100])
            return self._refused(request, ThesisError("Your provider did not sign you in."))
        try:
            claims = await anyio.to_thread.run_sync(
                self._provider.claims, query["code"], flow, self._redirect_uri(request)
            )
            name, groups = self._provider.named(claims)
        except ThesisError as error:
            return self._refused(request, error)
        user = self._signin.foreign(name, groups)
        if user is None:
            log.warning("OIDC: %r may not sign in here", name)
            return self._refused(request, ThesisError("Your account may not use this server."), 403)
        return self._enter(request, user, "", flow.next)

    async def done(self, request: Request) -> Response:
        return self._page(
            lambda nonce: pages.told(
                nonce=nonce, root=_root(request), title="You are signed in",
                text="Close this window, and go on where you were.",
            )
        )  # fmt: skip

    async def ask_out(self, request: Request) -> Response:
        user = self._signed_in(request)
        if user is None:
            return _go(f"{_root(request)}/login?out=1")
        form = form_token(cookie_of(request.scope, COOKIE))
        return self._page(lambda nonce: pages.sign_out(nonce=nonce, root=_root(request), form=form, name=user.name))

    async def out(self, request: Request) -> Response:
        form, cookie = await _form_of(request), cookie_of(request.scope, COOKIE)
        right = hmac.compare_digest(form_token(cookie).encode(), form.get("form", "").encode("utf-8", "surrogatepass"))
        if refusal(request.scope, cookie=bool(cookie)) or (cookie and not right):
            return self._page(
                lambda nonce: pages.told(nonce=nonce, root=_root(request), title="Sign out", text=STALE, bad=True), 403
            )
        user = self._signed_in(request)
        if cookie:
            self._signin.sessions.end(cookie)
        if user is not None:
            self._signin.note(user, "sign_out", {"address": _address(request)})
        answer = _go(f"{_root(request)}/login?out=1")
        self._set(answer, request, COOKIE, "", 0)
        return answer

    # Parts

    @property
    def _host(self) -> str:
        return self._provider.host if self._provider is not None else ""

    def _signed_in(self, request: Request) -> User | None:
        found = self._signin.find(request.scope)
        return None if found is None or not found.cookie else found.user

    def _redirect_uri(self, request: Request) -> str:
        return f"{request.url.scheme}://{request.url.netloc}{_root(request)}/login/oidc/callback"

    def _form(self, request: Request, target: str, *, problem: str = "", name: str = "", status: int = 200) -> Response:
        token = secrets.token_urlsafe(24)
        answer = self._page(
            lambda nonce: pages.sign_in(
                nonce=nonce, root=_root(request), form=token, target=target, name=name[:80], problem=problem, theme=_theme(target)
            ),
            status,
        )  # fmt: skip
        self._set(answer, request, FORM, token, _FORM_S)
        return answer

    def _refused(self, request: Request, error: ThesisError, status: int = 401) -> Response:
        root = _root(request)
        return self._page(
            lambda nonce: pages.told(
                nonce=nonce, root=root, title="Sign in", text=str(error), link=f"{root}/login/oidc", label="Try again", bad=True
            ),
            status,
        )  # fmt: skip

    def _page(self, make: Callable[[str], str], status: int = 200) -> HTMLResponse:
        nonce = secrets.token_urlsafe(16)
        headers = {
            "content-security-policy": pages.POLICY.format(nonce=nonce, ancestors=self._ancestors),
            "cache-control": "no-store",
        }
        return HTMLResponse(make(nonce), status, headers=headers)

    def _set(self, answer: Response, request: Request, name: str, value: str, seconds: int) -> None:
        answer.set_cookie(
            name, value, max_age=seconds, path=_root(request) or "/", httponly=True, samesite="lax",
            secure=self._signin.settings.cookie_secure or request.url.scheme == "https",
        )  # fmt: skip


def _go(address: str) -> RedirectResponse:
    return RedirectResponse(address, 303, headers={"cache-control": "no-store"})


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", ""))


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else "?"


def _theme(target: str) -> str:
    return next(iter(parse_qs(urlsplit(target).query).get("theme", [])), "")


def _minutes(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"


async def _form_of(request: Request) -> dict[str, str]:
    """Return a form's fields, each once; {} for a body that is none or too large."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST:
            return {}
    try:
        fields: dict[str, list[Any]] = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=20)
    except (UnicodeDecodeError, ValueError):
        return {}
    return {name: str(values[0]) for name, values in fields.items() if len(values) == 1}
