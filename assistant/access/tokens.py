"""API tokens: kept as sha256 in ``tokens.sqlite`` or in the tables that machines share, shown once, revocable; safe with several
processes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.access.database import Database
from assistant.access.names import TOKEN, group_names, role_name, scope_names
from assistant.access.user import Action, Role
from vectorstore.database import Shared
from vectorstore.errors import NotFound, SettingsError, StoreError

log = logging.getLogger(__name__)
PREFIX = "thesis_"
_NAME = "tokens"
_SELECT = 'SELECT id, name, "user", role, groups, scopes, created, expires, used, revoked, digest FROM tokens'
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ @+-]{0,79}")
_SHAPE = re.compile(r"thesis_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_TOUCH_S = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, "user" TEXT, role TEXT, groups TEXT NOT NULL,
    scopes TEXT, created REAL NOT NULL, expires REAL, used REAL, revoked REAL
)
"""


@dataclass(frozen=True, slots=True)
class Token:
    """``user`` None: a token of no person. ``role`` None: that of its user. Times in seconds since 1970, UTC."""

    id: str
    name: str
    user: str | None
    role: Role | None
    groups: tuple[str, ...]
    scopes: frozenset[Action] | None
    created: float
    expires: float | None
    used: float | None
    revoked: float | None

    @property
    def owner(self) -> str:
        """The name under which it asks."""
        return self.user or f"{TOKEN}{self.name}"


class Tokens:
    """The tokens of one store. Raises StoreError where the file cannot be used."""

    def __init__(self, place: Path | Shared, clock: Callable[[], float] = time.time) -> None:
        """``place``: the store's folder, or what machines share (``place_of``)."""
        self._database = Database(place, _NAME, _SCHEMA, 1)
        self._clock = clock

    @staticmethod
    def there(place: Path | Shared) -> bool:
        """Whether there may be tokens, without making anything."""
        return isinstance(place, Shared) or (place / f"{_NAME}.sqlite").exists()

    def create(
        self,
        name: str,
        *,
        user: str | None = None,
        role: str | None = None,
        groups: Sequence[str] = (),
        scopes: Sequence[str] | None = None,
        days: float | None = None,
    ) -> str:
        """Return the token, which is kept nowhere. Raises SettingsError for what is no name, role, scope or time."""
        if not _LABEL.fullmatch(name):
            raise SettingsError(f"{name[:80]!r} is no name for a token.", "Use letters, digits, blanks and . _ @ + -")
        if days is not None and days <= 0:
            raise SettingsError(f"--days {days:g} is no time ahead.", "Give more than 0, or leave it out.")
        given = None if role is None else role_name(role)
        kept = None if scopes is None else json.dumps(sorted(scope_names(scopes)))
        public, secret, now = secrets.token_hex(6), secrets.token_urlsafe(32), self._clock()
        token = f"{PREFIX}{public}_{secret}"
        with self._database.write() as connection:
            if connection.execute("SELECT 1 FROM tokens WHERE name = ?", (name,)).fetchone():
                raise SettingsError(f"There is a token {name!r} already.", "Choose another name, also for one revoked.")
            connection.execute(
                "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
                (
                    public, name, _digest(token), user, given, json.dumps(group_names(groups)), kept, now,
                    None if days is None else now + days * 86_400,
                ),
            )  # fmt: skip
        return token

    def find(self, text: str) -> Token | None:
        """Return the token of that text, and note its use; None for one that is unknown, revoked or past its time."""
        shape = _SHAPE.fullmatch(text)
        if shape is None:
            return None
        with self._database.read() as connection:
            row = connection.execute(f"{_SELECT} WHERE id = ?", (shape.group(1),)).fetchone()
        same = hmac.compare_digest(_digest(text), row[-1] if row is not None else _digest(""))
        if row is None or not same:
            return None
        now, found = self._clock(), _token(row)
        if found.revoked is not None or (found.expires is not None and found.expires <= now):
            return None
        if found.used is None or now - found.used >= _TOUCH_S:
            self._touch(found.id, now)
        return found

    def _touch(self, public: str, now: float) -> None:
        try:
            with self._database.write() as connection:
                connection.execute("UPDATE tokens SET used = ? WHERE id = ?", (now, public))
        except StoreError as error:
            log.warning("the last use of a token could not be noted: %s", error)  # the request is none the worse

    def all(self) -> list[Token]:
        with self._database.read() as connection:
            rows = connection.execute(f"{_SELECT} ORDER BY created, id").fetchall()
        return list(map(_token, rows))

    def revoke(self, name: str) -> None:
        """End a token, named by its name or its id, at once. Raises NotFound."""
        with self._database.write() as connection:
            done = connection.execute(
                "UPDATE tokens SET revoked = ? WHERE (name = ? OR id = ?) AND revoked IS NULL",
                (self._clock(), name, name),
            )
            if not done.rowcount:
                raise NotFound(f"There is no token {name[:80]!r} in use.", "`thesis token list` names them.")

    def revoke_of(self, user: str) -> int:
        """End every token of a user; how many there were."""
        with self._database.write() as connection:
            done = connection.execute(
                'UPDATE tokens SET revoked = ? WHERE "user" = ? AND revoked IS NULL', (self._clock(), user)
            )
            return int(done.rowcount)

    def close(self) -> None:
        self._database.close()


def _digest(text: str) -> str:
    # Tokens are random, so that a quick hash is enough.
    return hashlib.sha256(text.encode()).hexdigest()


def _token(row: Sequence[Any]) -> Token:
    public, name, user, role, groups, scopes, created, expires, used, revoked, _ = row
    return Token(
        public, name, user, None if role is None else role_name(role), tuple(json.loads(groups)),
        None if scopes is None else scope_names(json.loads(scopes)), created, expires, used, revoked,
    )  # fmt: skip
