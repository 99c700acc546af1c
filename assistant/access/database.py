"""Small tables of secrets' hashes, in a file of the store's folder or in the PostgreSQL that machines share: few rows, every change
at once on disk, several processes.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from vectorstore.database import Connection, Shared, SharedDatabase, shared_of
from vectorstore.errors import StoreError
from vectorstore.settings import Settings


def place_of(settings: Settings) -> Path | Shared:
    """Return where the tables of a base are: its folder, or the database that machines share. Raises SettingsError."""
    return shared_of(settings) or Path(settings.store)


class Database:
    """``name``: of the file, and of the part of a shared base. ``schema``: SQL of its tables, as of ``version``.

    Raises StoreError where it cannot be used.
    """

    def __init__(self, place: Path | Shared, name: str, schema: str, version: int) -> None:
        self._held: _File | SharedDatabase
        if isinstance(place, Shared):
            self._held = _shared(place, name, schema, version)
        else:
            self._held = _File(place / f"{name}.sqlite", schema, version)

    def read(self) -> AbstractContextManager[Connection]:
        return self._held.read()

    def write(self) -> AbstractContextManager[Connection]:
        """What is changed in the block is committed together, or not at all; one such block at a time."""
        return self._held.write()

    def close(self) -> None:
        self._held.close()


def _shared(place: Shared, name: str, schema: str, version: int) -> SharedDatabase:
    database = SharedDatabase(place, name, f"The {name}")
    try:
        _make(database, schema, version)
    except BaseException:
        database.close()
        raise
    return database


def _make(database: SharedDatabase, schema: str, version: int) -> None:
    if _version(database) == version:
        return
    with database.write() as connection:
        found = _version(database)  # another process may have made them meanwhile
        if found not in (0, version):
            raise StoreError(
                f"{database.what} were written by another version of the program.", "Use the same version everywhere."
            )
        if not found:
            database.define([*schema.split(";"), "CREATE TABLE version (value INTEGER NOT NULL)"])
            connection.execute("INSERT INTO version VALUES (?)", (version,))


def _version(database: SharedDatabase) -> int:
    if "version" not in database.tables():
        return 0
    with database.read() as connection:
        return int(connection.execute("SELECT value FROM version").fetchone()[0])


class _File:
    """One connection, shared by threads under a lock."""

    def __init__(self, path: Path, schema: str, version: int) -> None:
        self.path = path
        self._lock = threading.Lock()
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # nobody else on the machine reads it
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5)
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

    def read(self) -> AbstractContextManager[Connection]:
        return self._use("BEGIN")

    def write(self) -> AbstractContextManager[Connection]:
        return self._use("BEGIN IMMEDIATE")

    @contextlib.contextmanager
    def _use(self, begin: str) -> Iterator[Connection]:
        with self._lock, self._told():
            self._connection.execute(begin)
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        with self._lock:
            self._connection.close()
