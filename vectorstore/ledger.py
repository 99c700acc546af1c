"""The ledger: which documents are in, in which version and state, with their text, chunks and vectors (SQLite).

It is the truth; the vector and keyword indexes can be made again from it. A document's place in those indexes changes in
three steps: ``mark`` (it is about to differ), one transaction here that is the moment of change, ``settle``. A
process that dies in between leaves the mark, and the next one brings the indexes in line with what stands here.
"""

# ruff: noqa: S608 - every name put into a statement is a constant of this module
from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vectorstore import _rows
from vectorstore._amending import Amending
from vectorstore._chunks import Chunks
from vectorstore._faults import ledger_fault
from vectorstore._kept import Kept, remember
from vectorstore._missing import not_there
from vectorstore._rows import Head, Match
from vectorstore._schema import prepare
from vectorstore._scoped import Scope
from vectorstore._shared_ledger import shared_ledger
from vectorstore._sql import AnyDatabase, Connection, Lock, among
from vectorstore._sqlite import Database
from vectorstore.errors import StoreError
from vectorstore.records import Chunk, Document, Filters, SourceInfo, sha256
from vectorstore.shared import Shared

Vectors = NDArray[np.float32]


class Ledger(Amending, Chunks):
    """One ``ledger.sqlite``, brought up to date where an older program made it, or the tables of a base that machines share.

    ``owned`` False is for reading beside the owner. Raises StoreError for a file that is damaged or from a newer program.
    """

    def __init__(self, place: Path | Shared, *, owned: bool = True) -> None:
        self.path = place if isinstance(place, Path) else None  # its file, where it is one
        self._owned = owned
        self._kept = Kept(-1)
        self._parsed: dict[str, tuple[tuple[object, ...], SourceInfo]] = {}
        self._open(place, owned)

    def _open(self, place: Path | Shared, owned: bool) -> None:
        self._database: AnyDatabase
        if isinstance(place, Shared):
            self._database, self._process = shared_ledger(place, owned=owned)
            self.place, self.name = place.shown, f"The ledger ({place.shown})"
            return
        self.place, self.name = str(place), f"The ledger {place}"
        try:
            self._database = database = Database(place, faults=ledger_fault(place))
        except sqlite3.DatabaseError as error:
            raise ledger_fault(place)(error) from error
        try:
            prepare(database, place, owned=owned)
        except sqlite3.DatabaseError as error:
            database.close()
            raise StoreError(
                f"The ledger {place} cannot be read: {error}.",
                "Restore it from a backup, or move the store folder away and ingest again.",
            ) from error
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        if self._process is not None:
            self._process.end()
        self._database.close()

    def lock(self, name: str) -> Lock:
        """Return the lock of that name: one thread has it, of all processes that may write here."""
        return self._database.lock(name)

    def transaction(self) -> AbstractContextManager[Connection]:
        """One transaction; the writing methods called inside it are part of it."""
        return self._database.write()

    def snapshot(self) -> AbstractContextManager[Connection]:
        """Reads inside the block, by this thread, see one committed state."""
        return self._database.read()

    # What the store was made with

    def get_meta(self, key: str) -> str | None:
        with self._database.read() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def metas(self, *keys: str) -> dict[str, str]:
        """Return what stands under ``keys``, of one state; those that are not there are left out."""
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT key, value FROM meta WHERE {among('key')}", (json.dumps(keys),))
            return dict(rows.fetchall())

    def set_meta(self, key: str, value: str) -> None:
        with self._database.write() as connection:
            connection.execute(_rows.SET_META, (key, value))

    # Documents

    def number(self, document: Document) -> int:
        """Return the document's number in the indexes, giving it one (state "removed") if it is new."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO documents (document_id, path, collection, state, changed_at) "
                "VALUES (?, ?, ?, 'removed', ?) ON CONFLICT DO NOTHING",
                (document.document_id, document.path, document.collection, _rows.now()),
            )
            row = connection.execute("SELECT number FROM documents WHERE document_id = ?", (document.document_id,))
            return int(row.fetchone()[0])

    def put(self, document: Document, chunks: Sequence[Chunk], embedded_shas: Sequence[str] | None = None) -> None:
        """Make ``document`` the current version with exactly these chunks: "chunked", and waiting for its vectors.

        With ``embedded_shas``, one a chunk, its vectors are in and it is "indexed".
        """
        now = _rows.now()
        state = "chunked" if embedded_shas is None else "indexed"
        with self._database.write() as connection:
            self.number(document)
            if embedded_shas is None:
                self.await_vectors(document.document_id)
            connection.execute("DELETE FROM chunks WHERE document_id = ?", (document.document_id,))
            self.keep_text(document, now)
            connection.execute(
                "UPDATE versions SET structure = ?, replaced_at = NULL WHERE document_id = ? AND version = ?",
                (json.dumps(_rows.structure(document)), document.document_id, document.version),
            )
            connection.execute(
                "UPDATE versions SET replaced_at = ? WHERE document_id = ? AND version != ? AND replaced_at IS NULL",
                (now, document.document_id, document.version),
            )
            connection.executemany(
                f"INSERT INTO chunks ({_rows.CHUNK}, place, text_sha, embedded_sha) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        *(c.chunk_id, c.document_id, c.version, c.start, c.end, _rows.as_bytes(c.text), c.page),
                        *(_rows.plain(c.section), c.role, place, sha256(_rows.as_bytes(c.text)), embedded),
                    )
                    for place, (c, embedded) in enumerate(zip(chunks, embedded_shas or [""] * len(chunks), strict=True))
                ),
            )
            connection.execute(
                "UPDATE documents SET path = ?, collection = ?, version = ?, state = ?, error = NULL, revision = revision + 1, "
                "changed_at = ?, media_type = ?, warnings = ?, pages = ?, characters = ?, chunks = ?, collection_key = ?, "
                f"{_rows.METADATA} WHERE document_id = ?",
                (
                    *(document.path, document.collection, document.version, state, now, document.media_type),
                    *(json.dumps(document.warnings), len(document.pages), len(document.text), len(chunks)),
                    *(_rows.key(document.collection), *_rows.metadata_values(document.metadata)),
                    document.document_id,
                ),
            )
            self.words_changed([document.document_id])

    def fail(self, document_id: str, path: str, collection: str, error: str) -> None:
        """Note a failure; a version that was in stays in (and answers), with the error beside it."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO documents (document_id, path, collection, state, error, changed_at, collection_key) "
                "VALUES (?, ?, ?, 'failed', ?, ?, ?) ON CONFLICT (document_id) DO UPDATE SET state = 'failed', "
                "error = excluded.error, changed_at = excluded.changed_at",
                (document_id, path, collection, _rows.plain(error), _rows.now(), _rows.key(collection)),
            )

    def take_out(self, document_id: str) -> bool:
        """Take a document out; its versions stay readable. Returns whether it was in."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM chunks WHERE document_id = ?", (document_id,))
            connection.execute("DELETE FROM waiting WHERE document_id = ?", (document_id,))
            connection.execute(
                "UPDATE versions SET replaced_at = ? WHERE document_id = ? AND replaced_at IS NULL",
                (_rows.now(), document_id),
            )
            self.words_changed([document_id])
            changed = connection.execute(
                "UPDATE documents SET state = 'removed', version = NULL, error = NULL, chunks = 0, changed_at = ?, "
                "metadata = '{}', warnings = '[]', pages = 0, characters = 0, company = NULL, published = NULL, kind_key = NULL, "
                "publisher_key = NULL, ticker_key = NULL, form_key = NULL, fiscal_period_key = NULL WHERE document_id = ? AND state != 'removed'",
                (_rows.now(), document_id),
            )
            return changed.rowcount > 0

    def info(self, document_id: str) -> SourceInfo | None:
        found = self._infos("d.document_id = ? AND d.state != 'removed'", [document_id])
        return found[0] if found else None

    def infos(self, filters: Filters | None = None) -> list[SourceInfo]:
        """Return what is in or has failed, by path; with filters only documents that match."""
        filters = filters or Filters()
        # Each question asks for the list, several times; reading ten thousand documents takes a second.
        kept = self._now()
        found = kept.infos.get(filters)
        if found is None:
            condition, values = self._where(filters)
            found = self._infos(f"d.state != 'removed' AND {condition}", values)
            remember(kept.infos, filters, found)
        return list(found)

    def _now(self) -> Kept:
        """Return what is kept of the state that this thread sees."""
        kept, revision = self._kept, self._database.revision
        if not self._owned and not self.shared:
            return Kept(revision)  # another process changes it, and its number does not say so
        if kept.revision < revision:
            kept = self._kept = Kept(revision)
        return kept if kept.revision == revision else Kept(revision)

    def _infos(self, condition: str, values: Sequence[object]) -> list[SourceInfo]:
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT d.document_id, coalesce(d.version, ''), d.path, d.collection, d.metadata, d.media_type, "
                "d.state, d.pages, d.characters, "
                "d.chunks, d.changed_at, d.error, "
                f"d.warnings FROM documents d WHERE {condition} ORDER BY d.path, d.document_id",
                values,
            ).fetchall()
        found = []
        for row in rows:
            old = self._parsed.get(row[0])
            if old is None or old[0] != row:
                old = self._parsed[row[0]] = (row, _rows.info(row))
            found.append(old[1])
        return found

    def document(self, document_id: str, version: str | None = None) -> Document:
        """Return one stored version (the current one by default). Raises NotFound."""
        with self._database.read() as connection:
            place = connection.execute(
                "SELECT path, collection, version FROM documents WHERE document_id = ?", (document_id,)
            ).fetchone()
            wanted = version or (place and place[2])
            row = connection.execute(
                "SELECT text, structure FROM versions WHERE document_id = ? AND version = ? AND pruned_at IS NULL",
                (document_id, wanted),
            ).fetchone()
            if place is None or row is None:
                raise not_there(connection, document_id, version)
        return _rows.document(document_id, wanted, place[0], place[1], row[0], row[1])

    def is_empty(self) -> bool:
        with self._database.read() as connection:
            return connection.execute("SELECT 1 FROM documents WHERE version IS NOT NULL LIMIT 1").fetchone() is None

    def current(self, filters: Filters | None = None) -> list[tuple[str, str]]:
        """Return the sorted (document_id, version) of the documents that are in and match."""
        condition, values = self._where(filters or Filters())
        with self._database.read() as connection:
            return connection.execute(
                f"SELECT document_id, version FROM documents d WHERE version IS NOT NULL AND {condition} ORDER BY document_id",
                values,
            ).fetchall()

    def collections(self) -> dict[str, int]:
        """Return every collection that holds or ever held a document, and how many are in."""
        kept = self._now()
        if kept.collections is None:
            with self._database.read() as connection:
                rows = connection.execute("SELECT collection, count(version) FROM documents GROUP BY collection")
                kept.collections = dict(rows.fetchall())
        return dict(kept.collections)

    def collection_of(self, document_id: str) -> str | None:
        """Return the collection of a document that is or ever was in; None for one that is nowhere."""
        known = self._parsed.get(document_id)  # a part of its id: it never changes
        if known is not None:
            return known[1].collection
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT collection FROM documents WHERE document_id = ?", (document_id,)
            ).fetchone()
        return None if row is None else str(row[0])

    def heads(self, filters: Filters | None = None) -> list[Head]:
        """Return the documents that are in and match."""
        condition, values = self._where(filters or Filters())
        return self._heads(f"version IS NOT NULL AND {condition}", values)

    def heads_of(self, document_ids: Sequence[str]) -> dict[str, Head]:
        condition = f"version IS NOT NULL AND {among('document_id')}"
        return {head.document_id: head for head in self._heads(condition, [json.dumps(list(document_ids))])}

    def numbers(self) -> dict[str, int]:
        """Return the number of every document that ever was in."""
        with self._database.read() as connection:
            return dict(connection.execute("SELECT document_id, number FROM documents").fetchall())

    def _heads(self, condition: str, values: Sequence[object]) -> list[Head]:
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT number, document_id, version, path, collection, metadata FROM documents d "
                f"WHERE {condition} ORDER BY number",
                values,
            ).fetchall()
        return [_rows.head(row) for row in rows]

    def matching(self, filters: Filters, *, dated: bool = True) -> list[Match]:
        """Return the documents that are in and match, in the order they came.

        ``dated`` False asks for those that match everything but lack a date under ``as_of``.
        """
        kept = self._now()
        found = kept.matches.get((filters, dated))
        if found is None:
            condition, values = self._where(filters, dated=dated)
            with self._database.read() as connection:
                rows = connection.execute(
                    "SELECT number, document_id, revision, chunks "
                    f"FROM documents d WHERE version IS NOT NULL AND {condition} ORDER BY number",
                    values,
                )
                found = [Match(*row) for row in rows]
            remember(kept.matches, (filters, dated), found)
        return list(found)

    def scope(self, within: frozenset[str]) -> Scope:
        """Return the documents that are in and belong to these collections."""
        kept = self._now()
        found = kept.scopes.get(within)
        if found is None:
            found = Scope([match.number for match in self.matching(Filters(within=within))])
            remember(kept.scopes, within, found)
        return found

    def _where(self, filters: Filters, *, dated: bool = True) -> tuple[str, list[object]]:
        companies: list[str] = []
        if filters.company:
            kept = self._now()
            if kept.companies is None:
                with self._database.read() as connection:
                    rows = connection.execute("SELECT DISTINCT company FROM documents WHERE company IS NOT NULL")
                    kept.companies = [row[0] for row in rows]
            companies = kept.companies
        return _rows.where(filters, companies, dated=dated)

    def text_of(self, document_id: str, version: str) -> tuple[str, bool]:
        """Return a version's text, and whether it is still what was stored."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT text, text_sha FROM versions WHERE document_id = ? AND version = ?", (document_id, version)
            ).fetchone()
        try:
            data = zlib.decompress(row[0])
        except zlib.error:
            return "", False
        return _rows.as_text(data), sha256(data) == row[1]

    def size(self) -> int:
        """Return its bytes, when all that was written has reached the disk."""
        return self._database.bytes()

    def compact(self, share: float) -> None:
        """Make the file smaller where more than ``share`` of it is unused."""
        self._database.compact(share)

    def problems(self, *, thorough: bool = False) -> list[str]:
        """Return what the database's own checks find; ``thorough``: its indexes against their tables too, and every text's checksum."""
        found = self._database.problems(thorough=thorough)
        with self._database.read() as connection:
            names = connection.execute("SELECT document_id, version FROM versions").fetchall() if thorough else []
        return found + [
            f"The text of {name} is damaged." for name, version in names if not self.text_of(name, version)[1]
        ]
