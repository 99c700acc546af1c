"""``board.sqlite``: what the board, the claim ledger and the list of changes keep, each in tables of its own version.

The file holds what can be read from documents again and what cannot (checks, snapshots, events). It belongs to the process that
owns the store.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vectorstore.database import Database, fault
from vectorstore.errors import StoreError

NAME = "board.sqlite"
SCHEMA = 1  # of the file: that it has a table ``parts``
_PARTS = "CREATE TABLE parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID"


@dataclass(frozen=True, slots=True)
class Part:
    """The tables of one module. ``tables``: SQL of version ``version``; ``migrations[n]``: SQL from version n to n + 1."""

    name: str
    version: int
    tables: str
    migrations: Mapping[int, str] = field(default_factory=dict)


def open_board(root: str | Path, *parts: Part) -> Database:
    """Open the file in the store folder ``root`` with the tables of ``parts``, made (only this user may read it) or brought up.

    Raises StoreError for a file or a part of a newer program, and for one that is damaged.
    """
    path = Path(root) / NAME
    turned = _faults(path)
    try:
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        database = Database(path, faults=turned)
    except (OSError, sqlite3.Error) as error:
        raise turned(error) from error
    try:
        _bring_up(database, parts)
    except BaseException:
        database.close()
        raise
    return database


def _bring_up(database: Database, parts: Sequence[Part]) -> None:
    with database.read() as connection:
        if _version(connection) == SCHEMA and all(_held(connection).get(p.name) == p.version for p in parts):
            return
    with database.write() as connection:
        found = _version(connection)
        if found > SCHEMA:
            raise _newer(database.path, f"schema {found}, known: {SCHEMA}")
        if found == 0:
            connection.execute(_PARTS)
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
        held = _held(connection)
        for part in parts:
            version = held.get(part.name, 0)
            if version > part.version:
                raise _newer(database.path, f"{part.name} {version}, known: {part.version}")
            if version == 0:
                _run(connection, part.tables)
            for step in range(version or part.version, part.version):
                _run(connection, part.migrations[step])
            connection.execute("INSERT OR REPLACE INTO parts VALUES (?, ?)", (part.name, part.version))


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _held(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT name, version FROM parts"))


def _run(connection: sqlite3.Connection, script: str) -> None:
    # executescript() would commit the transaction that it is part of.
    for statement in re.sub(r"(?m)^\s*--.*$", "", script).split(";"):  # a comment may hold a ";"
        if statement.strip():
            connection.execute(statement)


def _newer(path: Path, what: str) -> StoreError:
    return StoreError(
        f"The board {path} is of a newer version of this program ({what}).", "Use that version, or name another store."
    )


def _faults(path: Path) -> Callable[[Exception], Exception]:
    def turned(error: Exception) -> Exception:
        if isinstance(error, sqlite3.ProgrammingError | sqlite3.IntegrityError):
            return error
        return fault(f"The board {path}", error, "Move the file away: a new one begins; or take it from a backup.")

    return turned


__all__ = ["NAME", "Part", "open_board"]
