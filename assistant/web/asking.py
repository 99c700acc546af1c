"""Who asks: the user that the gate (``assistant.web.signin.gate``) found for a request."""

from __future__ import annotations

from typing import Any

from assistant.access import User
from vectorstore.errors import Forbidden


def user_of(request: Any) -> User:
    """Return the user of a ``starlette.requests.Request`` or a ``gradio.Request``.

    Raises Forbidden where no gate has seen the request, so that a front end mounted without one serves nobody.
    """
    held = getattr(request, "__dict__", {})
    # A gradio.Request wraps Starlette's, and hands out mappings as copies made through JSON.
    inner = held.get("request") or request
    user = inner.scope.get("state", {}).get("user")
    if not isinstance(user, User):
        raise Forbidden("Nobody is signed in.", "Sign in, or send a token.")
    return user
