"""How often and how much at once a user may ask. Pure: the caller gives the time; safe in any number of threads."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable

from vectorstore.errors import ThesisError

MOST_USERS = 10_000  # whose rates are remembered; full buckets are forgotten first


class TooMany(ThesisError):
    """A limit is reached; ``retry_after``: seconds, from 1 up."""

    kind = "too_many_requests"

    def __init__(self, message: str, what_to_do: str, retry_after: int, reason: str) -> None:
        super().__init__(message, what_to_do)
        self.retry_after = retry_after
        self.reason = reason  # for the metrics: "rate", "user", "server"

    def __reduce__(self) -> tuple[type[TooMany], tuple[str, str, int, str]]:  # type: ignore[override]
        return (type(self), (self.message, self.what_to_do, self.retry_after, self.reason))


class Rates:
    """A token bucket a user: ``per_minute`` at once, filling again at that rate; 0: no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}  # user -> (tokens, when)

    def take(self, user: str) -> None:
        """Use one request of ``user`` up. Raises TooMany, which costs nothing."""
        if not self.per_minute:
            return
        with self._lock:
            now = self._clock()
            tokens = self._filled(user, now)
            if tokens >= 1:
                if user not in self._left and len(self._left) >= MOST_USERS:
                    self._forget(now)
                self._left[user] = (tokens - 1, now)
                return
            wait = math.ceil((1 - tokens) * 60 / self.per_minute)
        raise TooMany(
            f"More than {self.per_minute} requests in a minute.", f"Ask again in {wait} s.", max(wait, 1), "rate"
        )

    def _filled(self, user: str, now: float) -> float:
        tokens, then = self._left.get(user, (float(self.per_minute), now))
        return min(float(self.per_minute), tokens + max(0.0, now - then) * self.per_minute / 60)

    def _forget(self, now: float) -> None:
        full = [user for user in self._left if self._filled(user, now) >= self.per_minute]
        # Where all are busy the oldest goes: it is then as if it were new.
        for user in full or [min(self._left, key=lambda name: self._left[name][1])]:
            del self._left[user]


class Slots:
    """How many answers are made at once, on the whole server and for one user; 0: no limit."""

    def __init__(self, total: int, per_user: int) -> None:
        self.total, self.per_user = total, per_user
        self._lock = threading.Lock()
        self._used = 0
        self._of: Counter[str] = Counter()

    @property
    def used(self) -> int:
        """How many are being made."""
        return self._used

    def enter(self, user: str) -> Slot:
        """Return a place for one answer. Raises TooMany."""
        with self._lock:
            if self.per_user and self._of[user] >= self.per_user:
                raise TooMany(
                    f"{self.per_user} answers of yours are being made already.", "Wait for one of them.", 1, "user"
                )
            if self.total and self._used >= self.total:
                raise TooMany(f"The server is making {self.total} answers already.", "Ask again soon.", 2, "server")
            self._used += 1
            self._of[user] += 1
        return Slot(self, user)

    def _done(self) -> None:
        with self._lock:
            self._used -= 1

    def _left(self, user: str) -> None:
        with self._lock:
            self._of[user] -= 1
            if not self._of[user]:
                del self._of[user]


class Slot:
    """One place: given back to the server when the work is ``done``, to its user when the reader has ``left``.

    A reader that takes its answer slowly then stands in its own way only. Both may be called twice.
    """

    def __init__(self, slots: Slots, user: str) -> None:
        self._slots, self._user = slots, user
        self._lock = threading.Lock()
        self._is_done = self._has_left = False

    def done(self) -> None:
        with self._lock:
            first, self._is_done = not self._is_done, True
        if first:
            self._slots._done()

    def left(self) -> None:
        with self._lock:
            first, self._has_left = not self._has_left, True
        if first:
            self._slots._left(self._user)
