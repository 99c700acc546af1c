"""An event loop on a thread of its own, so that a request can be given up at any moment: the only thread of this kind.

Providers' async clients keep connections that belong to one loop, and some share clients through the whole process: so
there is one loop a process. A daemon thread, since each run ends with the block that it is used in.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_STOPS_WITHIN = 5.0  # seconds that a run may take to close its connection


class Background:
    """The loop and its thread, started at the first run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="thesis-model", daemon=True).start()
            return self._loop

    def call(self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """Run a coroutine to its end and return its value."""
        return asyncio.run_coroutine_threadsafe(work, self.loop()).result(timeout)


SHARED = Background()


class Run(Generic[T]):
    """One piece of work on the loop that reports events; leaving the ``with`` block stops it wherever it is."""

    def __init__(
        self, background: Background, work: Callable[[Callable[[T], None]], Coroutine[Any, Any, None]]
    ) -> None:
        self._events: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self._over = False
        self._future = asyncio.run_coroutine_threadsafe(self._run(work), background.loop())

    async def _run(self, work: Callable[[Callable[[T], None]], Coroutine[Any, Any, None]]) -> None:
        try:
            await work(self._events.put)
        finally:
            self._events.put(None)

    def events(self, pause: float) -> Iterator[T | None]:
        """Yield events as they come, and None whenever ``pause`` seconds bring none, so that a caller can be stopped."""
        while True:
            try:
                event = self._events.get(timeout=pause)
            except queue.Empty:
                yield None
                continue
            if event is None:
                self._over = True
                return
            yield event

    def __enter__(self) -> Run[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self._future.cancel()
        # The end mark is put when the connection is closed; until then the run is not over.
        while not self._over:
            try:
                self._over = self._events.get(timeout=_STOPS_WITHIN) is None
            except queue.Empty:
                return
