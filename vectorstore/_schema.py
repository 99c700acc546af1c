"""The tables of the ledger: made, or brought up from those of an older version, in one transaction.

Numbers of the schema: 1, the first; 2, states of documents under way, staged chunks, retention of versions.
"""

# ruff: noqa: S608 - every name put into a statement is a constant of the package
from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from vectorstore._rows import SET_META, TABLES
from vectorstore._sql import Connection
from vectorstore._sqlite import Database
from vectorstore.errors import StoreError

SCHEMA = 2


def prepare(database: Database, path: Path, *, owned: bool) -> None:
    """Make the tables, or bring them up to date, all or nothing.

    ``owned`` False is for a reader beside the owner, which changes nothing. Raises StoreError for a newer store, and for an
    older one that may not be changed.
    """
    with database.read() as connection:
        found = schema_of(connection)
    if found == SCHEMA:
        return
    if found is not None and found > SCHEMA:
        raise newer(path, found)
    if not owned:
        raise StoreError(
            f"The store {path.parent} was made by an older version of this program "
            f"(schema {found or 0}; this one works with {SCHEMA}).",
            "Run `thesis sources` once: it brings the store up to date.",
        )
    try:
        with database.altering() as connection:
            found = schema_of(connection)  # two may have started at once
            if found != SCHEMA:
                _bring_up(connection, found)
    except sqlite3.IntegrityError as error:
        raise StoreError(
            f"The ledger {path} of an older version cannot be brought up to date: {error}.",
            "Restore it from a backup, or move the store folder away and ingest again.",
        ) from error


def newer(path: Path, schema: int) -> StoreError:
    return StoreError(
        f"The store {path.parent} was made by a newer version of this program "
        f"(schema {schema}; this one knows {SCHEMA}).",
        "Update the program, or name another folder with --store.",
    )


def schema_of(connection: Connection) -> int | None:
    """Return the number that a ledger carries, None for a file without tables."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is None:
        return None
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    return int(row[0]) if row else None


def strangers(connection: Connection) -> list[str]:
    """Return the names of all that stands in an up-to-date ledger beside this program's tables: views, triggers and the like."""
    statements = [_named(statement) for statement in filter(str.strip, TABLES.split(";"))]
    ours = {(kind.lower(), name) for kind, name in statements}
    rows = connection.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite#_%' ESCAPE '#'")
    return [name for kind, name in rows if (kind, name) not in ours]


def _bring_up(connection: sqlite3.Connection, found: int | None) -> None:
    """A table whose definition differs is made anew and takes over the columns that both have."""
    indexes = []
    for statement in filter(str.strip, TABLES.split(";")):
        kind, name = _named(statement)
        if kind == "INDEX":
            indexes.append(statement)
            continue
        row = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)).fetchone()
        if row is None:
            connection.execute(statement)
        elif _definition(row[0]) != _definition(statement):
            _remake(connection, name, statement)
    for statement in indexes:
        connection.execute(statement)
    if found == 1:
        # When an old version was replaced is not known: its time of grace starts no earlier than it did.
        connection.execute(
            "UPDATE versions SET replaced_at = (SELECT changed_at FROM documents d WHERE d.document_id = versions.document_id) "
            "WHERE version IS NOT (SELECT version FROM documents d WHERE d.document_id = versions.document_id)"
        )
    connection.execute(SET_META, ("schema", str(SCHEMA)))


def _remake(connection: sqlite3.Connection, name: str, statement: str) -> None:
    connection.execute(statement.replace(f"EXISTS {name} ", f"EXISTS remade_{name} ", 1))
    columns = [
        {row[1] for row in connection.execute(f"PRAGMA table_info({table})")} for table in (name, f"remade_{name}")
    ]
    both = ", ".join(sorted(columns[0] & columns[1]))
    connection.execute(f"INSERT INTO remade_{name} ({both}) SELECT {both} FROM {name}")
    connection.execute(f"DROP TABLE {name}")
    connection.execute(f"ALTER TABLE remade_{name} RENAME TO {name}")


def _named(statement: str) -> tuple[str, str]:
    found = re.match(r"\s*CREATE (TABLE|INDEX) IF NOT EXISTS (\w+) ", statement)
    assert found is not None
    return found[1], found[2]


def _definition(statement: str) -> str:
    """Return what stands behind the table's name, with single spaces."""
    return " ".join(statement[statement.index("(") :].split())
