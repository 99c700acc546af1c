"""How often signing in may fail: by name and address together, by address, and by name. In memory, bounded."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network, ip_address

WINDOW_S = 900.0
PER_NAME_AND_ADDRESS, PER_ADDRESS, PER_NAME = 5, 30, 50
_KEPT = 20_000  # keys; the oldest go


class Attempts:
    """Counts before the password is looked at, so that many at once are not more than one after another."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: OrderedDict[tuple[str, str, str], deque[float]] = OrderedDict()

    def take(self, name: str, address: str) -> int:
        """Count an attempt. Returns 0, or the seconds to wait where there were too many, which counts none."""
        now, limits = self._clock(), self._limits(name, address)
        with self._lock:
            wait = 0.0
            for key, most in limits:
                times = self._failed.get(key)
                while times and now - times[0] >= WINDOW_S:
                    times.popleft()
                if times is not None and len(times) >= most:
                    wait = max(wait, times[0] + WINDOW_S - now)
            if wait:
                return math.ceil(wait)
            for key, _ in limits:
                self._failed.setdefault(key, deque()).append(now)
                self._failed.move_to_end(key)
            while len(self._failed) > _KEPT:
                self._failed.popitem(last=False)
        return 0

    def right(self, name: str, address: str) -> None:
        """Take the last attempt back: it was right. What this name failed from this address before is forgotten."""
        with self._lock:
            for key, _ in self._limits(name, address):
                times = self._failed.get(key)
                if times:
                    times.pop()
                if times is not None and (not times or key[0] == "both"):
                    del self._failed[key]

    @staticmethod
    def _limits(name: str, address: str) -> tuple[tuple[tuple[str, str, str], int], ...]:
        small, address = name.strip().lower()[:200], _place(address)
        return (
            (("both", small, address), PER_NAME_AND_ADDRESS),
            (("address", "", address), PER_ADDRESS),
            (("name", small, ""), PER_NAME),
        )


def _place(address: str) -> str:
    """Return what one client counts as: an IPv6 address by its /64, of which anybody has 2**64 to change through."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Network((found, 64), strict=False)) if isinstance(found, IPv6Address) else address
