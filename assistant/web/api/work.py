"""The synchronous service under an asynchronous server: bounded pools of threads, answers as they come, cancelling.

A thread never waits for a reader: what a slow reader has not taken is held, and of drafts and of what is being done only the
last is held, so that it stays small. A reader that goes away stops the work at its next event.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from typing import Any, TypeVar

from assistant.web.api.limits import Slot, Slots
from assistant.web.api.problems import Unacceptable

Event = Mapping[str, Any]
T = TypeVar("T")
_PASSING = {"draft", "status", "progress"}  # of these the last says all
_QUICK = 8  # threads for what is read, none of which waits for a model
_SLOW = 2  # threads for uploads, each of which may take minutes


class Gone(Exception):
    """Whoever asked is not there any more."""


class _Ended(Exception):
    """There are no more events."""


class _Held:
    """Events on their way from a thread to a reader in an event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._events: deque[Event] = deque()
        self._there = asyncio.Event()
        self.ended = False
        self.error: BaseException | None = None

    def put(self, event: Event) -> None:
        with self._lock:
            if self._events and event["type"] in _PASSING and self._events[-1]["type"] == event["type"]:
                self._events[-1] = event
            else:
                self._events.append(event)
        self._wake()

    def end(self, error: BaseException | None = None) -> None:
        self.error, self.ended = error, True
        self._wake()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._there.set)
        except RuntimeError:  # the server has stopped: nobody reads any more
            return

    async def next(self, pause: float | None) -> Event | None:
        """Return the next event; None after ``pause`` seconds without one. Raises _Ended, or what went wrong."""
        while True:
            with self._lock:
                if self._events:
                    return self._events.popleft()
                if self.ended:
                    if self.error is not None:
                        raise self.error
                    raise _Ended
                self._there.clear()
            try:
                await asyncio.wait_for(self._there.wait(), pause)
            except TimeoutError:
                return None


class Work:
    """The pools of one server. ``answers``: how many answers are made at once, the others wait their turn."""

    def __init__(self, slots: Slots, answers: int) -> None:
        self.slots = slots
        self._answers = ThreadPoolExecutor(max(1, answers), thread_name_prefix="thesis-answer")
        self._quick = ThreadPoolExecutor(_QUICK, thread_name_prefix="thesis-read")
        self._slow = ThreadPoolExecutor(_SLOW, thread_name_prefix="thesis-upload")
        self._stopped = threading.Event()

    async def call(self, function: Callable[[], T]) -> T:
        """Run something short in a thread."""
        return await asyncio.wrap_future(self._begin(self._quick, function))

    async def call_slow(self, user: str, function: Callable[[], T]) -> T:
        """Run something as long as an answer in a thread. Raises TooMany."""
        slot = self.slots.enter(user)

        def run() -> T:
            try:
                return function()
            finally:
                slot.done()

        try:
            future = self._begin(self._answers, run)
        except BaseException:
            slot.done()
            slot.left()
            raise
        try:
            return await asyncio.wrap_future(future)
        finally:
            if future.cancelled():
                slot.done()
            slot.left()

    async def answer(
        self, user: str, make: Callable[[], Generator[Event, None, None]], *, pause: float | None = None
    ) -> AsyncGenerator[Event | None, None]:
        """Yield the events of a generator that a thread runs, None after each ``pause`` seconds without one.

        Raises TooMany before anything runs. Closing it, or cancelling, closes the generator at its next event.
        """
        slot = self.slots.enter(user)
        held, stop = _Held(), threading.Event()

        def run() -> None:
            try:
                if not stop.is_set():
                    self._follow(make(), held, stop)
            except BaseException as error:  # noqa: BLE001 - raised again where the events are read
                held.end(error)
            else:
                held.end()
            finally:
                slot.done()

        async with aclosing(self._read(self._answers, run, held, slot, pause, stop)) as events:
            async for event in events:
                yield event

    async def tracked(
        self, user: str, function: Callable[[Callable[[Event], None]], T], *, pause: float | None = None
    ) -> AsyncGenerator[Event | None, None]:
        """Yield what ``function`` tells, last {"type": "done", "value": what it returned}. It goes on without a reader."""
        slot = self.slots.enter(user)
        held = _Held()

        def run() -> None:
            try:
                held.put({"type": "done", "value": function(held.put)})
            except BaseException as error:  # noqa: BLE001 - raised again where the events are read
                held.end(error)
            else:
                held.end()
            finally:
                slot.done()

        async with aclosing(self._read(self._slow, run, held, slot, pause)) as events:
            async for event in events:
                yield event

    def _follow(self, events: Generator[Event, None, None], held: _Held, stop: threading.Event) -> None:
        try:
            for event in events:
                held.put(event)
                if stop.is_set() or self._stopped.is_set():
                    return
        finally:
            events.close()

    async def _read(
        self,
        pool: ThreadPoolExecutor,
        run: Callable[[], None],
        held: _Held,
        slot: Slot,
        pause: float | None,
        stop: threading.Event | None = None,
    ) -> AsyncGenerator[Event | None, None]:
        """Begin ``run`` and yield what it holds. ``stop``: set when the reader leaves; None: ``run`` goes on without."""
        try:
            future = self._begin(pool, run)
        except BaseException:
            slot.done()
            slot.left()
            raise
        try:
            while True:
                try:
                    event = await held.next(pause)
                except _Ended:
                    return
                yield event
        finally:
            if stop is not None:
                stop.set()
                if future.cancel():  # what had not begun never will: its place is free at once
                    slot.done()
            slot.left()

    def _begin(self, pool: ThreadPoolExecutor, function: Callable[[], T]) -> Future[T]:
        if self._stopped.is_set():
            raise Unacceptable("not_ready", "The server is stopping.", "Ask again when it is back.")
        return pool.submit(function)

    def close(self) -> None:
        """End what runs at its next event, and begin nothing more."""
        self._stopped.set()
        for pool in (self._answers, self._quick, self._slow):
            pool.shutdown(wait=False, cancel_futures=True)


def threads_for(answers: int, *, waits: bool) -> int:
    """Return how many threads make answers: a few a core, or all at once where they ``waits`` for a model or a source."""
    cores = os.cpu_count() or 1
    return answers or 64 if waits else min(answers or 64, max(4, 2 * cores))
