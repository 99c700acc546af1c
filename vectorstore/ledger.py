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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vectorstore import _rows
from vectorstore._rows import Head, Match
from vectorstore._sqlite import Database
from vectorstore.errors import NotFound, StoreError
from vectorstore.records import Chunk, Document, Filters, SourceInfo, sha256

SCHEMA = 1
Vectors = NDArray[np.float32]
_LISTS = 32  # lists of documents that are kept until the next change


class Ledger:
    """One ``ledger.sqlite``. Raises StoreError for a file that is damaged or from a newer program."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: tuple[int, dict[Filters, list[SourceInfo]]] = (-1, {})
        try:
            self._database = Database(path)
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error
        try:
            with self._database.read() as connection:
                tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
                row = (
                    connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
                    if "meta" in tables
                    else None
                )
            schema = int(row[0]) if row else SCHEMA
            if schema > SCHEMA:
                raise self._newer(schema)
            with self._database.write() as connection:
                for statement in filter(str.strip, _rows.TABLES.split(";")):
                    connection.execute(statement)
                connection.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", (str(SCHEMA),))
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise self._damaged(error) from error
        except StoreError:
            self._database.close()
            raise

    def _damaged(self, error: Exception) -> StoreError:
        return StoreError(
            f"The ledger {self.path} cannot be read: {error}.",
            "Restore it from a backup, or move the store folder away and ingest again.",
        )

    def _newer(self, schema: int) -> StoreError:
        return StoreError(
            f"The store {self.path.parent} was made by a newer version of this program "
            f"(schema {schema}; this one knows {SCHEMA}).",
            "Update the program, or name another folder with --store.",
        )

    def close(self) -> None:
        self._database.close()

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """One transaction; the writing methods called inside it are part of it."""
        return self._database.write()

    def snapshot(self) -> AbstractContextManager[sqlite3.Connection]:
        """Reads inside the block, by this thread, see one committed state."""
        return self._database.read()

    # What the store was made with

    def get_meta(self, key: str) -> str | None:
        with self._database.read() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        with self._database.write() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    # Marks: documents whose place in the indexes may differ from the ledger

    def mark(self, document_ids: Iterable[str]) -> None:
        with self._database.write() as connection:
            connection.executemany("INSERT OR IGNORE INTO marks VALUES (?)", ((i,) for i in document_ids))

    def settle(self, document_ids: Iterable[str]) -> None:
        with self._database.write() as connection:
            connection.executemany("DELETE FROM marks WHERE document_id = ?", ((i,) for i in document_ids))

    def marked(self) -> list[str]:
        with self._database.read() as connection:
            return [row[0] for row in connection.execute("SELECT document_id FROM marks ORDER BY document_id")]

    # Documents

    def number(self, document: Document) -> int:
        """Return the document's number in the indexes, giving it one (state "removed") if it is new."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO documents (document_id, path, collection, state, changed_at) "
                "VALUES (?, ?, ?, 'removed', ?)",
                (document.document_id, document.path, document.collection, _rows.now()),
            )
            row = connection.execute("SELECT number FROM documents WHERE document_id = ?", (document.document_id,))
            return int(row.fetchone()[0])

    def put(self, document: Document, chunks: Sequence[Chunk], embedded_shas: Sequence[str]) -> None:
        """Make ``document`` the current version with exactly these chunks, state "indexed"."""
        now, m = _rows.now(), document.metadata
        with self._database.write() as connection:
            self.number(document)
            connection.execute("DELETE FROM chunks WHERE document_id = ?", (document.document_id,))
            connection.execute(
                "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (document_id, version) DO UPDATE SET "
                "text = excluded.text, text_sha = excluded.text_sha, structure = excluded.structure",
                (
                    document.document_id,
                    document.version,
                    now,
                    zlib.compress(_rows.as_bytes(document.text)),
                    sha256(_rows.as_bytes(document.text)),
                    json.dumps(_rows.structure(document)),
                ),
            )
            connection.executemany(
                f"INSERT INTO chunks ({_rows.CHUNK}, place, text_sha, embedded_sha) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        *(c.chunk_id, c.document_id, c.version, c.start, c.end, _rows.as_bytes(c.text), c.page),
                        *(_rows.plain(c.section), c.role, place, sha256(_rows.as_bytes(c.text)), embedded),
                    )
                    for place, (c, embedded) in enumerate(zip(chunks, embedded_shas, strict=True))
                ),
            )
            connection.execute(
                "UPDATE documents SET path = ?, collection = ?, version = ?, state = 'indexed', error = NULL, revision = revision + 1, "
                "changed_at = ?, media_type = ?, metadata = ?, warnings = ?, pages = ?, characters = ?, chunks = ?, company = ?, "
                "published = ?, kind_key = ?, publisher_key = ?, ticker_key = ?, form_key = ?, collection_key = ?, "
                "fiscal_period_key = ? WHERE document_id = ?",
                (
                    *(document.path, document.collection, document.version, now, document.media_type),
                    *(json.dumps(_rows.metadata(m)), json.dumps(document.warnings)),
                    *(len(document.pages), len(document.text), len(chunks)),
                    *(
                        m.company and _rows.plain(m.company),
                        m.published,
                        m.kind,
                        _rows.key(m.publisher),
                        _rows.key(m.ticker),
                    ),
                    *(
                        _rows.code(m.form),
                        _rows.key(document.collection),
                        _rows.code(m.fiscal_period),
                        document.document_id,
                    ),
                ),
            )

    def fail(self, document_id: str, path: str, collection: str, error: str) -> None:
        """Note a failure; a version that was in stays in (and answers), with the error beside it."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO documents (document_id, path, collection, state, error, changed_at, collection_key) "
                "VALUES (?, ?, ?, 'failed', ?, ?, ?) ON CONFLICT (document_id) DO UPDATE SET state = 'failed', "
                "error = excluded.error, changed_at = excluded.changed_at",
                (document_id, path, collection, error, _rows.now(), _rows.key(collection)),
            )

    def take_out(self, document_id: str) -> bool:
        """Take a document out; its versions stay readable. Returns whether it was in."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM chunks WHERE document_id = ?", (document_id,))
            changed = connection.execute(
                "UPDATE documents SET state = 'removed', version = NULL, error = NULL, chunks = 0, changed_at = ? "
                "WHERE document_id = ? AND state != 'removed'",
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
        changes, held = self._held
        if changes != self._database.changes:
            changes, held = self._held = self._database.changes, {}
        found = held.get(filters)
        if found is None:
            condition, values = self._where(filters)
            found = self._infos(f"d.state != 'removed' AND {condition}", values)
            if len(held) < _LISTS:
                held[filters] = found
        return list(found)

    def _infos(self, condition: str, values: Sequence[object]) -> list[SourceInfo]:
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT d.document_id, coalesce(d.version, ''), d.path, d.collection, d.metadata, d.media_type, "
                "d.state, d.pages, d.characters, "
                "d.chunks, d.changed_at, d.error, "
                f"d.warnings FROM documents d WHERE {condition} ORDER BY d.path, d.document_id",
                values,
            ).fetchall()
        return [_rows.info(row) for row in rows]

    def document(self, document_id: str, version: str | None = None) -> Document:
        """Return one stored version (the current one by default). Raises NotFound."""
        with self._database.read() as connection:
            place = connection.execute(
                "SELECT path, collection, version FROM documents WHERE document_id = ?", (document_id,)
            ).fetchone()
            wanted = version or (place and place[2])
            row = connection.execute(
                "SELECT text, structure FROM versions WHERE document_id = ? AND version = ?", (document_id, wanted)
            ).fetchone()
        if place is None or row is None:
            detail = f" in version {version}" if version and place else ""
            raise NotFound(f"There is no document {document_id}{detail}.", "`thesis sources` lists what is in.")
        return _rows.document(document_id, wanted, place[0], place[1], row[0], row[1])

    def current(self) -> list[tuple[str, str]]:
        """Return the sorted (document_id, version) of all documents that are in."""
        with self._database.read() as connection:
            return connection.execute(
                "SELECT document_id, version FROM documents WHERE version IS NOT NULL ORDER BY document_id"
            ).fetchall()

    def heads(self, filters: Filters | None = None) -> list[Head]:
        """Return the documents that are in and match."""
        condition, values = self._where(filters or Filters())
        return self._heads(f"version IS NOT NULL AND {condition}", values)

    def heads_of(self, document_ids: Sequence[str]) -> dict[str, Head]:
        condition = "version IS NOT NULL AND document_id IN (SELECT value FROM json_each(?))"
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
        condition, values = self._where(filters, dated=dated)
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT number, document_id, revision, chunks "
                f"FROM documents d WHERE version IS NOT NULL AND {condition} ORDER BY number",
                values,
            )
            return [Match(*row) for row in rows]

    def _where(self, filters: Filters, *, dated: bool = True) -> tuple[str, list[object]]:
        companies: list[str] = []
        if filters.company:
            with self._database.read() as connection:
                rows = connection.execute("SELECT DISTINCT company FROM documents WHERE company IS NOT NULL")
                companies = [row[0] for row in rows]
        return _rows.where(filters, companies, dated=dated)

    # Chunks

    def chunks(self, document_id: str) -> list[Chunk]:
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {_rows.CHUNK} FROM chunks WHERE document_id = ? ORDER BY place", (document_id,)
            )
            return [_rows.chunk(row) for row in rows]

    def chunks_by_id(self, chunk_ids: Sequence[str]) -> dict[str, Chunk]:
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {_rows.CHUNK} FROM chunks WHERE chunk_id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(chunk_ids)),),
            )
            return {row[0]: _rows.chunk(row) for row in rows}

    def count_chunks(self) -> int:
        """Return how many chunks are in, as the documents say."""
        with self._database.read() as connection:
            return int(connection.execute("SELECT coalesce(sum(chunks), 0) FROM documents").fetchone()[0])

    def chunk_rows(self) -> Iterator[tuple[Chunk, str, str]]:
        """Yield (chunk, sha of its text, sha of what was embedded), document by document."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {_rows.CHUNK}, text_sha, embedded_sha FROM chunks ORDER BY document_id, place"
            )
            for row in rows:
                yield _rows.chunk(row[:9]), row[9], row[10]

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

    # Vectors, by the text that was embedded

    def missing(self, embedder: str, shas: Iterable[str]) -> set[str]:
        wanted = set(shas)
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT sha FROM embeddings WHERE embedder = ? AND sha IN (SELECT value FROM json_each(?))",
                (embedder, json.dumps(sorted(wanted))),
            )
            return wanted - {row[0] for row in rows}

    def keep_vectors(self, embedder: str, shas: Sequence[str], vectors: Vectors) -> None:
        with self._database.write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)",
                ((embedder, sha, v.astype("<f4").tobytes()) for sha, v in zip(shas, vectors, strict=True)),
            )

    def vectors_for(self, embedder: str, shas: Sequence[str]) -> Vectors:
        """Return the vectors (len(shas), d) of texts that are all in. Raises StoreError otherwise."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT sha, vector FROM embeddings WHERE embedder = ? AND sha IN (SELECT value FROM json_each(?))",
                (embedder, json.dumps(list(shas))),
            ).fetchall()
        found = dict(rows)
        if lost := set(shas) - found.keys():
            raise StoreError(f"{len(lost)} vectors are missing from the ledger.", "Run `thesis rebuild`.")
        flat = np.frombuffer(b"".join(found[sha] for sha in shas), dtype="<f4").astype(np.float32)
        return flat.reshape(len(shas), -1) if shas else flat.reshape(0, 0)

    def vectors(self, embedder: str, document_id: str) -> tuple[list[str], NDArray[np.str_], Vectors]:
        """Return (chunk ids, roles, vectors (n, d)) of one document, in order; chunks without a vector are left out."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT c.chunk_id, c.role, e.vector FROM chunks c JOIN embeddings e "
                "ON e.embedder = ? AND e.sha = c.embedded_sha WHERE c.document_id = ? ORDER BY c.place",
                (embedder, document_id),
            ).fetchall()
        flat = np.frombuffer(b"".join(row[2] for row in rows), dtype="<f4").astype(np.float32)
        roles = np.array([row[1] for row in rows], dtype=np.str_)
        return [row[0] for row in rows], roles, flat.reshape(len(rows), -1) if rows else flat.reshape(0, 0)

    def set_embedded_shas(self, shas: Mapping[str, str]) -> None:
        """Change what was embedded for chunks (chunk id -> sha)."""
        with self._database.write() as connection:
            connection.executemany(
                "UPDATE chunks SET embedded_sha = ? WHERE chunk_id = ?", ((s, c) for c, s in shas.items())
            )

    def drop_unused_vectors(self, embedder: str) -> None:
        """Forget the vectors of other models, and of texts that no chunk has."""
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM embeddings WHERE embedder != ? OR sha NOT IN (SELECT embedded_sha FROM chunks)",
                (embedder,),
            )

    def problems(self) -> list[str]:
        """Return what SQLite's own checks find."""
        with self._database.read() as connection:
            rows = connection.execute("PRAGMA quick_check").fetchall()
            broken = connection.execute("PRAGMA foreign_key_check").fetchall()
        found = [f"The ledger is damaged: {row[0]}." for row in rows if row[0] != "ok"]
        return found + [f"The ledger has a row of {row[0]} that belongs to nothing." for row in broken]
