"""Whose turn it is to change a store: one ingest at a time, the others wait; vectors are made beside all."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.progress import Failed, Progress
from ingest.sources import shown
from vectorstore.errors import StoreError, StoreUnavailable
from vectorstore.store import Store

log = logging.getLogger(__name__)

TURN_SECONDS = 0.5  # between two looks of who waits
AGAIN_SECONDS = 15.0  # between two tries where a server does not answer
ProgressCallback = Callable[[Progress], None]


class Turns:
    """The part of an Ingestor that waits for its turn, and that makes vectors without one."""

    store: Store

    def __init__(self) -> None:
        self._writing = threading.RLock()
        self._count = threading.Lock()
        self._wanting = 0  # ingests that go on or wait for their turn: what is made in the background makes way
        self._left = threading.Event()  # there are vectors to be made
        self._behind: threading.Thread | None = None
        self._closing = threading.Event()

    @property
    def busy(self) -> bool:
        """Whether an ingest goes on, or waits for its turn."""
        return self._wanting > 0

    @contextmanager
    def _wanted(self) -> Iterator[None]:
        with self._count:
            self._wanting += 1
        try:
            yield
        finally:
            with self._count:
                self._wanting -= 1

    @contextmanager
    def _my_turn(self, progress: ProgressCallback | None, files: int) -> Iterator[None]:
        with self._wanted():
            while not self._writing.acquire(timeout=TURN_SECONDS):
                if progress:
                    progress(Progress(files_total=files))
            try:
                yield
            finally:
                self._writing.release()

    def _end_behind(self) -> None:
        self._closing.set()
        with self._count:
            behind = self._behind
        if behind is not None:
            behind.join()

    def embed_behind(self) -> None:
        """Have a thread make the vectors of what waits, beside all else; ``close`` ends it, and the rest goes on waiting."""
        with self._count:
            self._left.set()
            if self._behind is None and not self._closing.is_set():
                self._behind = threading.Thread(target=self._run_behind, name="thesis-behind", daemon=True)
                self._behind.start()

    def _run_behind(self) -> None:
        while True:
            self._left.clear()
            try:
                self._make_vectors(None, self._closing.is_set)
            except StoreError:
                log.exception("vectors could not be made; what waits goes on waiting")
            with self._count:
                if self._closing.is_set() or not self._left.is_set():
                    self._behind = None
                    return

    def _make_vectors(self, progress: ProgressCallback | None, stop: Callable[[], bool]) -> list[Failed]:
        """Make them without the turn of an ingest, which, where one comes, makes them itself. Returns what failed."""
        failed: dict[str, Failed] = {}
        begun, done, files = time.monotonic(), 0, 0
        total = len(self.store.waiting())
        while not stop():
            if self._wanting:
                time.sleep(TURN_SECONDS / 5)
                continue
            try:
                found = self.store.embed_next(skip=failed, stop=lambda: stop() or self._wanting > 0)
            except StoreUnavailable as error:
                log.warning("%s It is tried again every %d seconds.", error.message, AGAIN_SECONDS)
                until = time.monotonic() + AGAIN_SECONDS
                while time.monotonic() < until and not stop():
                    time.sleep(TURN_SECONDS / 5)
                continue
            for one in found:
                info = self.store.info(one.document_id)
                if one.error is not None:
                    failed[one.document_id] = Failed(shown(info.path if info else one.document_id), str(one.error))
                done, files = done + one.chunks, files + 1
                if progress and info is not None:
                    seconds = time.monotonic() - begun
                    progress(Progress(files, max(files, total), 0, done, seconds, None, Path(info.path).name))
            if not found and not self._wanting:
                break
        return list(failed.values())
