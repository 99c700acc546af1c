"""Sessions of signed-in browsers, and sign-ins under way at a provider: random names, kept as their hashes, for all servers of a base."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.access.database import Database
from assistant.access.user import Via
from vectorstore.database import Shared

_NAME = "sessions"
_SELECT = "SELECT id, name, groups, via, stamp, created, used FROM sessions"
FLOW_S = 600.0  # for signing in at the provider
_TOUCH_S = 30.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, groups TEXT NOT NULL, via TEXT NOT NULL, stamp TEXT NOT NULL,
    created REAL NOT NULL, used REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS flows (
    state TEXT PRIMARY KEY, browser TEXT NOT NULL, nonce TEXT NOT NULL, verifier TEXT NOT NULL, next TEXT NOT NULL,
    created REAL NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Session:
    """``stamp``: of the account as it was at sign-in. Times in seconds since 1970."""

    id: str
    name: str
    groups: tuple[str, ...]
    via: Via
    stamp: str
    created: float
    used: float


@dataclass(frozen=True, slots=True)
class Flow:
    """A sign-in under way: what the provider must send back, and where the browser goes then."""

    nonce: str
    verifier: str
    next: str


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def form_token(cookie: str) -> str:
    """Return what a form must carry to be believed: bound to the session's cookie, which no other site can read."""
    return hmac.new(cookie.encode("utf-8", "surrogatepass"), b"thesis form", hashlib.sha256).hexdigest()


class Sessions:
    """Safe in any number of threads. Raises StoreError where the file cannot be used."""

    def __init__(
        self, place: Path | Shared, *, idle_s: float, longest_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        """``place``: the store's folder, or what machines share (assistant.access.database.place_of)."""
        self._database = Database(place, _NAME, _SCHEMA, 1)
        self._idle, self._longest, self._clock = idle_s, longest_s, clock

    def begin(self, name: str, groups: Sequence[str], via: Via, stamp: str = "") -> str:
        """Return the cookie's value, which is kept nowhere."""
        cookie, now = secrets.token_urlsafe(32), self._clock()
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM sessions WHERE created <= ? OR used <= ?", (now - self._longest, now - self._idle)
            )
            connection.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)",
                (digest(cookie), name, json.dumps(list(groups)), via, stamp, now, now),
            )
        return cookie

    def find(self, cookie: str) -> Session | None:
        """Return the session of a cookie, and note that it is used; None where it has ended or never was."""
        now, key = self._clock(), digest(cookie)
        with self._database.read() as connection:
            row = connection.execute(f"{_SELECT} WHERE id = ?", (key,)).fetchone()
        if row is None:
            return None
        found = Session(row[0], row[1], tuple(json.loads(row[2])), *row[3:])
        if now - found.used >= self._idle or now - found.created >= self._longest:
            self.end(cookie)
            return None
        if now - found.used >= _TOUCH_S:
            with self._database.write() as connection:
                connection.execute("UPDATE sessions SET used = ? WHERE id = ? AND used < ?", (now, key, now))
        return found

    def end(self, cookie: str) -> None:
        with self._database.write() as connection:
            connection.execute("DELETE FROM sessions WHERE id = ?", (digest(cookie),))

    def begin_flow(self, browser: str, target: str) -> tuple[str, Flow]:
        """Return (state, flow) of a sign-in that this browser (its cookie) begins."""
        state, now = secrets.token_urlsafe(32), self._clock()
        flow = Flow(secrets.token_urlsafe(32), secrets.token_urlsafe(48), target)
        with self._database.write() as connection:
            connection.execute("DELETE FROM flows WHERE created <= ?", (now - FLOW_S,))
            connection.execute(
                "INSERT INTO flows VALUES (?, ?, ?, ?, ?, ?)",
                (digest(state), digest(browser), flow.nonce, flow.verifier, flow.next, now),
            )
        return state, flow

    def end_flow(self, state: str, browser: str) -> Flow | None:
        """Return the flow of a state, once; None where this browser began none, or too long ago."""
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT browser, nonce, verifier, next, created FROM flows WHERE state = ?", (digest(state),)
            ).fetchone()
            if row is None or not hmac.compare_digest(row[0], digest(browser)):
                return None
            connection.execute("DELETE FROM flows WHERE state = ?", (digest(state),))
        if self._clock() - row[4] >= FLOW_S:
            return None
        return Flow(*row[1:4])

    def close(self) -> None:
        self._database.close()
