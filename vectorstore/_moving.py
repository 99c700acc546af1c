"""A whole ledger from one database into another: from a folder to a base that machines share, and back."""

# ruff: noqa: S608 - every name put into a statement is a constant of the package
from __future__ import annotations

from vectorstore import _rows
from vectorstore._sql import Connection
from vectorstore.errors import StoreError
from vectorstore.ledger import Ledger

_PAGE = 500  # rows read together: texts and vectors of a base need not fit into memory
# What the ledger knows of itself alone, and what it says of the documents.
_META = ("embedder", "chunker")
# In this order every row finds what it refers to, but for the two that name each other, which are compared at the end.
_TABLES = {
    "documents": (
        *("document_id", "number", "path", "collection", "version", "state", "error", "revision", "changed_at"),
        *("media_type", "metadata", "warnings", "pages", "characters", "chunks", "company", "published", "kind_key"),
        *("publisher_key", "ticker_key", "form_key", "collection_key", "fiscal_period_key"),
    ),
    "versions": (
        *("document_id", "version", "stored_at", "text", "text_sha", "structure", "replaced_at", "pruned_at"),
    ),
    "chunks": (
        *("chunk_id", "document_id", "version", "place", "start", '"end"', "text", "page", "section", "role"),
        *("text_sha", "embedded_sha"),
    ),
    "embeddings": ("embedder", "sha", "vector"),
}
# What tells a row from all others, in the order that is kept: versions of one second stand as they came.
_KEYS = {"documents": ("number",), "versions": ("rowid",), "chunks": ("chunk_id",), "embeddings": ("embedder", "sha")}


def move(source: Ledger, target: Ledger) -> None:
    """Copy one committed state of ``source`` into ``target``, whole or not at all. Raises StoreError for one that is not empty."""
    with source.snapshot() as reading, target.transaction() as writing:
        if writing.execute("SELECT 1 FROM documents LIMIT 1").fetchone() is not None:
            raise StoreError(f"{target.name} holds documents already.", "Restore into a base that is empty.")
        for key in _META:
            row = reading.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
            if row is not None:
                writing.execute(_rows.SET_META, (key, row[0]))
        for table, columns in _TABLES.items():
            _copy(reading, writing, table, columns)
        target.numbered()
        waiting = reading.execute("SELECT document_id FROM waiting ORDER BY place").fetchall()
        for (name,) in waiting:
            target.await_vectors(name)
        target.words_changed([row[0] for row in writing.execute("SELECT document_id FROM documents").fetchall()])


def _copy(reading: Connection, writing: Connection, table: str, columns: tuple[str, ...]) -> None:
    keys = _KEYS[table]
    key, names = ", ".join(keys), ", ".join(columns)
    after: tuple[object, ...] = ()
    while True:
        condition = f"WHERE ({key}) > ({', '.join('?' * len(after))})" if after else ""
        page = reading.execute(
            f"SELECT {key}, {names} FROM {table} {condition} ORDER BY {key} LIMIT {_PAGE}", after
        ).fetchall()
        if not page:
            return
        writing.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})",
            [row[len(keys) :] for row in page],
        )
        after = tuple(page[-1][: len(keys)])
