"""SQLite as this package uses it: one writer at a time, a pool of readers, WAL, any thread."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from vectorstore._sql import LocalLock, Lock

# A checkpoint moves what was written from the log into the file. The fewer there are, the seldomer a plain copy of an
# open store mixes two states: file and log, copied between two checkpoints, are one committed state.
_LOG_PAGES = 16_384  # of 4 KiB
_LOG_KEPT = 4 << 20  # bytes that the log shrinks to after a checkpoint


class Database:
    """One file. A reader sees one committed state for as long as its block runs, whatever is written meanwhile.

    BEGIN takes no snapshot yet: the first SELECT of the block does. ``faults`` turns an SQLite error into the one to raise.
    """

    shared = False  # by processes that know nothing of each other

    def __init__(
        self,
        path: Path,
        *,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
        faults: Callable[[sqlite3.Error], Exception] | None = None,
    ) -> None:
        self.path = path
        self._faults = faults
        self._synchronous = synchronous
        self._idle: list[sqlite3.Connection] = []
        self._pool = threading.Lock()
        self._writing = threading.RLock()
        self._locks: dict[str, LocalLock] = {}
        self._reading = threading.local()
        self._closed = False
        self.changes = 0  # transactions committed by this process
        self._writer: sqlite3.Connection | None = None
        self._writer = self._connect()

    @property
    def revision(self) -> int:
        """The number of changes before this thread's snapshot was taken (before now, where it has none).

        What is read is at least as new: kept under this number, it never outlives the change that makes it old.
        """
        return int(getattr(self._reading, "revision", self.changes))

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=30)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
            connection.execute(f"PRAGMA journal_size_limit = {_LOG_KEPT}")
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            turned = error if self._faults is None else self._faults(error)
            if turned is error:
                raise
            raise turned from error

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed at the end of the block, rolled back by any error."""
        with self._told(), self._writing:
            connection = self._writer
            if connection is None:
                raise sqlite3.ProgrammingError(f"{self.path} is closed")
            if connection.in_transaction:  # nested: part of the outer one
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # A full disk ends the transaction by itself; a commit that failed leaves it open.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            self.changes += 1

    @contextlib.contextmanager
    def altering(self) -> Iterator[sqlite3.Connection]:
        """One transaction that may make tables anew: references are checked at its end, once."""
        with self._writing:
            if self._writer is None:
                raise sqlite3.ProgrammingError(f"{self.path} is closed")
            # Inside a transaction the pragma does nothing.
            self._writer.execute("PRAGMA foreign_keys = OFF")
            try:
                with self.write() as connection:
                    yield connection
                    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
                    if broken is not None:
                        raise sqlite3.IntegrityError(f"a row of {broken[0]} belongs to nothing")
            finally:
                self._writer.execute("PRAGMA foreign_keys = ON")

    def lock(self, name: str) -> Lock:
        """Return the lock of that name, for what is more than one transaction. Taken before ``write``."""
        return self._locks.setdefault(name, LocalLock())

    def bytes(self) -> int:
        """Return the size of the file, when all that was written has reached it."""
        with self.read() as connection:
            pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return int(pages * size)

    def problems(self, *, thorough: bool) -> list[str]:
        """Return what SQLite's own checks find; ``thorough``: its indexes against their tables too."""
        with self.read() as connection:
            rows = connection.execute(f"PRAGMA {'integrity_check' if thorough else 'quick_check'}").fetchall()
            broken = connection.execute("PRAGMA foreign_key_check").fetchall()
        found = [f"The ledger is damaged: {row[0]}." for row in rows if row[0] != "ok"]
        return found + [f"The ledger has a row of {row[0]} that belongs to nothing." for row in broken]

    def compact(self, share: float = 0.0) -> None:
        """Give pages that nothing uses back to the file system, where they are more than ``share`` of all."""
        with self.read() as connection:
            unused, pages = (connection.execute(f"PRAGMA {n}").fetchone()[0] for n in ("freelist_count", "page_count"))
        if share and unused <= share * pages:
            return
        with self._writing:
            if self._writer is None:
                raise sqlite3.ProgrammingError(f"{self.path} is closed")
            self._writer.execute("VACUUM")
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One snapshot; a block inside another of the same thread shares its snapshot."""
        outer: sqlite3.Connection | None = getattr(self._reading, "connection", None)
        if outer is not None:
            yield outer
            return
        with self._pool:
            if self._closed:
                raise sqlite3.ProgrammingError(f"{self.path} is closed")
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            with self._told():
                connection = self._connect()
        try:
            with self._told():
                self._reading.revision = self.changes
                connection.execute("BEGIN")
                self._reading.connection = connection
                yield connection
        finally:
            self._reading.connection = None
            del self._reading.revision
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            with self._pool:
                if self._closed:
                    connection.close()
                else:
                    self._idle.append(connection)

    def close(self) -> None:
        with self._writing, self._pool:
            self._closed = True
            # A reader at work closes its own connection when it is done.
            for connection in (*self._idle, self._writer):
                if connection is not None:
                    connection.close()
            self._idle.clear()
            self._writer = None
