"""Who asks: the user that the gate (``assistant.web.signin.gate``) found for a request."""

from __future__ import annotations

from typing import Any

from assistant.access import User
from assistant.web.signin.sessions import form_token
from vectorstore.errors import Forbidden


def user_of(request: Any) -> User:
    """Return the user of a ``starlette.requests.Request`` or a ``gradio.Request``.

    Raises Forbidden where no gate has seen the request, so that a front end mounted without one serves nobody.
    """
    user = _state(request).get("user")
    if not isinstance(user, User):
        raise Forbidden("Nobody is signed in.", "Sign in, or send a token.")
    return user


def form_token_of(request: Any) -> str:
    """Return what a form on the page must send to be believed; "" where the user has no session here."""
    cookie = _state(request).get("cookie")
    return form_token(cookie) if cookie else ""


def query_of(request: Any) -> list[tuple[str, str]]:
    """Return the query of a page's own address, which the page adds to each of its events."""
    return list(_inner(request).query_params.multi_items())


def _inner(request: Any) -> Any:
    # A gradio.Request wraps Starlette's, and hands out mappings as copies made through JSON.
    return getattr(request, "__dict__", {}).get("request") or request


def _state(request: Any) -> Any:
    return _inner(request).scope.get("state") or {}


def conversation_named(request: Any) -> str:
    """Return the id of the conversation that the page's address names; "" for none. Gradio sends it with each event."""
    return next((value for name, value in query_of(request) if name == "c"), "")
