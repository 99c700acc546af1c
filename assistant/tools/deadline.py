"""How much time the running tool has left; set once around a call, read by whatever waits."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

_until: ContextVar[float | None] = ContextVar("until", default=None)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Give the block ``seconds``; within another limit, the earlier one holds."""
    outer = _until.get()
    mine = time.monotonic() + seconds
    token = _until.set(mine if outer is None else min(outer, mine))
    try:
        yield
    finally:
        _until.reset(token)


def remaining(most: float) -> float:
    """Return the seconds left, at most ``most``; 0 where the time is up."""
    until = _until.get()
    return most if until is None else max(0.0, min(most, until - time.monotonic()))
