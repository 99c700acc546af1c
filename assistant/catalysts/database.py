"""What the board, the claim ledger and the list of changes keep, each in tables of its own version: ``board.sqlite``, or the
PostgreSQL that machines share.

They hold what can be read from documents again and what cannot (checks, snapshots, events). The file belongs to the process that
owns the store; shared tables to all that have the base open.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vectorstore.database import AnyDatabase, Connection, Database, Lock, Shared, SharedDatabase, fault
from vectorstore.errors import StoreError

NAME = "board.sqlite"
_PART = "board"  # its name in a shared base
SCHEMA = 1  # of the file: that it has a table ``parts``
_WAIT_S = 0.1  # between looks whether a lock is free
_PARTS = "CREATE TABLE parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID"


@dataclass(frozen=True, slots=True)
class Part:
    """The tables of one module. ``tables``: SQL of version ``version``; ``migrations[n]``: SQL from version n to n + 1."""

    name: str
    version: int
    tables: str
    migrations: Mapping[int, str] = field(default_factory=dict)


def open_board(place: str | Path | Shared, *parts: Part) -> AnyDatabase:
    """Open the file in the store folder ``place``, or the tables of a shared base, with the tables of ``parts``, made or brought up.

    Only this user may read a file that is made. Raises StoreError for a file or a part of a newer program, one that is damaged,
    and a database that is not there.
    """
    database = SharedDatabase(place, _PART, "The board") if isinstance(place, Shared) else _file(Path(place) / NAME)
    try:
        if isinstance(database, SharedDatabase):
            _bring_up_shared(database, parts)
        else:
            _bring_up(database, parts)
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def taken(lock: Lock, *, wait: bool, stop: Callable[[], bool] = lambda: False) -> Iterator[Lock | None]:
    """Give the lock for the block; None where another has it and ``wait`` is False, or ``stop`` ended the waiting."""
    while not lock.acquire_now():
        if not wait or stop():
            yield None
            return
        time.sleep(_WAIT_S)
    try:
        yield lock
    finally:
        lock.release()


def _file(path: Path) -> Database:
    turned = _faults(path)
    try:
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        return Database(path, faults=turned)
    except (OSError, sqlite3.Error) as error:
        raise turned(error) from error


def _bring_up(database: Database, parts: Sequence[Part]) -> None:
    with database.read() as connection:
        if _version(connection) == SCHEMA and _stands(connection, parts):
            return
    with database.write() as connection:
        found = _version(connection)
        if found > SCHEMA:
            raise _newer(str(database.path), f"schema {found}, known: {SCHEMA}")
        if found == 0:
            connection.execute(_PARTS)
            connection.execute(f"PRAGMA user_version = {SCHEMA}")

        def run(script: str) -> None:
            # executescript() would commit the transaction that it is part of.
            for statement in _statements(script):
                connection.execute(statement)

        _bring_up_parts(connection, parts, run, str(database.path))


def _bring_up_shared(database: SharedDatabase, parts: Sequence[Part]) -> None:
    if "parts" in database.tables():
        with database.read() as connection:
            if _stands(connection, parts):
                return
    with database.write() as connection:
        if "parts" not in database.tables():  # another process may have done it meanwhile
            database.define([_PARTS])
        _bring_up_parts(connection, parts, lambda script: database.define(_statements(script)), database.what)


def _bring_up_parts(connection: Connection, parts: Sequence[Part], run: Callable[[str], None], what: str) -> None:
    held = _held(connection)
    for part in parts:
        version = held.get(part.name, 0)
        if version > part.version:
            raise _newer(what, f"{part.name} {version}, known: {part.version}")
        if version == 0:
            run(part.tables)
        for step in range(version or part.version, part.version):
            run(part.migrations[step])
        connection.execute(
            "INSERT INTO parts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET version = excluded.version",
            (part.name, part.version),
        )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _held(connection: Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT name, version FROM parts"))


def _stands(connection: Connection, parts: Sequence[Part]) -> bool:
    held = _held(connection)
    return all(held.get(part.name) == part.version for part in parts)


def _statements(script: str) -> list[str]:
    without = re.sub(r"(?m)^\s*--.*$", "", script)  # a comment may hold a ";"
    return [one for one in without.split(";") if one.strip()]


def _newer(where: str, what: str) -> StoreError:
    return StoreError(
        f"The board {where} is of a newer version of this program ({what}).", "Use that version, or name another store."
    )


def _faults(path: Path) -> Callable[[Exception], Exception]:
    def turned(error: Exception) -> Exception:
        if isinstance(error, sqlite3.ProgrammingError | sqlite3.IntegrityError):
            return error
        return fault(f"The board {path}", error, "Move the file away: a new one begins; or take it from a backup.")

    return turned


__all__ = ["NAME", "Part", "open_board", "taken"]
