"""The vectors of what was read, made in a thread of their own while the next files are read.

The embedding model leaves the interpreter to others while it computes. Nothing here calls the caller back: what was done is
fetched with ``take``, so that progress is told by one thread only.
"""

from __future__ import annotations

import threading
from collections.abc import Collection

from vectorstore.store import Embedded, Store


class Behind:
    """Embeds what waits in the store, from ``wake`` on. Close it; what it has not done still waits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._guard = threading.Lock()
        self._work = threading.Event()
        self._stop = threading.Event()
        self._last = False
        self._done: list[Embedded] = []
        self._partly = 0
        self._failed: set[str] = set()
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None
        self.moved = threading.Event()  # set when ``take`` has news

    def wake(self) -> None:
        """Let it look for what waits; it starts at the first call."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="thesis-embed", daemon=True)
            self._thread.start()
        self._work.set()

    def finish(self) -> None:
        """Say that nothing more comes: it ends when nothing waits."""
        self._last = True
        self.wake()

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def take(self) -> tuple[list[Embedded], int]:
        """Return the documents done since the last call, and how many chunks of the batch under way. Raises what it met."""
        with self._guard:
            done, self._done = self._done, []
            if self._error is not None:
                raise self._error
            return done, self._partly

    def close(self) -> None:
        """End it after the texts under way; what is left waits for the next ingest."""
        self._stop.set()
        self._work.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._work.wait()
                self._work.clear()
                last = self._last
                while self._batch(frozenset(self._failed)):
                    pass
                if last:
                    return
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that reads
            with self._guard:
                self._error = error
        finally:
            self.moved.set()

    def _batch(self, skip: Collection[str]) -> bool:
        done = self._store.embed_next(self._step, skip=skip, stop=self._stop.is_set)
        with self._guard:
            self._done += done
            self._partly = 0
        self._failed.update(one.document_id for one in done if one.error is not None)
        self.moved.set()
        return bool(done)

    def _step(self, done: int, total: int) -> None:
        self._partly = done
        self.moved.set()
