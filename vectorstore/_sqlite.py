"""SQLite as this package uses it: one writer at a time, a pool of readers, WAL, any thread."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal


class Database:
    """One file. A reader sees one committed state for as long as its block runs, whatever is written meanwhile.

    BEGIN takes no snapshot yet: the first SELECT of the block does.
    """

    def __init__(self, path: Path, *, synchronous: Literal["FULL", "NORMAL"] = "FULL") -> None:
        self.path = path
        self._synchronous = synchronous
        self._idle: list[sqlite3.Connection] = []
        self._pool = threading.Lock()
        self._writing = threading.RLock()
        self._reading = threading.local()
        self._closed = False
        self.changes = 0  # transactions committed by this process
        self._writer: sqlite3.Connection | None = None
        self._writer = self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=30)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA foreign_keys = ON")
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed at the end of the block, rolled back by any error."""
        with self._writing:
            connection = self._writer
            if connection is None:
                raise sqlite3.ProgrammingError(f"{self.path} is closed")
            if connection.in_transaction:  # nested: part of the outer one
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            self.changes += 1

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
            connection = self._connect()
        try:
            connection.execute("BEGIN")
            self._reading.connection = connection
            yield connection
        finally:
            self._reading.connection = None
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
