"""The tables of the records, in ``records.sqlite`` or the shared PostgreSQL, and how older ones are brought up to them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from assistant.records.guards import COUNT, COUNT_FROM, GUARDS, SHARED_GUARDS
from vectorstore.database import AnyDatabase, Database, Shared, SharedDatabase, fault, shared_of
from vectorstore.errors import StoreError
from vectorstore.settings import Settings

NAME = "records.sqlite"
PART = "records"  # its name in a shared base
SCHEMA = 2

_TABLES = """
-- payload: canonical JSON, deflated, NULL once retention has emptied it
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL, "user" TEXT NOT NULL, kind TEXT NOT NULL, channel TEXT NOT NULL,
    payload BLOB, payload_sha TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL);
CREATE INDEX audit_time ON audit(time);
CREATE INDEX audit_kind ON audit(kind, seq) WHERE kind = 'pruned';
-- where an answer stands, found again from the payloads, so no part of the chain
CREATE TABLE answer_rows (answer_id TEXT NOT NULL, seq INTEGER NOT NULL);
CREATE INDEX answer_rows_id ON answer_rows(answer_id);
CREATE TABLE conversations (
    owner TEXT NOT NULL, conversation_id TEXT NOT NULL, title TEXT NOT NULL, created TEXT NOT NULL, changed TEXT NOT NULL,
    PRIMARY KEY (owner, conversation_id)) WITHOUT ROWID;
-- answer: the Answer's JSON, deflated, NULL while it stands in the audit's row seq, or where there is none
-- collections: JSON list of those that the owner could read then, NULL for all, cut: when it was taken out of its conversation
CREATE TABLE turns (
    id INTEGER PRIMARY KEY,
    owner TEXT NOT NULL, conversation_id TEXT, time TEXT NOT NULL, question TEXT NOT NULL, status TEXT NOT NULL,
    answer_id TEXT, text TEXT NOT NULL, seq INTEGER, answer BLOB, collections TEXT, cut TEXT);
CREATE INDEX turns_conversation ON turns(owner, conversation_id, id);
CREATE INDEX turns_answer ON turns(owner, answer_id);
CREATE INDEX turns_seq ON turns(seq);
CREATE TABLE feedback (
    owner TEXT NOT NULL, answer_id TEXT NOT NULL, time TEXT NOT NULL, "user" TEXT NOT NULL, verdict TEXT NOT NULL, comment TEXT NOT NULL,
    PRIMARY KEY (owner, answer_id)) WITHOUT ROWID;
"""
# name: of the owner, as readers of the link see it
_SHARES = """
CREATE TABLE shares (
    token TEXT PRIMARY KEY, owner TEXT NOT NULL, conversation_id TEXT NOT NULL, name TEXT NOT NULL, created TEXT NOT NULL,
    UNIQUE (owner, conversation_id)) WITHOUT ROWID;
"""

# MIGRATIONS[n] brings a file of schema n to n + 1, in the one transaction of the opening.
MIGRATIONS: dict[int, str] = {
    1: f"ALTER TABLE turns ADD COLUMN collections TEXT; ALTER TABLE turns ADD COLUMN cut TEXT; {_SHARES}",
}


def open_records(settings: Settings, root: str | Path, *, create: bool = True) -> AnyDatabase:
    """Open the records of a base: those that machines share, where the settings name them, else of its folder ``root``.

    Raises as ``open_database``, SettingsError.
    """
    return open_database(shared_of(settings) or Path(root) / NAME, create=create)


def open_database(place: Path | Shared, *, create: bool = True) -> AnyDatabase:
    """Open the file, or the tables of a shared base, made where they are missing and brought up to this schema.

    Nobody else on the machine may read a file that is made. Raises StoreError for records of a newer program, a file that is
    damaged, a database that is not there, and for missing records with ``create`` False.
    """
    return _open_shared(place, create) if isinstance(place, Shared) else _open_file(place, create)


def _open_file(path: Path, create: bool) -> Database:
    if not path.exists():
        if not create:
            raise StoreError(f"There are no records in {path.parent}.", "`thesis serve` makes them (setting records).")
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise faults(path)(error) from error
    try:
        database = Database(path, faults=faults(path))
    except sqlite3.Error as error:
        raise faults(path)(error) from error
    try:
        _bring_up(database)
    except BaseException:
        database.close()
        raise
    return database


def _bring_up(database: Database) -> None:
    with database.read() as connection:
        if _schema(connection) == SCHEMA:
            return
    with database.write() as connection:
        found = _schema(connection)  # another process may have done it meanwhile
        if found > SCHEMA:
            raise _newer(str(database.path), found)
        if found == 0:
            _run(connection, _TABLES + _SHARES)
            for statement in GUARDS.values():
                connection.execute(statement)
        for step in range(found or SCHEMA, SCHEMA):
            _run(connection, MIGRATIONS[step])
        connection.execute(f"PRAGMA user_version = {SCHEMA}")


def _schema(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _run(connection: sqlite3.Connection, script: str) -> None:
    # executescript() would commit the transaction that it is part of.
    for statement in statements(script):
        connection.execute(statement)


def statements(script: str) -> list[str]:
    """Return the statements of a script, each of which ends with ";"."""
    return [one for one in script.split(";") if one.strip()]


def _open_shared(place: Shared, create: bool) -> SharedDatabase:
    database = SharedDatabase(place, PART, "The records")
    try:
        _bring_up_shared(database, create)
    except BaseException:
        database.close()
        raise
    return database


def _bring_up_shared(database: SharedDatabase, create: bool) -> None:
    if _shared_schema(database) == SCHEMA:
        return
    if not create:
        raise StoreError(f"{database.what} are not there.", "`thesis serve` makes them (setting records).")
    with database.write() as connection:
        found = _shared_schema(database)
        if found > SCHEMA:
            raise _newer(database.what, found)
        if found == 0:
            database.define([*statements(_TABLES + _SHARES), COUNT, COUNT_FROM])
            for guard in SHARED_GUARDS:
                for statement in guard.statements(database.schema):
                    connection.execute(statement)
            database.define(["CREATE TABLE version (value INTEGER NOT NULL)", "INSERT INTO version VALUES (0)"])
        for step in range(found or SCHEMA, SCHEMA):
            database.define(statements(MIGRATIONS[step]))
        connection.execute("UPDATE version SET value = ?", (SCHEMA,))


def _shared_schema(database: SharedDatabase) -> int:
    if "version" not in database.tables():
        return 0
    with database.read() as connection:
        return int(connection.execute("SELECT value FROM version").fetchone()[0])


def _newer(what: str, found: int) -> StoreError:
    return StoreError(
        f"The records {what} are of a newer version of this program (schema {found}, known: {SCHEMA}).",
        "Use that version, or name another store.",
    )


def faults(path: Path) -> Callable[[Exception], Exception]:
    """Return what turns an error of SQLite or the disk into a StoreError; an error of the program stays what it is."""

    def turned(error: Exception) -> Exception:
        if isinstance(error, sqlite3.ProgrammingError | sqlite3.IntegrityError):
            return error
        advice = "Move the file away: new records begin; or take it from a backup."
        if "malformed" in str(error) or "not a database" in str(error) or "no such" in str(error):
            return StoreError(f"The records {path} cannot be read: {error}.", advice)
        return fault(f"The records {path}", error, advice)

    return turned
