"""Whose request it is: by token, by the proxy's header, by a session; and what all of sign-in shares."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from assistant.access import LOCAL, User
from assistant.access.database import place_of
from assistant.access.names import ROLES, foreign_name, group_names, mapped_role
from assistant.access.tokens import PREFIX, Token, Tokens
from assistant.access.users import Users, users_path
from assistant.web.guard import Scope
from assistant.web.signin.attempts import Attempts
from assistant.web.signin.proxies import TRUSTED
from assistant.web.signin.sessions import Session, Sessions
from vectorstore.errors import SettingsError, ThesisError
from vectorstore.settings import Settings

log = logging.getLogger(__name__)
COOKIE = "thesis_session"
_LONGEST_COOKIE = 200
Note = Callable[[User, str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Found:
    """``ambient``: the browser sends what proves it by itself, also when another site makes it ask."""

    user: User
    ambient: bool
    cookie: str = ""


class BadToken(ThesisError):
    """A token that is unknown, revoked or past its time."""

    kind = "not_signed_in"


class SignIn:
    """What finds a request's user, for one server. ``note(user, kind, payload)`` is told of each sign-in and sign-out."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time, note: Note | None = None) -> None:
        self.settings, self.clock = settings, clock
        self.mode = settings.auth
        self.users = Users(users_path(settings))
        self.attempts = Attempts(clock)
        self._note = note

    @property
    def has_pages(self) -> bool:
        """Whether people sign in here, and not elsewhere or not at all."""
        return self.mode in {"users", "oidc"}

    @cached_property
    def sessions(self) -> Sessions:
        return Sessions(
            place_of(self.settings), idle_s=60.0 * self.settings.session_idle_minutes,
            longest_s=3600.0 * self.settings.session_hours, clock=self.clock,
        )  # fmt: skip

    @cached_property
    def _tokens(self) -> Tokens:
        return Tokens(place_of(self.settings), self.clock)

    def close(self) -> None:
        for name in ("sessions", "_tokens"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()

    def note(self, user: User, kind: str, payload: Mapping[str, Any]) -> None:
        if self._note is not None:
            self._note(user, kind, payload)

    def find(self, scope: Scope) -> Found | None:
        """Return the user of a request; None where nobody is signed in. Raises BadToken, SettingsError, StoreError."""
        headers = scope["headers"]
        sent = [value for name, value in headers if name == b"authorization"]
        if len(sent) == 1 and sent[0][:7].lower() == b"bearer ":
            text = sent[0][7:].strip().decode("latin-1")
            if text.startswith(PREFIX):
                return Found(self._by_token(text), ambient=False)
        if self.mode == "open":
            return Found(LOCAL, ambient=True)
        if self.mode == "proxy":
            user = self._by_proxy(scope)
            return None if user is None else Found(user, ambient=True)
        cookie = cookie_of(scope, COOKIE)
        if not cookie:
            return None
        session = self.sessions.find(cookie)
        user = None if session is None else self._by_session(session)
        if user is None:
            if session is not None:
                self.sessions.end(cookie)
            return None
        return Found(user, ambient=True, cookie=cookie)

    def _by_session(self, session: Session) -> User | None:
        if self.mode == "users":
            account = self.users.get(session.name) if session.via == "password" else None
            return account.user() if account is not None and account.stamp == session.stamp else None
        return self.foreign(session.name, session.groups) if session.via == "oidc" else None

    def foreign(self, name: str, groups: tuple[str, ...]) -> User | None:
        """Return a user whom a proxy or a provider names; None where the settings let them not in."""
        held = foreign_name(name)
        role = None if held is None else mapped_role(held, groups, self.settings)
        if held is None or role is None:
            return None
        return User(held, role, groups, via="oidc" if self.mode == "oidc" else "proxy")

    def _by_proxy(self, scope: Scope) -> User | None:
        if not (scope.get("state") or {}).get(TRUSTED):
            return None  # whatever the header says: anybody can send one
        named = _header(scope, self.settings.proxy_user_header)
        if named is None:
            return None
        groups: tuple[str, ...] = ()
        if self.settings.proxy_groups_header:
            listed = _header(scope, self.settings.proxy_groups_header)
            try:
                groups = group_names((listed or "").split(","))
            except SettingsError as error:
                log.warning("the proxy's groups of %r are not to be read: %s", named, error.message)
                return None
        return self.foreign(named, groups)

    def _by_token(self, text: str) -> User:
        token = self._tokens.find(text) if Tokens.there(place_of(self.settings)) else None
        user = None if token is None else self._of_token(token)
        if user is None:
            raise BadToken("The token is not known here, revoked, or past its time.", "Ask for another one.")
        return user

    def _of_token(self, token: Token) -> User | None:
        if token.user is None:
            return User(token.owner, token.role or "reader", token.groups, token.scopes, "token")
        if self.mode == "users":
            account = self.users.get(token.user)
            found = None if account is None else account.user()
        elif self.mode == "open":
            found = User(token.user, token.role or "reader", token.groups)
        else:
            found = self.foreign(token.user, token.groups)
        if found is None:
            return None
        role = found.role if token.role is None else min(found.role, token.role, key=ROLES.index)
        return replace(found, role=role, scopes=token.scopes, via="token")


def cookie_of(scope: Scope, name: str) -> str:
    """Return a cookie of a request; "" for none, and for two of one name: somebody has planted the other."""
    found = []
    for header, value in scope["headers"]:
        if header == b"cookie":
            for part in value.decode("latin-1").split(";"):
                key, sign, text = part.strip().partition("=")
                if sign and key == name:
                    found.append(text)
    return found[0] if len(found) == 1 and len(found[0]) <= _LONGEST_COOKIE else ""


def _header(scope: Scope, name: str) -> str | None:
    """Return a header that stands once, as text; None otherwise."""
    wanted = name.lower().encode()
    found = [value for header, value in scope["headers"] if header == wanted]
    if len(found) != 1:
        return None
    try:
        return str(found[0], "utf-8")
    except UnicodeDecodeError:
        return None
