"""What takes a while to make and may be made again: the last ones are kept, in memory that is bounded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """The ``most`` values that were used last, by key. Safe in any number of threads; what makes a value runs outside the lock."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._held: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: K) -> V | None:
        """Return the value of ``key``, which is then the last used; None where none is kept."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key]

    def put(self, key: K, value: V) -> V:
        """Keep ``value`` in place of what ``key`` had; return it."""
        with self._lock:
            self._held[key] = value
            self._used(key)
        return value

    def made(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of ``key``, made where none is kept. Threads that make it at once get the one that was kept first."""
        found = self.get(key)
        if found is not None:
            return found
        fresh = make()
        with self._lock:
            value = self._held.setdefault(key, fresh)
            self._used(key)
        return value

    def _used(self, key: K) -> None:
        self._held.move_to_end(key)
        while len(self._held) > self._most:
            self._held.popitem(last=False)
