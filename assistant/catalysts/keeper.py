"""Keeps the board up to date behind a server: reads what comes in, asks the tools, and tells the webhook.

It looks at what is in the base every few seconds instead of being told: documents come in, change and go by many doors (uploads, other
shells, removals, corrections), and what a look finds is the same after a restart. While an ingest goes on it makes way. Of several servers
of one base one keeps the board; where it ends, another goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from assistant.catalysts import outbox
from assistant.catalysts.face import Catalysts
from assistant.catalysts.webhook import Sender
from vectorstore.database import AnyDatabase, Lock
from vectorstore.errors import ThesisError
from vectorstore.settings import Settings

log = logging.getLogger(__name__)
_PAUSE_S = 2.0
_AFTER_FAILURE_S = 60.0


class Keeper:
    """One for a server. ``face``: of the whole base; ``busy``: whether something else wants the machine; ``stop`` it."""

    def __init__(
        self,
        face: Catalysts,
        settings: Settings,
        busy: Callable[[], bool],
        *,
        pause_s: float = _PAUSE_S,
        after_failure_s: float = _AFTER_FAILURE_S,
    ) -> None:
        """Raises SettingsError for a webhook that cannot be one."""
        self._face, self._settings, self._busy = face, settings, busy
        self._pause, self._after_failure = pause_s, after_failure_s
        self._sender = Sender(settings) if settings.webhook_url else None
        self._lock: Lock | None = None  # held while this is the one that keeps the board
        self._stopped = threading.Event()
        self._seen: object = None
        self._measured: float | None = None
        self._thread = threading.Thread(target=self._run, name="thesis-board", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End it; what is under way ends at its next document or request."""
        self._stopped.set()
        if self._thread.ident is None:
            self._let_go()
        else:
            self._thread.join()
        if self._sender is not None:
            self._sender.close()

    def _run(self) -> None:
        try:
            self._turns()
        finally:
            self._let_go()

    def _turns(self) -> None:
        pause = self._pause
        while not self._stopped.wait(pause):
            try:
                self.turn()
                pause = self._pause
            except ThesisError as error:
                log.warning("the board could not be brought up to date: %s", error)
                pause = self._after_failure
            except Exception:  # a fault here must not end what keeps the board; it is logged and tried again
                log.exception("the board could not be brought up to date")
                pause = self._after_failure

    def turn(self) -> None:
        """Do what there is to do now, where no other server of the base does."""
        if self._busy():
            self._let_go()
            return
        if not self._is_mine():
            return
        documents = self._face.documents()
        new = documents != self._seen
        if new:
            left = self._face.update(stop=self._interrupted) or self._face.claims.update(stop=self._interrupted)
            if left or self._interrupted():
                return
            self._seen = documents
        if self._measure(new=new) or new:
            self._tell(outbox.fill)
        if self._sender is not None:
            sender = self._sender
            self._tell(
                lambda database: sender.send_due(database, stop=lambda: self._stopped.is_set() or not self._is_mine())
            )

    def _is_mine(self) -> bool:
        """Whether this is the one server that keeps the board: it stays that until it ends, has something else to do, or loses the lock."""
        if self._lock is not None and not self._lock.kept():
            self._let_go()
        if self._lock is None:
            lock = self._face.database().lock("keeper")
            if lock.acquire_now():
                self._lock = lock
        return self._lock is not None

    def _let_go(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def _interrupted(self) -> bool:
        return self._stopped.is_set() or self._busy()

    def _measure(self, *, new: bool) -> bool:
        """Ask the tools where their time has come, and those that read documents where these are ``new``."""
        hours = self._settings.board_hours
        if not hours or not self._face.documents():
            return False
        now = time.monotonic()
        over = self._measured is not None and now - self._measured >= hours * 3600
        if not (new or over or self._measured is None):
            return False
        self._face.measure(refresh=over)
        if over or self._measured is None:
            self._measured = now
        return True

    def _tell(self, work: Callable[[AnyDatabase], object]) -> None:
        if self._sender is not None:
            work(self._face.database())


@contextmanager
def keeping(face: Catalysts, settings: Settings, busy: Callable[[], bool]) -> Iterator[Keeper]:
    """Keep the board in a thread until the end of the block. Raises SettingsError as ``Keeper``."""
    keeper = Keeper(face, settings, busy)
    keeper.start()
    try:
        yield keeper
    finally:
        keeper.stop()


__all__ = ["Keeper", "keeping"]
