"""A small SQLite file of secrets' hashes in the store's folder: several processes, few rows, every change at once on disk."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from vectorstore.errors import StoreError


class Database:
    """One connection, shared by threads under a lock. Raises StoreError where the file cannot be used."""

    def __init__(self, path: Path, schema: str, version: int) -> None:
        self.path = path
        self._lock = threading.Lock()
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # nobody else on the machine reads it
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
            found = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
            if found not in (0, version):
                self._connection.close()
                raise StoreError(
                    f"{path} was written by another version of the program.", "Use that version, or move the file away."
                )
            self._connection.executescript(f"BEGIN IMMEDIATE; {schema}; PRAGMA user_version = {version}; COMMIT;")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"{self.path} cannot be used: {error}.", "Mend the file, its folder or its disk."
            ) from error

    @contextlib.contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection; what is changed in the block is committed together, or not at all."""
        with self._lock, self._told():
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        with self._lock:
            self._connection.close()
