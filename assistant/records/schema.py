"""The tables of ``records.sqlite``, and how an older file is brought up to them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from vectorstore.database import Database, fault
from vectorstore.errors import StoreError

NAME = "records.sqlite"
SCHEMA = 2

# The guards stop a program that writes to the audit by mistake or in passing. Whoever may write to the file can take them away: then
# `thesis audit verify` says that they are gone, and finds what was changed.
GUARDS: Mapping[str, str] = {
    "audit_keeps_rows": """
        CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit is append-only: no row may be deleted'); END""",
    "audit_keeps_fields": f"""
        CREATE TRIGGER audit_keeps_fields BEFORE UPDATE ON audit
        WHEN NEW.payload IS NOT NULL OR OLD.kind = 'pruned' OR NEW.seq IS NOT OLD.seq OR {
        " OR ".join(
            f"NEW.{name} IS NOT OLD.{name}"
            for name in ("time", "user", "kind", "channel", "payload_sha", "prev", "hash")
        )
    }
        BEGIN SELECT RAISE(ABORT, 'the audit is append-only: only a payload may be emptied'); END""",
    "audit_appends": """
        CREATE TRIGGER audit_appends BEFORE INSERT ON audit
        WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'audit')
        BEGIN SELECT RAISE(ABORT, 'the audit is append-only: a row comes at the end'); END""",
}

_TABLES = """
-- payload: canonical JSON, deflated, NULL once retention has emptied it
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL, user TEXT NOT NULL, kind TEXT NOT NULL, channel TEXT NOT NULL,
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
    owner TEXT NOT NULL, answer_id TEXT NOT NULL, time TEXT NOT NULL, user TEXT NOT NULL, verdict TEXT NOT NULL, comment TEXT NOT NULL,
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


def open_database(path: Path, *, create: bool = True) -> Database:
    """Open the file, made where it is missing (only this user may read it) and brought up to this schema.

    Raises StoreError for a file of a newer program, one that is damaged, or a missing one with ``create`` False.
    """
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
        found = _schema(connection)
        if found == SCHEMA:
            return
    with database.write() as connection:
        found = _schema(connection)  # another process may have done it meanwhile
        if found > SCHEMA:
            raise StoreError(
                f"The records {database.path} are of a newer version of this program (schema {found}, known: {SCHEMA}).",
                "Use that version, or name another store.",
            )
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
    for statement in script.split(";"):
        if statement.strip():
            connection.execute(statement)


def missing_guards(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the guards that the file has not, or has in other words."""
    held = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    return [name for name, text in GUARDS.items() if _words(held.get(name)) != _words(text)]


def _words(text: object) -> list[str]:
    return str(text).split()


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
