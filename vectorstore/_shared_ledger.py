"""The tables of a ledger on PostgreSQL, and the processes that work on it.

They are those of ``ledger.sqlite`` (vectorstore._rows), and what only several processes need: ``changed_words``, whose a waiting
document is, and the originals, which one machine's folder could not show to the others.
"""

from __future__ import annotations

import secrets
import threading

from vectorstore import _rows
from vectorstore._postgres import Database, Session
from vectorstore._sql import Connection
from vectorstore.errors import StoreError
from vectorstore.shared import Shared

SCHEMA = 1  # of these tables

_TO_VERSION = (
    ",\n    FOREIGN KEY (document_id, version) REFERENCES versions (document_id, version) DEFERRABLE INITIALLY DEFERRED"
)
_MORE = """
CREATE TABLE changed_words (document_id TEXT PRIMARY KEY, change INTEGER NOT NULL);
CREATE INDEX changed_words_since ON changed_words (change);
CREATE TABLE originals (version TEXT PRIMARY KEY, body BLOB NOT NULL);
ALTER TABLE waiting ADD COLUMN process INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD FOREIGN KEY (document_id, version) REFERENCES versions (document_id, version)
    DEFERRABLE INITIALLY DEFERRED;
"""


def statements() -> list[str]:
    """Return the definitions of all tables, as for SQLite but for what PostgreSQL refuses."""
    tables = _rows.TABLES.replace(" end INTEGER", ' "end" INTEGER').replace("IF NOT EXISTS ", "")
    # Documents and versions name each other; the first of them to be made cannot.
    tables = tables.replace(_TO_VERSION, "")
    tables = tables.replace(
        "CREATE TABLE versions (", "CREATE TABLE versions (rowid INTEGER GENERATED ALWAYS AS IDENTITY,"
    )
    return [one for one in (tables + _MORE).split(";") if one.strip()]


class Process:
    """This process among those that share a ledger: a number that lives as long as its connection does."""

    # The advisory locks that sessions of this database hold; a process holds that of its own number.
    LIVING = (
        "(SELECT (classid::bigint << 32) | objid::bigint AS number FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS living"
    )

    def __init__(self, database: Database) -> None:
        self.number = secrets.randbits(62) | 1
        self._session = Session(database, self.number)
        self._lock = threading.Lock()

    def check(self) -> None:
        """Begin again where its connection was lost."""
        with self._lock:
            self._session.keep()

    def end(self) -> None:
        self._session.end()


def shared_ledger(place: Shared, *, owned: bool) -> tuple[Database, Process | None]:
    """Open the ledger of a shared base, made where it is new; ``owned`` False is for reading only. Raises StoreUnavailable, StoreError."""
    database = Database(place, "", "The ledger")
    try:
        with database.lock("make"):
            with database.read() as connection:
                found = _schema_of(connection, database)
            if found is None:
                database.define(statements())
                with database.write() as writing:
                    known = {"shared_schema": str(SCHEMA), "base": secrets.token_hex(16)}
                    writing.executemany(_rows.SET_META, known.items())
            elif found > SCHEMA:
                raise StoreError(  # noqa: TRY301
                    f"The base {place.shown} was made by a newer version of this program (schema {found}; this one knows {SCHEMA}).",
                    "Update the program on this machine, or name another base with ledger_schema.",
                )
        return database, Process(database) if owned else None
    except BaseException:
        database.close()
        raise


def _schema_of(connection: Connection, database: Database) -> int | None:
    if "meta" not in database.tables():
        return None
    row = connection.execute("SELECT value FROM meta WHERE key = 'shared_schema'").fetchone()
    return int(row[0]) if row else None
